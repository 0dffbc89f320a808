"""Enrolment: a program puts a person on lists and says why they may be mailed; who wanted away stays away."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.address import ParsedAddress
from pressrun.link_keys import LinkKeys
from pressrun.store.consent import Consent, ConsentBasis, record_consents
from pressrun.store.database import Database
from pressrun.store.event import Event, EventKind, record_events
from pressrun.store.forget import is_forgotten
from pressrun.store.subscriber import Joined
from pressrun.store.subscribers import insert_into
from pressrun.store.suppression import find_suppression
from pressrun.store.tables import lists, memberships, subscribers
from pressrun.store.tag import tag_within

OWN_WISHES = frozenset({ConsentBasis.DOUBLE_OPT_IN, ConsentBasis.SINGLE_OPT_IN, ConsentBasis.WRITTEN})
"""What a person did themselves: only that brings somebody back who had left."""


class Bar(StrEnum):
    """Why somebody can't be put on a list."""

    UNKNOWN_LIST = "unknown-list"
    SUPPRESSED = "suppressed"
    FORGOTTEN = "forgotten"
    LEFT = "left"


@dataclass(frozen=True)
class Barred:
    """Nothing was done: why, and for which list where it is one."""

    bar: Bar
    list_name: str = ""


@dataclass(frozen=True)
class Enrolled:
    """What was done: the person's id, whether they were new to the store, and what came of each list."""

    subscriber_id: int
    is_new: bool
    joined: Mapping[str, Joined]


@dataclass(frozen=True)
class Enrolment:
    """Whom to put on which lists. A stored name and attributes stay where nothing is said of them.

    `consents` are those for the lists, each once; `source` is what events say of where it came from.
    """

    address: ParsedAddress
    consents: Sequence[Consent]
    name: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    tags: Collection[str] = ()
    source: str = "api"


async def enrol(database: Database, keys: LinkKeys, wish: Enrolment, now: dt.datetime) -> Enrolled | Barred:
    """Put a person on lists, all in one transaction; a second time changes nothing and records no second consent.

    Barred is who was suppressed or forgotten, and who had left unless they asked for it themselves since.
    """
    async with database.write() as connection:
        if barred := await _find_bar(connection, keys, wish):
            return barred
        ids = await _find_lists(connection, wish)
        if missing := [consent.list for consent in wish.consents if consent.list not in ids]:
            return Barred(Bar.UNKNOWN_LIST, missing[0])
        person, is_new = await _find_or_store(connection, wish, now)
        if left := await _stays_away(connection, person["id"], ids, wish):
            return Barred(Bar.LEFT, left)  # a person who is new has left nothing: nothing was written
        changed = await _change(connection, person, wish, now)
        tagged = await tag_within(connection, person["id"], sorted(wish.tags), now)
        joined = {one.list: await _join(connection, ids[one.list], person["id"], one, now) for one in wish.consents}
        await _record(connection, person["id"], wish, joined, changed and not is_new, now)
    return Enrolled(person["id"], is_new, _told(joined, changed or bool(tagged)))


async def _find_bar(connection: AsyncConnection, keys: LinkKeys, wish: Enrolment) -> Barred | None:
    if await is_forgotten(connection, keys, wish.address.key):
        return Barred(Bar.FORGOTTEN)
    return Barred(Bar.SUPPRESSED) if await find_suppression(connection, wish.address.key) else None


async def _find_lists(connection: AsyncConnection, wish: Enrolment) -> dict[str, int]:
    names = [consent.list for consent in wish.consents]
    query = sa.select(lists.c.name, lists.c.id).where(lists.c.name.in_(names))
    return {name: list_id for name, list_id in await connection.execute(query)}


async def _find_or_store(connection: AsyncConnection, wish: Enrolment, now: dt.datetime) -> tuple[Any, bool]:
    """The person's row, which nobody else changes until this transaction ends, and whether it is new."""
    new = {
        "address": wish.address.address,
        "address_key": wish.address.key,
        "name": "",
        "attributes": {},
        "created_at": now,
        "updated_at": now,
    }
    store = insert_into(connection, subscribers).values(new).on_conflict_do_nothing().returning(subscribers.c.id)
    is_new = (await connection.execute(store)).first() is not None
    query = sa.select(subscribers).where(subscribers.c.address_key == wish.address.key).with_for_update()
    return (await connection.execute(query)).mappings().one(), is_new


async def _stays_away(
    connection: AsyncConnection, subscriber_id: int, ids: Mapping[str, int], wish: Enrolment
) -> str | None:
    """The list that the person left and did not ask for since."""
    query = sa.select(memberships.c.list_id, memberships.c.left_at).where(
        memberships.c.subscriber_id == subscriber_id,
        memberships.c.list_id.in_(ids.values()),
        memberships.c.left_at.is_not(None),
    )
    left = {list_id: left_at for list_id, left_at in await connection.execute(query)}
    for one in wish.consents:
        left_at = left.get(ids[one.list])
        if left_at and not (one.basis in OWN_WISHES and one.given_at > left_at):
            return one.list
    return None


async def _change(connection: AsyncConnection, person: Any, wish: Enrolment, now: dt.datetime) -> bool:
    name = person["name"] if wish.name is None else wish.name
    attributes = patch_attributes(person["attributes"], wish.attributes)
    if (name, attributes) == (person["name"], person["attributes"]):
        return False
    change = sa.update(subscribers).where(subscribers.c.id == person["id"])
    await connection.execute(change.values(name=name, attributes=attributes, updated_at=now))
    return True


def patch_attributes(stored: Mapping[str, str], patch: Mapping[str, str]) -> dict[str, str]:
    """`stored` as `patch` changes it: an empty value removes."""
    return {key: value for key, value in {**stored, **patch}.items() if value}


async def _join(
    connection: AsyncConnection, list_id: int, subscriber_id: int, consent: Consent, now: dt.datetime
) -> Joined:
    row = {"list_id": list_id, "subscriber_id": subscriber_id, "joined_at": now}
    join = insert_into(connection, memberships).values(row).on_conflict_do_nothing().returning(memberships.c.list_id)
    outcome = Joined.ADDED if (await connection.execute(join)).first() is not None else Joined.UNCHANGED
    if outcome is Joined.UNCHANGED:
        back = sa.update(memberships).where(
            memberships.c.list_id == list_id,
            memberships.c.subscriber_id == subscriber_id,
            memberships.c.left_at.is_not(None),
        )
        if (await connection.execute(back.values(joined_at=now, left_at=None, paused_until=None))).rowcount:
            outcome = Joined.RETURNED
    if outcome is not Joined.UNCHANGED:
        await record_consents(connection, subscriber_id, [consent])
    return outcome


async def _record(
    connection: AsyncConnection,
    subscriber_id: int,
    wish: Enrolment,
    joined: Mapping[str, Joined],
    changed: bool,
    now: dt.datetime,
) -> None:
    came = {consent.list: {"source": wish.source, "basis": consent.basis.value} for consent in wish.consents}
    happened = [
        Event(EventKind.JOINED, now, subscriber_id, list=name, detail=came[name])
        for name, outcome in joined.items()
        if outcome is not Joined.UNCHANGED
    ]
    happened += [Event(EventKind.CHANGED, now, subscriber_id, detail={"source": wish.source})] if changed else []
    await record_events(connection, happened)


def _told(joined: Mapping[str, Joined], changed: bool) -> dict[str, Joined]:
    return {
        name: Joined.UPDATED if outcome is Joined.UNCHANGED and changed else outcome for name, outcome in joined.items()
    }
