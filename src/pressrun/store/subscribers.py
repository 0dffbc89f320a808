"""Subscribers and lists in the store: who is on which list, who left, and who is never mailed."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.address import ParsedAddress
from pressrun.delivery.leave_link import Leave
from pressrun.errors import UsageError
from pressrun.store.attributes import clean_attributes, differs, merged
from pressrun.store.consent import Consent, record_consents
from pressrun.store.database import Database
from pressrun.store.departure import depart_within
from pressrun.store.event import Event, EventKind, record_events
from pressrun.store.people_tables import tags
from pressrun.store.subscriber import Joined, ListCount, Subscriber, check_list_name, find_fault, is_attribute_name
from pressrun.store.tables import lists, memberships, subscribers, suppressions

_BATCH = 1_000  # subscribers read at a time
_SOURCE = "command line"  # what events call it


async def add_subscriber(
    database: Database,
    address: ParsedAddress,
    name: str | None,
    attributes: Mapping[str, str],
    list_name: str,
    now: dt.datetime,
    consent: Consent | None = None,
) -> Joined:
    """Put a person on a list, which is made if there is none of this name; also one who had left it.

    A stored name stays if `name` is None, and so do attributes that aren't given; an empty one is removed. Who joins by
    it gave `consent`. Raises `UsageError` for text that can't be stored.
    """
    check_list_name(list_name)
    _check_person(name, attributes)
    async with database.write() as connection:
        list_id = await make_list(connection, list_name, now)
        changed = await _save_person(connection, address, name, attributes, now)
        joined = await _join(connection, list_id, address.key, now)
        joined = joined or (Joined.UPDATED if changed else Joined.UNCHANGED)
        await _record(connection, address, list_name, joined, consent, now)
    return joined


async def remove_subscriber(database: Database, address: ParsedAddress, list_name: str, now: dt.datetime) -> bool:
    """Let a person leave a list; whether they were on it. That they were stays on record, and no import undoes it.

    Raises `UsageError` if there is no such list.
    """
    async with database.write() as connection:
        await find_list(connection, list_name)
        person = await connection.scalar(sa.select(_person(address.key)))
        return bool(await depart_within(connection, [Leave(person, list_name)], now, _SOURCE)) if person else False


async def leave_list(database: Database, subscriber_id: int, list_name: str, now: dt.datetime) -> bool:
    """Let the person with this id leave a list, as a link in a mail asks; whether they were on it."""
    leave = (
        sa.update(memberships)
        .where(memberships.c.subscriber_id == subscriber_id, memberships.c.left_at.is_(None))
        .where(memberships.c.list_id == sa.select(lists.c.id).where(lists.c.name == list_name).scalar_subquery())
        .values(left_at=now)
    )
    async with database.write() as connection:
        return (await connection.execute(leave)).rowcount > 0


async def list_subscribers(
    database: Database, list_name: str | None = None, where: sa.ColumnElement[bool] | None = None
) -> AsyncGenerator[Subscriber, None]:
    """The people on a list now, or everybody in the store, in the order in which they were first stored.

    Of these only those of whom `where` holds, which may ask for columns of `subscribers`. They are as they were at one
    moment. Who breaks off early should close the iterator (`contextlib.aclosing`). Raises `UsageError` if there is no
    such list.
    """
    async with database.read() as connection:
        query = await _select_people(connection, list_name, where)
        last = 0
        while people := (await connection.execute(query.where(subscribers.c.id > last))).all():
            on_lists = await _read_lists(connection, last, people[-1].id)
            tagged = await _read_tags(connection, last, people[-1].id)
            last = people[-1].id
            for person in people:
                on, theirs = (tuple(found.get(person.id, ())) for found in (on_lists, tagged))
                yield Subscriber(person.address, person.name, person.attributes, on, person.since, theirs)


async def list_attributes(
    database: Database, list_name: str | None = None, where: sa.ColumnElement[bool] | None = None
) -> list[str]:
    """The names of all attributes that people on a list, or all people, have, in order. Raises `UsageError`."""
    async with database.read() as connection:
        people = (await _select_people(connection, list_name, where)).limit(None).order_by(None).subquery()
        if database.dialect == "postgresql":
            query = sa.select(sa.func.json_object_keys(people.c.attributes)).distinct()
        else:
            pairs = sa.func.json_each(people.c.attributes).table_valued("key")
            query = sa.select(pairs.c.key).select_from(people.join(pairs, sa.true())).distinct()
        return sorted((await connection.scalars(query)).all())


async def has_tags(database: Database) -> bool:
    """Whether anybody has a tag."""
    async with database.read() as connection:
        return await connection.scalar(sa.select(tags.c.tag).limit(1)) is not None


async def count_lists(database: Database) -> list[ListCount]:
    """Every list by name, with the number of people on it now."""
    on_it = sa.and_(memberships.c.list_id == lists.c.id, memberships.c.left_at.is_(None))
    query = (
        sa.select(lists.c.name, sa.func.count(memberships.c.subscriber_id))
        .select_from(lists.outerjoin(memberships, on_it))
        .group_by(lists.c.name)
        .order_by(lists.c.name)
    )
    async with database.read() as connection:
        return [ListCount(name, members) for name, members in await connection.execute(query)]


async def suppress_address(database: Database, address: ParsedAddress, reason: str, now: dt.datetime) -> bool:
    """Never mail `address` again, on whatever list; whether that is new. The first reason stands."""
    values = {"address_key": address.key, "reason": reason, "created_at": now}
    async with database.write() as connection:
        query = insert_into(connection, suppressions).values(values).on_conflict_do_nothing()
        return (await connection.execute(query)).rowcount > 0


def insert_into(connection: AsyncConnection, table: sa.Table) -> Any:
    """An INSERT that knows ON CONFLICT, which both dialects spell alike and SQLAlchemy keeps in two places."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


async def make_list(connection: AsyncConnection, name: str, now: dt.datetime) -> int:
    """The id of the list `name`, which is made if there is none."""
    query = insert_into(connection, lists).values(name=name, created_at=now).on_conflict_do_nothing()
    await connection.execute(query)
    return await find_list(connection, name)


async def find_list(connection: AsyncConnection, name: str) -> int:
    """The id of the list `name`. Raises `UsageError` if there is none."""
    found: int | None = await connection.scalar(sa.select(lists.c.id).where(lists.c.name == name))
    if found is None:
        raise UsageError(f"there is no list {name!r}", "import or add someone to it first, or name another")
    return found


def _check_person(name: str | None, attributes: Mapping[str, str]) -> None:
    unfit = [key for key in attributes if not is_attribute_name(key)]
    if unfit:
        raise UsageError(f"{unfit[0]!r} can't name an attribute", "use printable characters, without space around them")
    fault = find_fault(name or "", attributes)
    if fault:
        raise UsageError(fault, "remove it")


def _person(key: str) -> sa.ScalarSelect[int]:
    return sa.select(subscribers.c.id).where(subscribers.c.address_key == key).scalar_subquery()


async def _save_person(
    connection: AsyncConnection,
    address: ParsedAddress,
    name: str | None,
    attributes: Mapping[str, str],
    now: dt.datetime,
) -> bool:
    """Store or change a person; whether anything changed."""
    patch = sa.literal(json.dumps(clean_attributes(attributes)), sa.Text)
    dialect = connection.dialect.name
    new = {
        "address": address.address,
        "address_key": address.key,
        "name": name or "",
        "attributes": {key: value for key, value in attributes.items() if value},
        "created_at": now,
        "updated_at": now,
    }
    change = {
        "address": address.address,
        "name": subscribers.c.name if name is None else name,
        "attributes": merged(dialect, subscribers.c.attributes, patch),
        "updated_at": now,
    }
    unlike = differs(dialect, sa.literal(address.address), sa.literal(name, sa.Text), patch)
    query = insert_into(connection, subscribers).values(new)
    query = query.on_conflict_do_update(index_elements=["address_key"], set_=change, where=unlike)
    return bool((await connection.execute(query)).rowcount > 0)


async def _join(connection: AsyncConnection, list_id: int, key: str, now: dt.datetime) -> Joined | None:
    """Put a stored person on a list; None if they were on it."""
    row = {"list_id": list_id, "subscriber_id": _person(key), "joined_at": now}
    query = insert_into(connection, memberships).values(row).on_conflict_do_nothing()
    if (await connection.execute(query.returning(memberships.c.list_id))).first() is not None:
        return Joined.ADDED
    back = (
        sa.update(memberships)
        .where(memberships.c.list_id == list_id, memberships.c.subscriber_id == _person(key))
        .where(memberships.c.left_at.is_not(None))
        .values(joined_at=now, left_at=None)
    )
    return Joined.RETURNED if (await connection.execute(back)).rowcount > 0 else None


async def _record(
    connection: AsyncConnection,
    address: ParsedAddress,
    list_name: str,
    joined: Joined,
    consent: Consent | None,
    now: dt.datetime,
) -> None:
    """Note that somebody joined, and on what basis, or changed."""
    if joined is Joined.UNCHANGED:
        return
    person: int = (await connection.scalars(sa.select(_person(address.key)))).one()
    if joined is Joined.UPDATED:
        await record_events(connection, [Event(EventKind.CHANGED, now, person, detail={"source": _SOURCE})])
        return
    said = {"source": _SOURCE} | ({"basis": consent.basis.value} if consent else {})
    await record_events(connection, [Event(EventKind.JOINED, now, person, list=list_name, detail=said)])
    await record_consents(connection, person, [consent] if consent else [])


async def _select_people(
    connection: AsyncConnection, list_name: str | None, where: sa.ColumnElement[bool] | None = None
) -> sa.Select[Any]:
    person = (subscribers.c.id, subscribers.c.address, subscribers.c.name, subscribers.c.attributes)
    if list_name is None:
        query = sa.select(*person, subscribers.c.created_at.label("since"))
    else:
        list_id = await find_list(connection, list_name)
        query = (
            sa.select(*person, memberships.c.joined_at.label("since"))
            .join(memberships, memberships.c.subscriber_id == subscribers.c.id)
            .where(memberships.c.list_id == list_id, memberships.c.left_at.is_(None))
        )
    query = query if where is None else query.where(where)
    return query.order_by(subscribers.c.id).limit(_BATCH)


async def _read_tags(connection: AsyncConnection, after: int, last: int) -> Mapping[int, Sequence[str]]:
    """The tags of people with an id above `after` and up to `last`, by id."""
    query = (
        sa.select(tags.c.subscriber_id, tags.c.tag)
        .where(tags.c.subscriber_id > after, tags.c.subscriber_id <= last)
        .order_by(tags.c.subscriber_id, tags.c.tag)
    )
    found: dict[int, list[str]] = {}
    for subscriber_id, tag in await connection.execute(query):
        found.setdefault(subscriber_id, []).append(tag)
    return found


async def _read_lists(connection: AsyncConnection, after: int, last: int) -> Mapping[int, Sequence[str]]:
    """The lists that people with an id above `after` and up to `last` are on now, by id."""
    query = (
        sa.select(memberships.c.subscriber_id, lists.c.name)
        .join(lists, lists.c.id == memberships.c.list_id)
        .where(memberships.c.subscriber_id > after, memberships.c.subscriber_id <= last)
        .where(memberships.c.left_at.is_(None))
        .order_by(memberships.c.subscriber_id, lists.c.name)
    )
    found: dict[int, list[str]] = {}
    for subscriber_id, name in await connection.execute(query):
        found.setdefault(subscriber_id, []).append(name)
    return found
