"""The delivery log: one row for each recipient of an issue, from planned to settled.

Deciding who may touch a row never trusts a process or a clock: every change names the state and the worker it
expects, so that a worker that was given up for dead can't mark a row that was taken from it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from pressrun.delivery.outcome import OPEN_STATES, State
from pressrun.render.edition import Edition
from pressrun.store.audience import zones_of
from pressrun.store.database import Database
from pressrun.store.planning import Plan, Proposal, plan, preview_plan, propose
from pressrun.store.scope import rows_of
from pressrun.store.tables import deliveries, editions, sends

__all__ = [
    "Plan",
    "Proposal",
    "Row",
    "count_open",
    "count_states",
    "load_editions",
    "next_due",
    "plan",
    "preview_plan",
    "propose",
    "read_log",
    "zones_of",
]


@dataclass(frozen=True)
class Row:
    """A delivery row as the log shows it; moments are UTC."""

    id: int
    issue: str
    list: str
    address: str
    state: State
    attempts: int
    code: int | None
    enhanced: str | None
    reply: str | None
    message_id: str
    relay: str | None
    repeated: bool
    due_at: dt.datetime
    created_at: dt.datetime
    updated_at: dt.datetime


async def load_editions(database: Database, issue: str) -> dict[int, Edition]:
    """The edition of each send of `issue`, by the send's id."""
    query = sa.select(sends.c.id, editions.c.content).join(editions).where(sends.c.issue == issue)
    async with database.read() as connection:
        found = (await connection.execute(query)).all()
    return {send_id: Edition.from_bytes(content) for send_id, content in found}


async def count_states(database: Database, issue: str, list_name: str | None = None) -> dict[State, int]:
    """How many rows of `issue` (through the list) are in each state; the sum is the plan (promise 5)."""
    query = sa.select(deliveries.c.state, sa.func.count()).where(rows_of(issue, list_name)).group_by(deliveries.c.state)
    async with database.read() as connection:
        found = {State(state): count for state, count in (await connection.execute(query)).all()}
    return {state: found.get(state, 0) for state in State}


def count_open(counts: dict[State, int]) -> int:
    """How many rows are not settled yet."""
    return sum(counts[state] for state in OPEN_STATES)


async def next_due(database: Database, issue: str, list_name: str | None = None) -> dt.datetime | None:
    """When the next deferred row of `issue` (through the list) is to be tried."""
    query = sa.select(sa.func.min(deliveries.c.due_at)).where(
        rows_of(issue, list_name), deliveries.c.state == State.DEFERRED.value
    )
    async with database.read() as connection:
        due: dt.datetime | None = await connection.scalar(query)
    return due


async def read_log(
    database: Database, issue: str, states: Sequence[State] = (), page: int = 5_000
) -> AsyncIterator[Row]:
    """The rows of `issue` in the order they were planned, only those in `states` if any are named; page by page."""
    last = 0
    while True:
        rows = await read_rows(database, issue, states, last, page)
        for row in rows:
            yield row
        if len(rows) < page:
            return
        last = rows[-1].id


async def read_rows(database: Database, issue: str, states: Sequence[State], after: int, limit: int) -> list[Row]:
    """One page of the same: the first `limit` rows whose id is above `after`."""
    columns = [deliveries.c[name] for name in Row.__dataclass_fields__ if name != "list"]
    query = (
        sa.select(*columns, sends.c.list)
        .join(sends)
        .where(deliveries.c.issue == issue, deliveries.c.id > after)
        .order_by(deliveries.c.id)
        .limit(limit)
    )
    if states:
        query = query.where(deliveries.c.state.in_([state.value for state in states]))
    async with database.read() as connection:
        rows = (await connection.execute(query)).mappings().all()
    return [Row(**{**row, "state": State(row["state"])}) for row in rows]
