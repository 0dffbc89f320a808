"""What an import says of those who are not to be mailed: they leave the list or are suppressed, and stay so."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.store.event import EventKind, begin_recording
from pressrun.store.people_tables import consents, events
from pressrun.store.subscriber import Standing
from pressrun.store.subscriber_gathering import gathered
from pressrun.store.subscribers import insert_into
from pressrun.store.tables import UtcDateTime, memberships, subscribers, suppressions

_SOURCE = {"source": "import"}


async def bar_gathered(connection: AsyncConnection, now: dt.datetime) -> tuple[int, int]:
    """Suppress those of whom the file says so; how many are new, and how many were already."""
    theirs = gathered.c.standing == Standing.SUPPRESSED.value
    is_known = sa.exists().where(suppressions.c.address_key == gathered.c.address_key)
    people = (
        sa.select(subscribers.c.id)
        .join(gathered, gathered.c.address_key == subscribers.c.address_key)
        .where(theirs, ~is_known)
    )
    await _note(connection, EventKind.SUPPRESSED, people, None, now)
    reason = sa.func.coalesce(gathered.c.reason, "import")
    rows = sa.select(gathered.c.address_key, reason, _moment(now)).where(theirs).order_by(gathered.c.position)
    query = insert_into(connection, suppressions).from_select(["address_key", "reason", "created_at"], rows)
    barred = (await connection.execute(query.on_conflict_do_nothing())).rowcount
    total = (await connection.execute(sa.delete(gathered).where(theirs))).rowcount
    return barred, total - barred


async def depart_gathered(
    connection: AsyncConnection, list_id: int, list_name: str, now: dt.datetime
) -> tuple[int, int]:
    """Let those leave of whom the file says so; how many did now, and how many had already.

    Who was never on the list is stored as having left it, so that no later import takes them in: their address alone.
    """
    theirs = gathered.c.standing == Standing.LEFT.value
    had_left = memberships.c.left_at.is_not(None)
    already = await connection.scalar(sa.select(sa.func.count()).select_from(_members(list_id, theirs, had_left)))
    leaving = sa.select(_members(list_id, theirs, ~had_left).c.id)
    await _note(connection, EventKind.LEFT, leaving, list_name, now)
    agreed = sa.and_(consents.c.list == list_name, consents.c.withdrawn_at.is_(None))
    of_leaving = consents.c.subscriber_id.in_(leaving)
    await connection.execute(sa.update(consents).where(agreed, of_leaving).values(withdrawn_at=now))
    are_leaving = sa.and_(memberships.c.list_id == list_id, memberships.c.subscriber_id.in_(leaving))
    await connection.execute(sa.update(memberships).where(are_leaving).values(left_at=now, paused_until=None))
    await _keep_departed(connection, list_id, theirs, now)
    total = (await connection.execute(sa.delete(gathered).where(theirs))).rowcount
    return total - (already or 0), already or 0


def _members(list_id: int, *conditions: sa.ColumnElement[bool]) -> sa.Subquery:
    return (
        sa.select(subscribers.c.id)
        .join(gathered, gathered.c.address_key == subscribers.c.address_key)
        .join(memberships, memberships.c.subscriber_id == subscribers.c.id)
        .where(memberships.c.list_id == list_id, *conditions)
        .subquery()
    )


async def _keep_departed(
    connection: AsyncConnection, list_id: int, theirs: sa.ColumnElement[bool], now: dt.datetime
) -> None:
    moment = _moment(now)
    nothing = "'{}'::json" if connection.dialect.name == "postgresql" else "'{}'"
    stored = sa.exists().where(subscribers.c.address_key == gathered.c.address_key)
    people = (
        sa.select(gathered.c.address, gathered.c.address_key, sa.literal_column(nothing), moment, moment)
        .where(theirs, ~stored)
        .order_by(gathered.c.position)
    )
    columns = ["address", "address_key", "attributes", "created_at", "updated_at"]
    await connection.execute(insert_into(connection, subscribers).from_select(columns, people).on_conflict_do_nothing())
    ended_at = sa.func.coalesce(gathered.c.ended_at, moment)
    gone = (
        sa.select(sa.literal(list_id), subscribers.c.id, ended_at, ended_at)
        .join(gathered, gathered.c.address_key == subscribers.c.address_key)
        .where(theirs)
        .order_by(subscribers.c.id)
    )
    query = insert_into(connection, memberships).from_select(["list_id", "subscriber_id", "joined_at", "left_at"], gone)
    await connection.execute(query.on_conflict_do_nothing())


async def _note(
    connection: AsyncConnection, kind: EventKind, people: sa.Select[Any], list_name: str | None, now: dt.datetime
) -> None:
    """An event for each of `people`, whose ids it selects."""
    found = people.subquery()
    columns: dict[str, sa.ColumnElement[Any]] = {
        "at": _moment(now),
        "kind": sa.literal(kind.value),
        "subscriber_id": found.c.id,
        "list": sa.literal(list_name, sa.Text),
        "detail": sa.literal(_SOURCE, sa.JSON),
    }
    await begin_recording(connection)
    await connection.execute(sa.insert(events).from_select(list(columns), sa.select(*columns.values())))


def _moment(now: dt.datetime) -> sa.BindParameter[dt.datetime]:
    return sa.literal(now, UtcDateTime)
