"""The delivery log: one row for each recipient of an issue, from planned to settled.

Deciding who may touch a row never trusts a process or a clock: every change names the state and the worker it
expects, so that a worker that was given up for dead can't mark a row that was taken from it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.delivery.message import wire_address
from pressrun.delivery.outcome import OPEN_STATES, State
from pressrun.render.edition import Edition
from pressrun.store.database import Database
from pressrun.store.scope import rows_of
from pressrun.store.subscribers import find_list, insert_into
from pressrun.store.tables import deliveries, editions, memberships, sends, subscribers, suppressions


@dataclass(frozen=True)
class Plan:
    """What planning did: the send, how many rows it added, and how many people the list holds now."""

    send_id: int
    added: int
    audience: int


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
    due_at: dt.datetime
    created_at: dt.datetime
    updated_at: dt.datetime


async def plan(database: Database, edition: Edition, list_name: str, now: dt.datetime) -> Plan:
    """Plan a row for each member of the list who has none for this issue yet (promise 1), inside the database."""
    async with database.write() as connection:
        list_id = await find_list(connection, list_name)
        await _keep_edition(connection, edition, now)
        send_id = await _keep_send(connection, edition, list_name, now)
        result = await connection.execute(_insert_rows(connection, edition, send_id, list_id, now))
        audience = await _count(connection, _count_members(list_id))
    return Plan(send_id, result.rowcount, audience)


async def preview_plan(database: Database, issue: str, list_name: str) -> Plan:
    """What `plan` would do, without doing it; the send's id is 0."""
    async with database.read() as connection:
        list_id = await find_list(connection, list_name)
        audience = await _count(connection, _count_members(list_id))
        known = sa.select(deliveries.c.id).where(
            deliveries.c.issue == issue, deliveries.c.address_key == subscribers.c.address_key
        )
        added = await _count(connection, _count_members(list_id).where(~known.exists()))
    return Plan(0, added, audience)


async def _count(connection: AsyncConnection, query: sa.Select[Any]) -> int:
    return int(await connection.scalar(query) or 0)


def _count_members(list_id: int) -> sa.Select[Any]:
    return (
        sa.select(sa.func.count())
        .select_from(memberships.join(subscribers))
        .where(memberships.c.list_id == list_id, memberships.c.left_at.is_(None))
    )


async def _keep_edition(connection: AsyncConnection, edition: Edition, now: dt.datetime) -> None:
    statement = insert_into(connection, editions).on_conflict_do_nothing()
    row = {"id": edition.id, "issue": edition.issue, "content": edition.to_bytes(), "created_at": now}
    await connection.execute(statement, row)


async def _keep_send(connection: AsyncConnection, edition: Edition, list_name: str, now: dt.datetime) -> int:
    named = {"issue": edition.issue, "list": list_name, "edition_id": edition.id}
    statement = insert_into(connection, sends).on_conflict_do_nothing()
    await connection.execute(statement, {**named, "created_at": now})
    return int(await connection.scalar(sa.select(sends.c.id).filter_by(**named)) or 0)


def _insert_rows(
    connection: AsyncConnection, edition: Edition, send_id: int, list_id: int, now: dt.datetime
) -> sa.Executable:
    suppressed = sa.exists().where(suppressions.c.address_key == subscribers.c.address_key)
    domain = wire_address(edition.sender_address).rpartition("@")[2]
    moment = sa.literal(now, deliveries.c.due_at.type)
    columns: dict[str, sa.ColumnElement[Any]] = {
        "send_id": sa.literal(send_id),
        "issue": sa.literal(edition.issue),
        "subscriber_id": subscribers.c.id,
        "address": subscribers.c.address,
        "address_key": subscribers.c.address_key,
        "name": subscribers.c.name,
        "attributes": subscribers.c.attributes,
        "state": sa.case((suppressed, State.SUPPRESSED.value), else_=State.QUEUED.value),
        "message_id": sa.literal(f"<{edition.id[:24]}.")
        + sa.cast(subscribers.c.id, sa.Text)
        + sa.literal(f"@{domain}>"),
        "due_at": moment,
        "created_at": moment,
        "updated_at": moment,
    }
    chosen = (
        sa.select(*(value.label(name) for name, value in columns.items()))
        .select_from(memberships.join(subscribers))
        .where(memberships.c.list_id == list_id, memberships.c.left_at.is_(None))
        .order_by(subscribers.c.id)
    )
    insert: sa.Executable = (
        insert_into(connection, deliveries).from_select(list(columns), chosen).on_conflict_do_nothing()
    )
    return insert


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
    columns = [deliveries.c[name] for name in Row.__dataclass_fields__ if name != "list"]
    query = (
        sa.select(*columns, sends.c.list)
        .join(sends)
        .where(deliveries.c.issue == issue)
        .order_by(deliveries.c.id)
        .limit(page)
    )
    if states:
        query = query.where(deliveries.c.state.in_([state.value for state in states]))
    last = 0
    while True:
        async with database.read() as connection:
            rows = (await connection.execute(query.where(deliveries.c.id > last))).mappings().all()
        for row in rows:
            yield Row(**{**row, "state": State(row["state"])})
        if len(rows) < page:
            return
        last = rows[-1]["id"]
