"""The journal in PostgreSQL: two connections, so that marks never wait for a claim."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import asyncpg
import sqlalchemy as sa

from pressrun.store.database import Database, explain_failure
from pressrun.store.journal import Claimed, Found, Mark, Scope, Settled, in_utc, sort_out

# PostgreSQL's workers pass over each other's rows. The states stand in the statements as they are, so that the partial
# indexes serve.
_DUE = """
SELECT d.id, d.send_id, coalesce(s.of_list, s.list) AS list, d.subscriber_id, d.address, d.name, d.attributes,
       d.message_id, d.attempts, d.created_at, d.form, d.repeated,
       EXISTS (SELECT 1 FROM suppressions AS x WHERE x.address_key = d.address_key) AS suppressed,
       (SELECT CASE WHEN m.left_at IS NOT NULL THEN '' WHEN m.paused_until > $4 THEN m.paused_until::text END
        FROM memberships AS m JOIN lists AS l ON l.id = m.list_id
        WHERE l.name = coalesce(s.of_list, s.list) AND m.subscriber_id = d.subscriber_id) AS away,
       d.state = 'deferred' AND d.attempts > 0 AND d.created_at <= $2 AS expired
FROM deliveries AS d JOIN sends AS s ON s.id = d.send_id
WHERE d.send_id = $1 AND {due} FOR UPDATE OF d SKIP LOCKED
"""
_DEFERRED = _DUE.format(due="d.state = 'deferred' AND d.due_at <= $4 ORDER BY d.due_at LIMIT $3")
_QUEUED = _DUE.format(due="d.state = 'queued' ORDER BY d.id LIMIT $3")

# The lock makes whoever holds a send back wait until this claim is made: then it is seen, and no later one finds rows.
_SENDS = """
SELECT id FROM sends WHERE issue = $1 AND ($2::text IS NULL OR list = $2) AND NOT held ORDER BY id FOR SHARE
"""

_TAKE = """
UPDATE deliveries SET state = 'sending', worker_id = $1, attempts = attempts + 1, updated_at = $2 WHERE id = ANY($3)
"""

_CLOSE = """
UPDATE deliveries SET state = $1, worker_id = NULL, updated_at = $2, code = CASE WHEN $4::text IS NULL THEN code END,
       enhanced = CASE WHEN $4::text IS NULL THEN enhanced END, reply = coalesce($4::text, reply)
WHERE id = $3
"""

_SETTLE = """
UPDATE deliveries AS d
SET state = v.state, attempts = v.attempts, code = v.code, enhanced = v.enhanced,
    reply = CASE WHEN d.address = '' THEN 'scrubbed' ELSE v.reply END, due_at = v.due_at,
    updated_at = v.updated_at, relay = coalesce(v.relay, d.relay), repeated = v.repeated
FROM unnest($2::bigint[], $3::text[], $4::int[], $5::int[], $6::text[], $7::text[], $8::timestamp[], $9::timestamp[],
            $10::text[], $11::bool[])
     AS v (id, state, attempts, code, enhanced, reply, due_at, updated_at, relay, repeated)
WHERE d.id = v.id AND d.worker_id = $1 AND d.state IN ('sending', 'dot', 'in_doubt')
"""

# The state is not asked for as it is: else the planner takes the index of held rows, in which all that this worker has
# sent since the last VACUUM still stand, and a send of n rows costs n² (711 µs a message where 100,000 are sent).
_MARK = """
UPDATE deliveries AS d SET state = 'dot', form = v.form, relay = v.relay, updated_at = $2
FROM unnest($3::bigint[], $4::text[], $5::text[]) AS v (id, form, relay)
WHERE d.id = v.id AND d.worker_id = $1 AND d.state || '' = 'sending'
RETURNING d.id
"""


@asynccontextmanager
async def open_postgres_journal(database: Database) -> AsyncIterator[PostgresJournal]:
    """The journal on two connections of the pool."""
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(database.connect()) for _ in range(2)]
        writing, claiming = [_Line((await one.get_raw_connection()).driver_connection) for one in opened]
        try:
            yield PostgresJournal(database, writing, claiming)
        except BaseException:  # one that was cancelled within a claim may have half a transaction on it
            for connection in opened:
                await connection.invalidate()
            raise


class _Line:
    """A connection whose transactions begin clean, also after somebody who was cancelled at whatever step.

    asyncpg's own take what was cancelled between BEGIN and its answer for one that goes on: all later ones would be
    savepoints in it, and never be committed.
    """

    def __init__(self, driver: Any) -> None:
        self._is_clean = True
        self.execute, self.executemany, self.fetch = driver.execute, driver.executemany, driver.fetch

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """A transaction, committed at the end or undone by an exception."""
        if not self._is_clean:
            await self.execute("ROLLBACK")
        self._is_clean = False
        try:
            await self.execute("BEGIN")
            yield
            await self.execute("COMMIT")
        except BaseException:
            with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):  # what went wrong first is told
                await self.execute("ROLLBACK")
                self._is_clean = True
            raise
        self._is_clean = True


class PostgresJournal:
    """Batches of one kind follow one another; claims and marks go side by side."""

    def __init__(self, database: Database, writing: _Line, claiming: _Line) -> None:
        self._database, self._writing, self._claiming = database, writing, claiming
        self._turn = asyncio.Lock()

    async def claim(self, scope: Scope, limit: int, now: dt.datetime) -> list[Claimed]:
        """See Journal."""
        with _explained(self._database):
            async with self._claiming.transaction():
                return await self._claim(scope, limit, _moment(now))

    async def write(
        self, worker_id: str, settled: Sequence[Settled], marks: Sequence[Mark], now: dt.datetime
    ) -> frozenset[int]:
        """See Journal."""
        with _explained(self._database):
            async with self._turn, self._writing.transaction():
                return await self._write(worker_id, settled, marks, _moment(now))

    async def _write(
        self, worker_id: str, settled: Sequence[Settled], marks: Sequence[Mark], now: dt.datetime
    ) -> frozenset[int]:
        if settled:
            await self._writing.execute(_SETTLE, worker_id, *_columns(settled))
        if not marks:
            return frozenset()
        columns = ([mark.id for mark in marks], [mark.form for mark in marks], [mark.relay for mark in marks])
        rows = await self._writing.fetch(_MARK, worker_id, now, *columns)
        return frozenset(row[0] for row in rows)

    async def _claim(self, scope: Scope, limit: int, now: dt.datetime) -> list[Claimed]:
        sends = [row[0] for row in await self._claiming.fetch(_SENDS, scope.issue, scope.list_name)]
        while found := await self._find(scope, sends, limit, now):
            unwanted = [(one.unwanted.value, now, one.claimed.id, one.reason) for one in found if one.unwanted]
            if unwanted:
                await self._claiming.executemany(_CLOSE, unwanted)
            if rows := [one.claimed for one in found if not one.unwanted]:
                await self._claiming.execute(_TAKE, scope.worker_id, now, [row.id for row in rows])
                return rows
        return []

    async def _find(self, scope: Scope, sends: Sequence[int], limit: int, now: dt.datetime) -> list[Found]:
        found: list[Found] = []
        for send in sends:
            for query in (_DEFERRED, _QUEUED):
                if (room := limit - len(found)) > 0:
                    rows = await self._claiming.fetch(query, send, now - scope.expiry, room, now)
                    found += map(_read, rows)
        return found


class _explained:  # noqa: N801 - reads as a statement
    """Turns what the driver raises into StoreError."""

    def __init__(self, database: Database) -> None:
        self._place = database.place

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, asyncpg.PostgresError | asyncpg.InterfaceError | OSError | sa.exc.SQLAlchemyError):
            raise explain_failure(self._place, error) from None


def _read(row: Any) -> Found:
    number, send, name, subscriber, address, person, attributes, message_id, *rest = row
    attempts, created, form, repeated, suppressed, away, expired = rest
    claimed = Claimed(
        number, send, name, subscriber, address, person, attributes, message_id, attempts + 1,
        created.replace(tzinfo=dt.UTC), form, repeated,
    )  # fmt: skip
    return sort_out(claimed, suppressed=suppressed, away=away, expired=expired)


_COLUMNS: tuple[Callable[[Settled], Any], ...] = (
    lambda row: row.id,
    lambda row: row.state.value,
    lambda row: row.attempts,
    lambda row: row.code,
    lambda row: row.enhanced,
    lambda row: row.reply,
    lambda row: _moment(row.due_at),
    lambda row: _moment(row.updated_at),
    lambda row: row.relay,
    lambda row: row.repeated,
)


def _columns(rows: Sequence[Settled]) -> list[list[Any]]:
    return [[column(row) for row in rows] for column in _COLUMNS]


def _moment(value: dt.datetime) -> dt.datetime:
    return in_utc(value).replace(tzinfo=None)
