"""Pauses: people who want no mail for a time and stay on their lists."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.errors import UsageError
from pressrun.store.database import Database
from pressrun.store.event import Event, EventKind, record_events
from pressrun.store.tables import lists, memberships


async def pause(
    database: Database,
    subscriber_id: int,
    until: dt.datetime,
    now: dt.datetime,
    list_name: str | None = None,
    source: str = "",
) -> list[str]:
    """Send a person nothing before `until`, on one list or all that they are on: the lists whose pause is new.

    They stay on the lists. What would leave meanwhile is closed as `suppressed` when it is claimed, and not sent later.
    Raises UsageError where `until` has passed.
    """
    if until <= now:
        raise UsageError(f"{until:%Y-%m-%d %H:%M} has passed", "name a day to come")
    async with database.write() as connection:
        other = sa.or_(memberships.c.paused_until.is_(None), memberships.c.paused_until != until)
        paused = await _set(connection, _on(subscriber_id, list_name).where(other), until)
        detail = {"until": until.astimezone(dt.UTC).isoformat(), **_by(source)}
        await _note(connection, EventKind.PAUSED, subscriber_id, paused, detail, now)
    return paused


async def resume(
    database: Database, subscriber_id: int, now: dt.datetime, list_name: str | None = None, source: str = ""
) -> list[str]:
    """End a person's pause before its time, on one list or all: the lists that were paused."""
    async with database.write() as connection:
        mine = _on(subscriber_id, list_name).where(memberships.c.paused_until > now)
        resumed = await _set(connection, mine, None)
        await _note(connection, EventKind.RESUMED, subscriber_id, resumed, _by(source), now)
    return resumed


def _on(subscriber_id: int, list_name: str | None) -> sa.Select[tuple[str, int, int]]:
    """The lists that a person is on now: name, id, and the person."""
    query = (
        sa.select(lists.c.name, lists.c.id, memberships.c.subscriber_id)
        .join(memberships, memberships.c.list_id == lists.c.id)
        .where(memberships.c.subscriber_id == subscriber_id, memberships.c.left_at.is_(None))
        .order_by(lists.c.name)
    )
    return query if list_name is None else query.where(lists.c.name == list_name)


async def _set(
    connection: AsyncConnection, chosen: sa.Select[tuple[str, int, int]], until: dt.datetime | None
) -> list[str]:
    found = (await connection.execute(chosen.with_for_update(of=memberships))).all()
    for _, list_id, subscriber_id in found:
        mine = sa.and_(memberships.c.list_id == list_id, memberships.c.subscriber_id == subscriber_id)
        await connection.execute(sa.update(memberships).where(mine).values(paused_until=until))
    return [name for name, *_ in found]


async def _note(
    connection: AsyncConnection,
    kind: EventKind,
    subscriber_id: int,
    names: list[str],
    detail: dict[str, Any],
    now: dt.datetime,
) -> None:
    await record_events(connection, [Event(kind, now, subscriber_id, list=name, detail=detail) for name in names])


def _by(source: str) -> dict[str, str]:
    return {"source": source} if source else {}
