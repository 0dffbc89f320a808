"""The replica: a throw-away SQLite store with what one issue's sending needs, copied from the real one and planned."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.condition import Both
from pressrun.render.edition import Edition
from pressrun.segment import Segment
from pressrun.store.database import Database
from pressrun.store.planning import plan, propose, redate
from pressrun.store.selection import NO_SEGMENTS, Segments, Selection, find_selection
from pressrun.store.tables import approvals, deliveries, editions, lists, memberships, sends, subscribers, suppressions

PAGE = 2_000
"""Rows read and written at once."""

Row = dict[str, Any]


async def copy_store(
    source: Database,
    replica: Database,
    issue: str,
    list_names: Sequence[str],
    now: dt.datetime,
    *,
    segments: Segments = NO_SEGMENTS,
    sample: int | None = None,
    chance: random.Random | None = None,
) -> int:
    """Copy the people of the lists or segments, suppressions, and the issue's own rows into the empty `replica`.

    Gives how many people are in them now; who has left is copied too, as rows planned before are closed for that.

    The source is read as it is at one moment, page by page, and not changed. With a sample, that many people by chance
    and their rows. Raises UsageError for an unknown list or segment.
    """
    async with source.read() as connection:
        selections = [await find_selection(connection, name, now, segments, issue) for name in list_names]
        await _copy(connection, replica, lists)
        chosen = None if sample is None else await _draw(connection, selections, sample, chance or random.Random())
        await _copy(connection, replica, subscribers, _is_on(selections), _among(chosen, "id"))
        on_them = sa.or_(*map(_membership, selections))
        await _copy(connection, replica, memberships, on_them, _among(chosen, "subscriber_id"))
        await _copy(connection, replica, suppressions)
        await _copy(connection, replica, editions, editions.c.issue == issue)
        await _copy(connection, replica, approvals, approvals.c.issue == issue)
        await _copy(connection, replica, sends, sends.c.issue == issue)
        await _copy(connection, replica, deliveries, deliveries.c.issue == issue, _among(chosen, "subscriber_id"))
    async with replica.read() as copied:
        return await _count(copied, [replace(one, where=None) for one in selections])


async def plan_in_replica(
    replica: Database, edition: Edition, list_names: Sequence[str], now: dt.datetime, *, held: bool
) -> None:
    """Plan `edition` for the lists as publishing it now would; `held`: its publication wants it to be approved.

    What waits for approval already is then as if approved. Of a segment everybody is planned: of its list nobody else
    was copied.
    """
    everybody = {name.rpartition(":")[2]: Segment("", "", Both(())) for name in list_names}
    if not held and not await _waits(replica, edition.issue):
        for name in list_names:
            await plan(replica, edition, name, now, segments=everybody)
        return
    await propose(replica, edition, list_names, now, segments=everybody)
    async with replica.write() as connection:
        await connection.execute(sa.update(sends).where(sends.c.issue == edition.issue).values(held=False))
    await redate(replica, edition.issue, None, now, {})


async def _waits(replica: Database, issue: str) -> bool:
    """Whether a plan of `issue` waits for approval, whatever its publication says now."""
    waiting = sa.exists().where(sends.c.issue == issue, sends.c.held, deliveries.c.send_id == sends.c.id)
    async with replica.read() as connection:
        return bool(await connection.scalar(sa.select(waiting)))


def _membership(selection: Selection) -> sa.ColumnElement[bool]:
    """Memberships of the list: of whoever left it, and of who is in the segment."""
    on_it = memberships.c.list_id == selection.scope.id
    if selection.where is None:
        return on_it
    inside = memberships.c.subscriber_id.in_(sa.select(subscribers.c.id).where(selection.where))
    return sa.and_(on_it, sa.or_(memberships.c.left_at.is_not(None), inside))


def _is_on(selections: Sequence[Selection], *, now: bool = False) -> sa.ColumnElement[bool]:
    """People who are, or but for `now` were, in one of the selections."""
    on_them = sa.select(memberships.c.subscriber_id).where(sa.or_(*map(_membership, selections)))
    if now:
        on_them = on_them.where(memberships.c.left_at.is_(None))
    return subscribers.c.id.in_(on_them)


async def _count(connection: AsyncConnection, selections: Sequence[Selection]) -> int:
    return await connection.scalar(sa.select(sa.func.count()).where(_is_on(selections, now=True))) or 0


def _among(chosen: Collection[int] | None, column: str) -> Callable[[Row], bool]:
    return (lambda row: True) if chosen is None else (lambda row: row[column] in chosen)


async def _draw(
    connection: AsyncConnection, selections: Sequence[Selection], sample: int, chance: random.Random
) -> set[int]:
    """That many of the people on the lists now, each as likely as another (Knuth, algorithm S)."""
    people, left = sa.select(subscribers.c.id).where(_is_on(selections, now=True)), await _count(connection, selections)
    chosen: set[int] = set()
    async for page in _pages(connection, people.order_by(subscribers.c.id)):
        for row in page:
            if chance.random() * left < sample - len(chosen):
                chosen.add(row["id"])
            left -= 1
    return chosen


async def _copy(
    connection: AsyncConnection,
    replica: Database,
    table: sa.Table,
    where: sa.ColumnElement[bool] | None = None,
    wanted: Callable[[Row], bool] = lambda row: True,
) -> None:
    query = sa.select(table).order_by(*table.primary_key)
    async for page in _pages(connection, query if where is None else query.where(where)):
        rows = [row for row in page if wanted(row)]
        if rows:
            async with replica.write() as writer:
                await writer.execute(sa.insert(table), rows)


async def _pages(connection: AsyncConnection, query: sa.Select[Any]) -> AsyncIterator[list[Row]]:
    async with connection.stream(query) as result:
        async for page in result.mappings().partitions(PAGE):
            yield [dict(row) for row in page]
