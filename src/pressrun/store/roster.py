"""The roster: people as programs see them, page by page in the order in which they were first stored."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.store.database import Database
from pressrun.store.people_tables import tags
from pressrun.store.tables import lists, memberships, subscribers, suppressions


@dataclass(frozen=True)
class OnList:
    """That a person is on a list, or was until `left_at`; no mail is sent to them before `paused_until`."""

    list: str
    joined_at: dt.datetime
    left_at: dt.datetime | None
    paused_until: dt.datetime | None


@dataclass(frozen=True)
class Entry:
    """A person on the roster. `suppressed` is the reason for which they are never mailed; moments are UTC."""

    id: int
    address: str
    name: str
    attributes: Mapping[str, str]
    tags: tuple[str, ...]
    lists: tuple[OnList, ...]
    suppressed: str | None
    created_at: dt.datetime
    updated_at: dt.datetime


@dataclass(frozen=True)
class Wanted:
    """Whom a page is about: those who are on a list now, have a tag, and of whom `where` holds; None: all."""

    list_name: str | None = None
    tag: str | None = None
    where: sa.ColumnElement[bool] | None = None
    address_key: str | None = None


async def read_roster(database: Database, wanted: Wanted, after: int, limit: int) -> list[Entry]:
    """The first `limit` of those wanted whose id is above `after`: who joins the roster meanwhile comes later."""
    # Of a list, its memberships are read in their order: asking each of a million people takes too long.
    place = subscribers.c.id if wanted.list_name is None else memberships.c.subscriber_id
    query = _select(wanted).where(place > after).order_by(place).limit(limit)
    async with database.read() as connection:
        return await _entries(connection, query)


async def read_entry(database: Database, subscriber_id: int) -> Entry | None:
    """The person with this id, if there is one."""
    async with database.read() as connection:
        return await select_entry(connection, subscriber_id)


async def select_entry(connection: AsyncConnection, subscriber_id: int) -> Entry | None:
    """The same, in a transaction that there is already."""
    found = await _entries(connection, _select(Wanted()).where(subscribers.c.id == subscriber_id))
    return found[0] if found else None


def _select(wanted: Wanted) -> sa.Select[Any]:
    query = sa.select(subscribers, suppressions.c.reason).outerjoin(
        suppressions, suppressions.c.address_key == subscribers.c.address_key
    )
    if wanted.list_name is not None:
        query = query.join(memberships, memberships.c.subscriber_id == subscribers.c.id)
        list_id = sa.select(lists.c.id).where(lists.c.name == wanted.list_name).scalar_subquery()
        query = query.where(memberships.c.list_id == list_id, memberships.c.left_at.is_(None))
    if wanted.tag is not None:
        query = query.where(subscribers.c.id.in_(sa.select(tags.c.subscriber_id).where(tags.c.tag == wanted.tag)))
    if wanted.address_key is not None:
        query = query.where(subscribers.c.address_key == wanted.address_key)
    return query if wanted.where is None else query.where(wanted.where)


async def _entries(connection: AsyncConnection, query: sa.Select[Any]) -> list[Entry]:
    rows = (await connection.execute(query)).all()
    ids = [row.id for row in rows]
    on_lists, tagged = await _read_memberships(connection, ids), await _read_tags(connection, ids)
    return [
        Entry(
            id=row.id,
            address=row.address,
            name=row.name,
            attributes=row.attributes,
            tags=tuple(tagged.get(row.id, ())),
            lists=tuple(on_lists.get(row.id, ())),
            suppressed=row.reason,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )
        for row in rows
    ]


async def _read_memberships(connection: AsyncConnection, ids: Sequence[int]) -> dict[int, list[OnList]]:
    query = (
        sa.select(memberships, lists.c.name)
        .join(lists, lists.c.id == memberships.c.list_id)
        .where(memberships.c.subscriber_id.in_(ids))
        .order_by(memberships.c.subscriber_id, lists.c.name)
    )
    found: dict[int, list[OnList]] = {}
    for row in await connection.execute(query):
        on_list = OnList(row.name, row.joined_at, row.left_at, row.paused_until)
        found.setdefault(row.subscriber_id, []).append(on_list)
    return found


async def _read_tags(connection: AsyncConnection, ids: Sequence[int]) -> dict[int, list[str]]:
    query = sa.select(tags).where(tags.c.subscriber_id.in_(ids)).order_by(tags.c.subscriber_id, tags.c.tag)
    found: dict[int, list[str]] = {}
    for row in await connection.execute(query):
        found.setdefault(row.subscriber_id, []).append(row.tag)
    return found
