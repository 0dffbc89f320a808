"""Departures: people leave lists, by whatever way they ask for it, and what they agreed to ends with it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.delivery.leave_link import Leave
from pressrun.store.consent import withdraw_consents
from pressrun.store.database import Database
from pressrun.store.event import Event, EventKind, record_events
from pressrun.store.people_tables import consents
from pressrun.store.tables import lists, memberships, subscribers

_BATCH = 500  # people named in one statement
_BY_NAME = frozenset({"api", "command line"})  # who asks by these ways read the name of the list today


async def depart(database: Database, leaves: Sequence[Leave], now: dt.datetime, source: str) -> list[bool]:
    """Let people leave lists, all in one transaction; for each, in order, whether they were on it.

    Their consent to the list is withdrawn, and an event says that they left and by which `source`: `one-click`, `page`,
    `preferences`, `mail`, `api`, `command line` or `complaint`. Whoever is not on the list, or is not known, changes
    nothing.
    """
    async with database.write() as connection:
        gone = await depart_within(connection, leaves, now, source)
    return [leave in gone for leave in leaves]


async def depart_within(
    connection: AsyncConnection, leaves: Sequence[Leave], now: dt.datetime, source: str
) -> frozenset[Leave]:
    """The same within a transaction of the caller's; who was on the list they leave.

    A mail that was sent before its reader was moved to another list still names the one they were moved from: who is
    not on that any more leaves the one where the move put them. An `api` and a `command line` mean the list they name.
    """
    gone = dict.fromkeys(await _leave_lists(connection, leaves, now))
    happened = [_left(one, now, {"source": source}) for one in gone]
    missed = [] if source in _BY_NAME else [leave for leave in leaves if leave not in gone]
    if missed:
        moves = await _find_moves(connection, missed)
        there = frozenset(await _leave_lists(connection, list({whither for _, whither in moves}), now))
        led = {whither: whence for whence, whither in moves if whither in there}
        happened += [_left(one, now, {"source": source, "moved_from": led[one].list_name}) for one in led]
        gone |= dict.fromkeys(whence for whence, whither in moves if whither in there)
    await record_events(connection, happened)
    return frozenset(gone)


def _left(leave: Leave, now: dt.datetime, detail: Mapping[str, str]) -> Event:
    return Event(EventKind.LEFT, now, leave.subscriber_id, list=leave.list_name, detail=detail)


async def _leave_lists(connection: AsyncConnection, leaves: Sequence[Leave], now: dt.datetime) -> list[Leave]:
    """Who was on the list that they leave; their consent to it is withdrawn."""
    ids = await _find_lists(connection, sorted({leave.list_name for leave in leaves}))
    gone: list[Leave] = []
    for name, list_id in ids.items():
        for people in _batches(sorted({leave.subscriber_id for leave in leaves if leave.list_name == name})):
            left = await _leave(connection, list_id, people, now)
            if left:
                await withdraw_consents(connection, left, name, now)
            gone += (Leave(person, name) for person in left)
    return gone


async def _find_moves(connection: AsyncConnection, leaves: Sequence[Leave]) -> list[tuple[Leave, Leave]]:
    """Where people were moved to from the lists they leave, by one move or by several: each with what they leave.

    It stands in the consents that hold, each with the whole chain. Who left and came back by themselves gave another.
    """
    wanted = set(leaves)
    moves = []
    for people in _batches(sorted({leave.subscriber_id for leave in leaves})):
        standing = sa.and_(consents.c.subscriber_id.in_(people), consents.c.withdrawn_at.is_(None))
        told = sa.cast(consents.c.proof, sa.Text).contains('"moved"')
        query = sa.select(consents.c.subscriber_id, consents.c.list, consents.c.proof).where(standing, told)
        for person, name, proof in await connection.execute(query.order_by(consents.c.id)):
            before = [Leave(person, one) for one in _moved_from(proof)]
            moves += [(one, Leave(person, name)) for one in before if one in wanted]
    return moves


def _moved_from(proof: Mapping[str, Any]) -> list[str]:
    """The lists that a consent came along from. What others put into its proof under that name says nothing of it."""
    moved = proof["moved"] if isinstance(proof.get("moved"), list) else []
    return [one["from"] for one in moved if isinstance(one, dict) and isinstance(one.get("from"), str)]


async def _find_lists(connection: AsyncConnection, names: Sequence[str]) -> dict[str, int]:
    query = sa.select(lists.c.name, lists.c.id).where(lists.c.name.in_(names)).order_by(lists.c.id)
    return {name: list_id for name, list_id in await connection.execute(query)}


async def _leave(connection: AsyncConnection, list_id: int, people: Sequence[int], now: dt.datetime) -> Sequence[int]:
    """Who of `people` was on the list until now."""
    theirs = sa.and_(memberships.c.list_id == list_id, memberships.c.subscriber_id.in_(people))
    on_it = sa.and_(theirs, memberships.c.left_at.is_(None))
    # Locked in one order: on PostgreSQL two processes that let the same people go would wait for each other.
    found = sa.select(memberships.c.subscriber_id).where(on_it).order_by(memberships.c.subscriber_id).with_for_update()
    left = (await connection.scalars(found)).all()
    if left:
        # A pause is of the time on the list: who comes back gets mail again.
        await connection.execute(sa.update(memberships).where(on_it).values(left_at=now, paused_until=None))
    return left


def _batches(people: Sequence[int]) -> Iterator[Sequence[int]]:
    return (people[n : n + _BATCH] for n in range(0, len(people), _BATCH))


async def read_language(database: Database, subscriber_id: int) -> str | None:
    """The language a person asked for, a BCP 47 tag; None where they did not, or are not known."""
    query = sa.select(subscribers.c.attributes).where(subscribers.c.id == subscriber_id)
    async with database.read() as connection:
        attributes = await connection.scalar(query)
    return (attributes or {}).get("language")
