"""Confirmations: what people asked for at a public form, the mail that asks back, and what comes of a yes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.address import ParsedAddress
from pressrun.link_keys import LinkKeys
from pressrun.store.consent import Consent, ConsentBasis, record_consents
from pressrun.store.database import Database
from pressrun.store.event import Event, EventKind, record_events
from pressrun.store.forget import remember
from pressrun.store.people_tables import confirmations
from pressrun.store.subscribers import insert_into, make_list
from pressrun.store.tables import lists, memberships, subscribers, suppressions

GOOD_FOR = dt.timedelta(days=7)
"""How long the link in a confirmation mail holds."""

DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Asked:
    """What somebody asked for at a publication's form, and what they read there.

    `subscriber_id` is set where a person asks for their address to become this one.
    """

    publication: str
    address: ParsedAddress
    lists: tuple[str, ...]
    language: str
    name: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    wording: str = ""
    form_version: str = ""
    network: str | None = None
    subscriber_id: int | None = None


@dataclass(frozen=True)
class Confirmation:
    """What was asked for, as it is kept."""

    id: int
    asked: Asked
    requested_at: dt.datetime
    due_at: dt.datetime | None = None
    attempts: int = 0
    message_id: str | None = None
    mailed_at: dt.datetime | None = None
    confirmed_at: dt.datetime | None = None

    def is_over(self, now: dt.datetime) -> bool:
        """Whether it is too late for a yes."""
        return self.confirmed_at is None and now >= self.requested_at + GOOD_FOR


@dataclass(frozen=True)
class Standing:
    """What the store knows of an address that somebody asked for something with."""

    subscriber_id: int | None
    language: str | None
    lists: frozenset[str]
    """The lists that the person is on now."""
    is_suppressed: bool
    mailed: int
    """The mails that went to the address in the last day because somebody asked for them."""


async def ask(database: Database, asked: Asked, now: dt.datetime) -> None:
    """Keep what was asked for: its mail is due now.

    One statement, whoever the address belongs to: how long it takes tells nothing of them.
    """
    row = {
        "publication": asked.publication,
        "address": asked.address.address,
        "address_key": asked.address.key,
        "name": asked.name,
        "attributes": dict(asked.attributes),
        "lists": list(asked.lists),
        "language": asked.language,
        "wording": asked.wording,
        "form_version": asked.form_version,
        "network": asked.network,
        "requested_at": now,
        "due_at": now,
        "subscriber_id": asked.subscriber_id,
    }
    async with database.write() as connection:
        await connection.execute(sa.insert(confirmations), row)


async def claim_due(database: Database, now: dt.datetime, lease: dt.timedelta, most: int) -> list[Confirmation]:
    """Take up to `most` confirmations whose mail is due; nobody else gets them before the lease ends.

    Whoever dies with them leaves them to the next one: a mail may go twice then, under the same Message-ID.
    """
    is_due = sa.and_(confirmations.c.due_at.is_not(None), confirmations.c.due_at <= now)
    async with database.read() as connection:  # nearly always there is nothing, and a writer has to wait for its turn
        if (await connection.execute(sa.select(confirmations.c.id).where(is_due).limit(1))).first() is None:
            return []
    due = sa.select(confirmations.c.id).where(is_due).order_by(confirmations.c.due_at, confirmations.c.id).limit(most)
    async with database.write() as connection:
        ids = (await connection.scalars(due.with_for_update(skip_locked=True))).all()
        values = {"due_at": now + lease, "attempts": confirmations.c.attempts + 1}
        await connection.execute(sa.update(confirmations).where(confirmations.c.id.in_(ids)).values(values))
        found = await connection.execute(
            sa.select(confirmations).where(confirmations.c.id.in_(ids)).order_by(confirmations.c.id)
        )
        return [_read(row) for row in found.mappings()]


async def read_confirmation(database: Database, confirmation_id: int) -> Confirmation | None:
    """The confirmation with this id."""
    query = sa.select(confirmations).where(confirmations.c.id == confirmation_id)
    async with database.read() as connection:
        row = (await connection.execute(query)).mappings().first()
    return _read(row) if row else None


async def read_standing(database: Database, confirmation: Confirmation, now: dt.datetime) -> Standing:
    """What is known of the address that `confirmation` names."""
    key = confirmation.asked.address.key
    person = sa.select(subscribers.c.id, subscribers.c.attributes).where(subscribers.c.address_key == key)
    stop = sa.select(suppressions.c.address_key).where(suppressions.c.address_key == key)
    mailed = sa.select(sa.func.count()).where(
        confirmations.c.address_key == key,
        confirmations.c.mailed_at > now - DAY,
        confirmations.c.id != confirmation.id,
    )
    async with database.read() as connection:
        found = (await connection.execute(person)).first()
        on = await _read_lists(connection, found.id) if found else frozenset()
        is_suppressed = (await connection.execute(stop)).first() is not None
        count = await connection.scalar(mailed) or 0
    language = (found.attributes or {}).get("language") if found else None
    return Standing(found.id if found else None, language, on, is_suppressed, count)


async def find_person(database: Database, address_key: str) -> int | None:
    """The id of the person with this address, if there is one."""
    query = sa.select(subscribers.c.id).where(subscribers.c.address_key == address_key)
    async with database.read() as connection:
        found: int | None = await connection.scalar(query)
    return found


async def note_mailed(database: Database, claimed: Confirmation, message_id: str, now: dt.datetime) -> None:
    """The mail left; nothing more is due but what became so since it was claimed, as a yes makes a welcome due."""
    due_at = sa.case((_is_as(claimed), sa.null()), else_=confirmations.c.due_at)
    await _settle(database, claimed.id, {"due_at": due_at, "message_id": message_id, "mailed_at": now})


async def note_confirmed(database: Database, confirmation_id: int, now: dt.datetime, network: str | None) -> None:
    """What was asked for is done; nothing more is due."""
    await _settle(database, confirmation_id, {"due_at": None, "confirmed_at": now, "confirmed_from": network})


async def put_off(database: Database, claimed: Confirmation, due_at: dt.datetime | None) -> None:
    """The mail did not leave: it is due again at `due_at`, or never where that is None.

    What happened to the request since it was claimed stays: a yes, a change of address, somebody else who took it over.
    """
    await _settle(database, claimed.id, {"due_at": due_at}, _is_as(claimed))


def _is_as(claimed: Confirmation) -> sa.ColumnElement[bool]:
    """Whether it still is whoever's who claimed it so: all that changes what is due changes one of the two."""
    return sa.and_(confirmations.c.due_at == claimed.due_at, confirmations.c.attempts == claimed.attempts)


async def confirm(
    database: Database, keys: LinkKeys, confirmation_id: int, now: dt.datetime, network: str | None, *, welcome: bool
) -> int | None:
    """Do what was asked for, as whoever reads mail at the address says yes; the id of the person, or None.

    In one transaction: the person is stored if they are not, whoever left is back by their own wish, what was forgotten
    of them is no bar, their consent is recorded with what shows it, and events say what they joined. None where it was
    done already, or is too late. With `welcome`, a mail that says so is due.
    """
    async with database.write() as connection:
        row = await _take(connection, confirmation_id, now, network, welcome=welcome)
        if row is None:
            return None
        asked = row.asked
        person = await _find_or_store(connection, asked, now)
        await remember(connection, keys, asked.address.key, person)
        joined = [name for name in asked.lists if await join_list(connection, person, name, now)]
        await record_consents(connection, person, [_consent(row, name, now, network) for name in asked.lists])
        detail = {"source": "form", "basis": ConsentBasis.DOUBLE_OPT_IN.value}
        await record_events(connection, [Event(EventKind.JOINED, now, person, name, detail=detail) for name in joined])
        return person


async def _take(
    connection: AsyncConnection, confirmation_id: int, now: dt.datetime, network: str | None, *, welcome: bool
) -> Confirmation | None:
    """The confirmation, marked as confirmed; None where it is so already, too old, or of another kind."""
    is_open = sa.and_(
        confirmations.c.id == confirmation_id,
        confirmations.c.confirmed_at.is_(None),
        confirmations.c.requested_at > now - GOOD_FOR,
        confirmations.c.subscriber_id.is_(None),
    )
    values = {"confirmed_at": now, "confirmed_from": network, "due_at": now if welcome else None, "attempts": 0}
    found = await connection.execute(sa.update(confirmations).where(is_open).values(values).returning(confirmations))
    row = found.mappings().first()
    return _read(row) if row else None


async def _find_or_store(connection: AsyncConnection, asked: Asked, now: dt.datetime) -> int:
    """The person's id. What is known of them stays: at the form anybody may have written anything."""
    new = {
        "address": asked.address.address,
        "address_key": asked.address.key,
        "name": asked.name,
        "attributes": dict(asked.attributes),
        "created_at": now,
        "updated_at": now,
    }
    query = insert_into(connection, subscribers).values(new).on_conflict_do_nothing()
    await connection.execute(query)
    known = sa.select(subscribers.c.id).where(subscribers.c.address_key == asked.address.key)
    return int((await connection.execute(known)).scalar_one())


async def join_list(connection: AsyncConnection, person: int, list_name: str, now: dt.datetime) -> bool:
    """Put a person on a list by their own wish, also one who had left it; whether they were not on it."""
    list_id = await make_list(connection, list_name, now)
    row = {"list_id": list_id, "subscriber_id": person, "joined_at": now}
    query = insert_into(connection, memberships).values(row)
    query = query.on_conflict_do_update(
        index_elements=["list_id", "subscriber_id"],
        set_={"joined_at": now, "left_at": None, "paused_until": None},
        where=memberships.c.left_at.is_not(None),
    )
    return (await connection.execute(query)).rowcount > 0


def _consent(row: Confirmation, list_name: str, now: dt.datetime, network: str | None) -> Consent:
    proof: dict[str, Any] = {
        "confirmation": row.id,
        "requested_at": row.requested_at.isoformat(),
        "message_id": row.message_id,
        "mailed_at": row.mailed_at.isoformat() if row.mailed_at else None,
        "confirmed_from": network,
    }
    asked, basis = row.asked, ConsentBasis.DOUBLE_OPT_IN
    return Consent(list_name, basis, "form", now, asked.wording, asked.form_version, asked.network, proof)


async def _read_lists(connection: AsyncConnection, person: int) -> frozenset[str]:
    query = (
        sa.select(lists.c.name)
        .join(memberships, memberships.c.list_id == lists.c.id)
        .where(memberships.c.subscriber_id == person, memberships.c.left_at.is_(None))
    )
    return frozenset((await connection.scalars(query)).all())


async def _settle(database: Database, number: int, values: Mapping[str, Any], *where: sa.ColumnElement[bool]) -> None:
    query = sa.update(confirmations).where(confirmations.c.id == number, *where).values(dict(values))
    async with database.write() as connection:
        await connection.execute(query)


def _read(row: sa.RowMapping) -> Confirmation:
    names: Sequence[str] = ("publication", "language", "name", "attributes", "wording", "form_version", "network")
    asked = Asked(
        address=ParsedAddress(row["address"], row["address_key"]),
        lists=tuple(row["lists"]),
        subscriber_id=row["subscriber_id"],
        **{name: row[name] for name in names},
    )
    kept = ("id", "requested_at", "due_at", "attempts", "message_id", "mailed_at", "confirmed_at")
    return Confirmation(asked=asked, **{name: row[name] for name in kept})
