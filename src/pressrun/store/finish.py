"""The end of a send: noted as an event once no row of it is open, and again where more was planned and sent later."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.delivery.outcome import OPEN_STATES, State
from pressrun.store.approval import lock_plan
from pressrun.store.database import Database
from pressrun.store.event import Event, EventKind, record_events
from pressrun.store.people_tables import events
from pressrun.store.tables import deliveries, sends

Counts = Mapping[str, int]


async def note_finished(database: Database, issue: str, now: dt.datetime) -> int:
    """Note which sends of `issue` are finished, each with its rows by state; what was noted so already is not again.

    How many were noted. Whoever delivers calls this at the end, and so may several.
    """
    async with database.read() as connection:
        finished = {name: one for name, one in (await _count(connection, issue)).items() if not _is_open(one)}
        noted = await _noted(connection, issue)
    if all(noted.get(name) == one for name, one in finished.items()):
        return 0
    async with database.write() as connection:
        await lock_plan(connection, issue)  # on PostgreSQL two workers may end together
        noted = await _noted(connection, issue)
        made = [
            Event(EventKind.FINISHED, now, list=name, issue=issue, detail=dict(one))
            for name, one in finished.items()
            if noted.get(name) != one
        ]
        await record_events(connection, made)
    return len(made)


async def _count(connection: AsyncConnection, issue: str) -> dict[str, Counts]:
    """The rows of each audience by state, and `planned`, which is their sum (promise 5)."""
    query = (
        sa.select(sends.c.list, deliveries.c.state, sa.func.count())
        .join_from(deliveries, sends)
        .where(deliveries.c.issue == issue)
        .group_by(sends.c.list, deliveries.c.state)
    )
    counts: dict[str, dict[str, int]] = defaultdict(lambda: {"planned": 0})
    for name, state, count in await connection.execute(query):
        counts[name][State(state).value] = counts[name].get(State(state).value, 0) + int(count)
        counts[name]["planned"] += int(count)
    return dict(sorted(counts.items()))


def _is_open(counts: Counts) -> bool:
    return any(counts.get(state.value) for state in OPEN_STATES)


async def _noted(connection: AsyncConnection, issue: str) -> dict[str, Counts]:
    """What the last event said of each audience."""
    begun = sa.select(sa.func.min(sends.c.created_at)).where(sends.c.issue == issue).scalar_subquery()
    mine = sa.and_(events.c.kind == EventKind.FINISHED.value, events.c.issue == issue, events.c.at >= begun)
    query = sa.select(events.c.list, events.c.detail).where(mine).order_by(events.c.id)
    return {row.list: row.detail for row in await connection.execute(query)}
