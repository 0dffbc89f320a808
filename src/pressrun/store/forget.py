"""Forgetting: erases a person from the store, but for a keyed hash of their address that keeps imports away."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.address import ParsedAddress, key_of
from pressrun.delivery.outcome import State
from pressrun.link_keys import LinkKeys
from pressrun.store.carry import carried_over
from pressrun.store.database import BUSY_SECONDS, Database, explain_failure
from pressrun.store.event import Event, EventKind, record_events
from pressrun.store.journal import FORGOTTEN
from pressrun.store.people_tables import api_calls, confirmations, events, forgotten, webhook_posts
from pressrun.store.scrub import SCRUBBED, address_hash, address_hashes, row_keys, rows_under, scrubbed_key
from pressrun.store.subscribers import insert_into
from pressrun.store.tables import deliveries, subscribers, suppressions

__all__ = ["Forgotten", "address_hash", "address_hashes", "compact", "forget", "is_forgotten", "remember"]

NOBODY = 0
"""The subscriber of a row whose person was forgotten."""

_NOT_BEGUN = frozenset({State.QUEUED.value, State.DEFERRED.value, State.SENDING.value})
_WANTS_COMPACTING, _IS_COMPACT = "PRAGMA user_version = 1", "PRAGMA user_version = 0"  # the file says so itself
_LARGEST = 2**30  # octets of a file that is compacted: others wait until it is done, and give up after 30 seconds


@dataclass(frozen=True)
class Forgotten:
    """What forgetting somebody did: whether the store knew them, and their rows in the delivery log.

    `scrubbed` are all their rows; of these `closed` were still to be sent and never will, and `leaving` are on the way
    to a relay: what has left, or leaves this moment, can't be called back.
    """

    was_known: bool
    scrubbed: int
    closed: int
    leaving: int


class _Row(NamedTuple):
    id: int
    issue: str
    state: str
    address: str
    address_key: str


async def forget(database: Database, keys: LinkKeys, address: ParsedAddress, now: dt.datetime) -> Forgotten:
    """Erase a person, all in one transaction, whether they are a subscriber or not.

    Person, memberships, tags, consents and requests go; so does all that events and the delivery log tell of them,
    under every address they had. How many were sent what, when and with which codes stays. A keyed hash of each address
    stays in `forgotten`: no import brings them back, and only they themselves can.
    """
    async with database.connect() as connection, _leaving_no_trace(database, connection), database.writing(connection):
        return await _forget(connection, keys, address, now)


async def is_forgotten(connection: AsyncConnection, keys: LinkKeys, address_key: str) -> bool:
    """Whether somebody with this address was forgotten, and has not come back by themselves."""
    hashes = forgotten.c.address_hash.in_(address_hashes(keys, address_key))
    return await connection.scalar(sa.select(forgotten.c.address_hash).where(hashes).limit(1)) is not None


async def remember(connection: AsyncConnection, keys: LinkKeys, address_key: str, subscriber_id: int) -> bool:
    """Take somebody back who was forgotten and has just confirmed that they want mail again; whether they had been.

    Called in the transaction that makes them a subscriber. Nothing that was erased comes back; but the issues they got
    count as theirs again, so that none is sent to them twice (promise 1).
    """
    hashes = forgotten.c.address_hash.in_(address_hashes(keys, address_key))
    if not (await connection.execute(sa.delete(forgotten).where(hashes))).rowcount:
        return False
    theirs = sa.and_(rows_under(row_keys(keys, address_key)), deliveries.c.subscriber_id == NOBODY)
    await connection.execute(sa.update(deliveries).where(theirs).values(subscriber_id=subscriber_id))
    return True


async def _forget(connection: AsyncConnection, keys: LinkKeys, address: ParsedAddress, now: dt.datetime) -> Forgotten:
    found: int | None = await connection.scalar(_SUBSCRIBER, {"key": address.key})
    person = found or NOBODY
    rows = await _read_rows(connection, rows_under(row_keys(keys, address.key)))
    known_as = await _known_as(connection, address.key, person, rows)
    if earlier := sorted(known_as - {address.key}):  # rows that could not move to a later address: it had one already
        theirs = sa.and_(rows_under(earlier), deliveries.c.subscriber_id == person)
        rows += await _read_rows(connection, theirs)
    async with carried_over(connection, {row.issue for row in rows}):
        await _scrub(connection, rows, scrubbed_key(keys, address.key), now)
    await _clear_events(connection, person, [row.id for row in rows])
    await connection.execute(sa.delete(subscribers).where(subscribers.c.id == person))  # all that is theirs goes along
    for key in sorted(known_as):
        await _drop_address(connection, key)
        await _keep_hash(connection, address_hash(keys, key), now)
    await _drop_answers(connection, known_as | {address.address})
    detail = {"subscriber": found} if found else {}  # a number that is nobody's, for who keeps copies
    await record_events(connection, [Event(EventKind.FORGOTTEN, now, detail=detail)])
    if connection.dialect.name == "sqlite":
        await connection.execute(sa.text(_WANTS_COMPACTING))
    closed = sum(row.state in _NOT_BEGUN for row in rows)
    leaving = sum(row.state == State.DOT.value for row in rows)
    return Forgotten(found is not None, len(rows), closed, leaving)


_SUBSCRIBER = sa.select(subscribers.c.id).where(subscribers.c.address_key == sa.bindparam("key"))


async def _read_rows(connection: AsyncConnection, which: sa.ColumnElement[bool]) -> list[_Row]:
    """The rows of a person; nobody else changes them until this transaction ends."""
    query = sa.select(*(deliveries.c[name] for name in _Row._fields)).where(which)
    found = await connection.execute(query.order_by(deliveries.c.id).with_for_update())
    return [_Row(*row) for row in found]


async def _known_as(connection: AsyncConnection, key: str, person: int, rows: Sequence[_Row]) -> set[str]:
    """This address and those they had before (`change_address`), as far as nobody else has them by now."""
    changes = sa.select(events.c.detail).where(
        events.c.subscriber_id == person, events.c.kind == EventKind.CHANGED.value
    )
    details: Sequence[Any] = (await connection.scalars(changes)).all()
    earlier = {row.address for row in rows if row.address} | {str(one["from"]) for one in details if "from" in one}
    keys = {key_of(text) for text in earlier} | {key}
    others = sa.select(subscribers.c.address_key).where(
        subscribers.c.address_key.in_(sorted(keys)), subscribers.c.id != person
    )
    return keys - set((await connection.scalars(others)).all())


async def _scrub(connection: AsyncConnection, rows: Sequence[_Row], key: str, now: dt.datetime) -> None:
    """Take the person out of their rows; what was still to be sent never will."""
    values = {"subscriber_id": NOBODY, "address": "", "name": "", "attributes": {}, "address_key": sa.bindparam("to")}
    said = sa.case((deliveries.c.reply.is_not(None), SCRUBBED))
    scrub = sa.update(deliveries).where(deliveries.c.id == sa.bindparam("row")).values({**values, "reply": said})
    ids: dict[str, int] = {}  # by issue: one row of each may have the key, and others had keys of old
    for row in rows:
        first = ids.setdefault(row.issue, row.id) == row.id
        await connection.execute(scrub, {"row": row.id, "to": key if first else f"{row.id}.{key}"})
    closed = [row.id for row in rows if row.state in _NOT_BEGUN]
    close = sa.update(deliveries).where(deliveries.c.id.in_(closed)).values(
        state=State.SUPPRESSED.value, worker_id=None, code=None, enhanced=None, reply=FORGOTTEN,
        updated_at=now,
    )  # fmt: skip
    if closed:
        await connection.execute(close)


async def _clear_events(connection: AsyncConnection, person: int, rows: Sequence[int]) -> None:
    """Leave of what happened to them that it happened, and when; what was to be posted about it isn't."""
    theirs = sa.or_(events.c.subscriber_id == person, events.c.delivery_id.in_(rows))
    told = sa.select(events.c.id).where(theirs)
    await connection.execute(sa.delete(webhook_posts).where(webhook_posts.c.event_id.in_(told)))
    await connection.execute(sa.update(events).where(theirs).values(subscriber_id=None, detail={}))


async def _drop_address(connection: AsyncConnection, key: str) -> None:
    await connection.execute(sa.delete(confirmations).where(confirmations.c.address_key == key))
    await connection.execute(sa.delete(suppressions).where(suppressions.c.address_key == key))


async def _keep_hash(connection: AsyncConnection, hashed: str, now: dt.datetime) -> None:
    row = {"address_hash": hashed, "created_at": now}
    await connection.execute(insert_into(connection, forgotten).values(row).on_conflict_do_nothing())


async def _drop_answers(connection: AsyncConnection, names: Iterable[str]) -> None:
    """Let go of answers of the REST API that are kept for a repeated call and name them."""
    answer = sa.cast(api_calls.c.answer, sa.Text)
    for name in names:
        await connection.execute(sa.delete(api_calls).where(answer.contains(name, autoescape=True)))


@asynccontextmanager
async def _leaving_no_trace(database: Database, connection: AsyncConnection) -> AsyncIterator[None]:
    """Let SQLite overwrite what is deleted, and write its log back at the end.

    What it once moved within its file may lie there still: `compact` gets rid of that.
    """
    if database.dialect != "sqlite":
        yield
        return
    driver: Any = (await connection.get_raw_connection()).driver_connection
    before = (await driver.execute_fetchall("PRAGMA secure_delete"))[0][0]
    await driver.execute_fetchall("PRAGMA secure_delete = ON")
    try:
        yield
        await _do_unless_busy(database, driver, "PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        await driver.execute_fetchall(f"PRAGMA secure_delete = {before}")


async def compact(database: Database) -> bool:
    """Write SQLite's file anew where somebody was forgotten since the last time, so that no trace is left in it.

    Whoever writes meanwhile waits: call it when nothing is being sent. Whether it was done; a file above 1 GiB is left
    to an administrator, and one that others hold to the next time. PostgreSQL's own VACUUM does this by itself.
    """
    if database.dialect != "sqlite":
        return False
    async with database.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        (wanted,) = (await driver.execute_fetchall("PRAGMA user_version"))[0]
        pages, size = [(await driver.execute_fetchall(f"PRAGMA page_{what}"))[0][0] for what in ("count", "size")]
        if not wanted or pages * size > _LARGEST:
            return False
        return await _do_unless_busy(database, driver, "VACUUM", _IS_COMPACT, "PRAGMA wal_checkpoint(TRUNCATE)")


async def _do_unless_busy(database: Database, driver: Any, *statements: str) -> bool:
    """Carry statements out that wait for nobody; whether others let them."""
    await driver.execute_fetchall("PRAGMA busy_timeout = 0")
    try:
        for statement in statements:
            await driver.execute_fetchall(statement)
    except sqlite3.Error as error:
        if error.sqlite_errorcode not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise explain_failure(database.place, error) from None
        return False
    finally:
        await driver.execute_fetchall(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    return True
