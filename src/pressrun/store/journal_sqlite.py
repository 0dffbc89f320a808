"""The journal in SQLite: one connection, one transaction for each batch."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any, TypeVar

from pressrun.store.database import BUSY_SECONDS, Database, busy, explain_failure, set_up_sqlite
from pressrun.store.journal import Claimed, Found, Mark, Scope, Settled, in_utc, read_attributes, read_moment, sort_out

T = TypeVar("T")

# The states stand in the statements as they are, not as parameters: only then do the partial indexes serve.
_DUE = """
SELECT d.id, d.send_id, coalesce(s.of_list, s.list), d.subscriber_id, d.address, d.name, d.attributes, d.message_id,
       d.attempts, d.created_at, d.form, d.repeated,
       EXISTS (SELECT 1 FROM suppressions AS x WHERE x.address_key = d.address_key),
       (SELECT CASE WHEN m.left_at IS NOT NULL THEN '' WHEN m.paused_until > :now THEN m.paused_until END
        FROM memberships AS m WHERE m.list_id = l.id AND m.subscriber_id = d.subscriber_id),
       d.state = 'deferred' AND d.attempts > 0 AND d.created_at <= :expired
FROM deliveries AS d JOIN sends AS s ON s.id = d.send_id
     LEFT JOIN lists AS l ON l.name = coalesce(s.of_list, s.list)
WHERE d.send_id = :send AND {due} LIMIT :limit
"""
_DEFERRED = _DUE.format(due="d.state = 'deferred' AND d.due_at <= :now ORDER BY d.due_at")
_QUEUED = _DUE.format(due="d.state = 'queued' ORDER BY d.id")

_SENDS = "SELECT id FROM sends WHERE issue = :issue AND (:list IS NULL OR list = :list) AND NOT held ORDER BY id"

_TAKE = """
UPDATE deliveries SET state = 'sending', worker_id = ?, attempts = attempts + 1, updated_at = ?
WHERE id IN (SELECT value FROM json_each(?))
"""

_CLOSE = """
UPDATE deliveries SET state = ?, worker_id = NULL, updated_at = ?, code = CASE WHEN ?4 IS NULL THEN code END,
       enhanced = CASE WHEN ?4 IS NULL THEN enhanced END, reply = coalesce(?4, reply)
WHERE id = ?3
"""

_MARK = """
UPDATE deliveries SET state = 'dot', form = json_extract(v.value, '$[1]'), relay = json_extract(v.value, '$[2]'),
       updated_at = ?
FROM json_each(?) AS v
WHERE deliveries.id = json_extract(v.value, '$[0]') AND worker_id = ? AND state = 'sending'
RETURNING id
"""

_SETTLE = """
UPDATE deliveries SET state = json_extract(v.value, '$[1]'), attempts = json_extract(v.value, '$[2]'),
       code = json_extract(v.value, '$[3]'), enhanced = json_extract(v.value, '$[4]'),
       reply = CASE WHEN address = '' THEN 'scrubbed' ELSE json_extract(v.value, '$[5]') END,
       due_at = json_extract(v.value, '$[6]'),
       updated_at = json_extract(v.value, '$[7]'), relay = coalesce(json_extract(v.value, '$[8]'), relay),
       repeated = json_extract(v.value, '$[9]')
FROM json_each(?) AS v
WHERE deliveries.id = json_extract(v.value, '$[0]') AND worker_id = ? AND state IN ('sending', 'dot', 'in_doubt')
"""

_dump = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@asynccontextmanager
async def open_sqlite_journal(database: Database) -> AsyncIterator[SqliteJournal]:
    """The journal on a connection of its own."""
    try:
        connection = sqlite3.connect(database.path)
        set_up_sqlite(connection, None)
        connection.execute("PRAGMA busy_timeout = 0")
    except sqlite3.Error as error:
        raise explain_failure(database.place, error) from None
    try:
        yield SqliteJournal(database, connection)
    finally:
        connection.close()


class SqliteJournal:
    """Batches are written in the event loop's own thread: every lane waits for the commit in any case.

    Another thread for it cost a quarter more CPU and as much time. Other writers are waited for beside the event loop.
    """

    def __init__(self, database: Database, connection: sqlite3.Connection) -> None:
        self._database, self._connection = database, connection

    async def claim(self, scope: Scope, limit: int, now: dt.datetime) -> list[Claimed]:
        """See Journal."""
        return await self._work(lambda: self._claim(scope, limit, now))

    async def write(
        self, worker_id: str, settled: Sequence[Settled], marks: Sequence[Mark], now: dt.datetime
    ) -> frozenset[int]:
        """See Journal."""
        outcomes = _dump([_bind(row) for row in settled]) if settled else None
        dots = _dump([(mark.id, mark.form, mark.relay) for mark in marks]) if marks else None
        return await self._work(lambda: self._write(worker_id, outcomes, dots, _moment(now)))

    async def _work(self, job: Callable[[], T]) -> T:
        try:
            await self._begin()
            return self._finish(job)
        except sqlite3.Error as error:
            raise explain_failure(self._database.place, error) from None

    async def _begin(self) -> None:
        deadline = time.monotonic() + BUSY_SECONDS
        while not self._try_to_begin():
            if time.monotonic() > deadline:
                raise busy(self._database.place)
            await asyncio.sleep(0.002)

    def _try_to_begin(self) -> bool:
        """Begin a transaction, unless somebody else is writing."""
        if self._database.is_being_written:  # by this process: whoever waits there would starve
            return False
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                return False
            raise
        return True

    def _finish(self, job: Callable[[], T]) -> T:
        try:
            result = job()
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        return result

    def _claim(self, scope: Scope, limit: int, now: dt.datetime) -> list[Claimed]:
        sends = self._connection.execute(_SENDS, {"issue": scope.issue, "list": scope.list_name}).fetchall()
        while True:
            found = list(self._find(scope, [send for (send,) in sends], limit, now))
            if not found:
                return []
            unwanted = [(one.unwanted.value, _moment(now), one.claimed.id, one.reason) for one in found if one.unwanted]
            if unwanted:
                self._connection.executemany(_CLOSE, unwanted)
            rows = [one.claimed for one in found if not one.unwanted]
            if rows:
                self._connection.execute(_TAKE, (scope.worker_id, _moment(now), _dump([row.id for row in rows])))
                return rows

    def _find(self, scope: Scope, sends: Iterable[int], limit: int, now: dt.datetime) -> Iterable[Found]:
        values = {"now": _moment(now), "expired": _moment(now - scope.expiry)}
        for send in sends:
            for query in (_DEFERRED, _QUEUED):
                if limit <= 0:
                    return
                rows = self._connection.execute(query, {**values, "send": send, "limit": limit}).fetchall()
                limit -= len(rows)
                yield from map(_read, rows)

    def _write(self, worker_id: str, outcomes: str | None, dots: str | None, now: str) -> frozenset[int]:
        if outcomes:
            self._connection.execute(_SETTLE, (outcomes, worker_id))
        if not dots:
            return frozenset()
        return frozenset(row_id for (row_id,) in self._connection.execute(_MARK, (now, dots, worker_id)).fetchall())


def _read(row: Sequence[Any]) -> Found:
    number, send, name, subscriber, address, person, attributes, message_id, *rest = row
    attempts, created, form, repeated, suppressed, away, expired = rest
    claimed = Claimed(
        number, send, name, subscriber, address, person, read_attributes(attributes), message_id, attempts + 1,
        read_moment(created), form, bool(repeated),
    )  # fmt: skip
    return sort_out(claimed, suppressed=suppressed, away=away, expired=expired)


def _bind(row: Settled) -> tuple[Any, ...]:
    return (
        row.id, row.state, row.attempts, row.code, row.enhanced, row.reply, _moment(row.due_at),
        _moment(row.updated_at), row.relay, int(row.repeated),
    )  # fmt: skip


@lru_cache(maxsize=64)
def _moment(value: dt.datetime) -> str:
    # As SQLAlchemy writes it, so that moments compare as text.
    return in_utc(value).replace(tzinfo=None).isoformat(" ", "microseconds")
