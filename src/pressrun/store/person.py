"""A person as the store knows them: all that it holds about one address, and all that happened to them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.address import ParsedAddress
from pressrun.delivery.outcome import State
from pressrun.errors import UsageError
from pressrun.link_keys import LinkKeys
from pressrun.store.consent import Consent, select_consents
from pressrun.store.database import Database
from pressrun.store.event import Event, EventKind
from pressrun.store.people_tables import confirmations, events
from pressrun.store.scrub import row_keys, rows_under
from pressrun.store.suppression import Suppression, find_suppression
from pressrun.store.tables import deliveries, lists, memberships, sends, subscribers
from pressrun.store.tag import read_tags

T = TypeVar("T")


@dataclass(frozen=True)
class Membership:
    """A list that a person is or was on: they left it at `left_at`, or get nothing from it before `paused_until`."""

    list: str
    joined_at: dt.datetime
    left_at: dt.datetime | None
    paused_until: dt.datetime | None


@dataclass(frozen=True)
class Request:
    """Somebody asked, from the network address `network`, that an address be put on lists, or be this person's."""

    publication: str
    address: str
    lists: Sequence[str]
    name: str
    attributes: Mapping[str, Any]
    language: str
    wording: str
    form_version: str
    network: str | None
    requested_at: dt.datetime
    mailed_at: dt.datetime | None
    confirmed_at: dt.datetime | None
    confirmed_from: str | None


@dataclass(frozen=True)
class PersonalDelivery:
    """An issue for a person: what became of it, and what was known of them when it was planned.

    `address` is empty where it was scrubbed from the log.
    """

    id: int
    issue: str
    list: str
    state: State
    address: str
    name: str
    attributes: Mapping[str, Any]
    attempts: int
    code: int | None
    enhanced: str | None
    reply: str | None
    message_id: str
    created_at: dt.datetime
    updated_at: dt.datetime


@dataclass(frozen=True)
class Person:
    """All that the store holds about an address. `id` is None where it is no subscriber's; moments are UTC."""

    address: str
    id: int | None
    name: str
    attributes: Mapping[str, Any]
    created_at: dt.datetime | None
    updated_at: dt.datetime | None
    lists: tuple[Membership, ...]
    tags: tuple[str, ...]
    consents: tuple[Consent, ...]
    suppression: Suppression | None
    requests: tuple[Request, ...]
    events: tuple[Event, ...]
    deliveries: tuple[PersonalDelivery, ...]

    @property
    def is_known(self) -> bool:
        """Whether the store holds anything about them."""
        return self.id is not None or bool(self.suppression or self.requests or self.deliveries)

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON holds it: moments in ISO 8601, absent facts as null."""
        said: dict[str, Any] = _plain(asdict(self))
        return said


async def read_person(database: Database, keys: LinkKeys, address: ParsedAddress) -> Person:
    """All that the store holds about `address`, as it was at one moment; also where it is no subscriber's."""
    async with database.read() as connection:
        query = sa.select(subscribers).where(subscribers.c.address_key == address.key)
        row = (await connection.execute(query)).mappings().first()
        found: Mapping[str, Any] = dict(row) if row else {}
        person: int | None = found.get("id")
        return Person(
            address=found.get("address", address.address),
            id=person,
            name=found.get("name", ""),
            attributes=found.get("attributes", {}),
            created_at=found.get("created_at"),
            updated_at=found.get("updated_at"),
            lists=tuple(await _read_memberships(connection, person) if person else ()),
            tags=tuple(await read_tags(connection, person) if person else ()),
            consents=tuple(await select_consents(connection, person) if person else ()),
            suppression=await find_suppression(connection, address.key),
            requests=tuple(await _read_requests(connection, address.key, person)),
            events=tuple(await _read_events(connection, person) if person else ()),
            deliveries=tuple(await _read_deliveries(connection, row_keys(keys, address.key))),
        )


async def find_subscriber(connection: AsyncConnection, address: ParsedAddress) -> int | None:
    """The number of the subscriber with this address, None where it is nobody's."""
    query = sa.select(subscribers.c.id).where(subscribers.c.address_key == address.key)
    found: int | None = await connection.scalar(query)
    return found


async def require_subscriber(connection: AsyncConnection, address: ParsedAddress) -> int:
    """The same; raises UsageError where it is nobody's."""
    found = await find_subscriber(connection, address)
    if found is None:
        raise UsageError(f"{address} is no subscriber", f"pressrun subscribers add {address} --list LIST adds them")
    return found


async def _read_memberships(connection: AsyncConnection, person: int) -> list[Membership]:
    member = memberships.c
    query = (
        sa.select(lists.c.name.label("list"), member.joined_at, member.left_at, member.paused_until)
        .join(lists, lists.c.id == member.list_id)
        .where(member.subscriber_id == person)
        .order_by(lists.c.name)
    )
    return await _all(connection, query, Membership)


async def _read_requests(connection: AsyncConnection, address_key: str, person: int | None) -> list[Request]:
    query = sa.select(*(confirmations.c[name] for name in Request.__dataclass_fields__))
    theirs = sa.or_(confirmations.c.address_key == address_key, confirmations.c.subscriber_id == (person or 0))
    query = query.where(theirs).order_by(confirmations.c.id)
    return await _all(connection, query, Request)


async def _read_events(connection: AsyncConnection, person: int) -> list[Event]:
    query = sa.select(*(events.c[name] for name in Event.__dataclass_fields__ if name in events.c))
    query = query.where(events.c.subscriber_id == person).order_by(events.c.id)
    found = (await connection.execute(query)).mappings()
    return [Event(**{**row, "kind": EventKind(row["kind"])}) for row in found]


async def _read_deliveries(connection: AsyncConnection, under: list[str]) -> list[PersonalDelivery]:
    columns = (deliveries.c[name] for name in PersonalDelivery.__dataclass_fields__ if name != "list")
    query = sa.select(*columns, sends.c.list).join(sends, sends.c.id == deliveries.c.send_id)
    found = (await connection.execute(query.where(rows_under(under)).order_by(deliveries.c.id))).mappings()
    return [PersonalDelivery(**{**row, "state": State(row["state"])}) for row in found]


async def _all(connection: AsyncConnection, query: sa.Select[Any], kind: type[T]) -> list[T]:
    return [kind(**row) for row in (await connection.execute(query)).mappings()]


def _plain(value: object) -> Any:
    match value:
        case dt.datetime():
            return value.astimezone(dt.UTC).isoformat()
        case Mapping():
            return {str(key): _plain(one) for key, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
    return value
