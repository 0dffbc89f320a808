"""The audience of a send: whom a list holds, and the delivery row each of them is given."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.delivery.message import wire_address
from pressrun.delivery.outcome import State
from pressrun.render.edition import Edition
from pressrun.store.database import Database
from pressrun.store.scrub import is_scrubbed
from pressrun.store.selection import NO_SEGMENTS, Segments, Selection, find_selection
from pressrun.store.subscribers import insert_into
from pressrun.store.tables import UtcDateTime, deliveries, memberships, subscribers, suppressions

ZONE = "timezone"
"""The attribute that holds a subscriber's time zone."""

Waves = Mapping[str, dt.datetime]
"""When each time zone's rows are due, by the zone's name as subscribers have it."""


async def zones_of(
    database: Database, list_name: str, now: dt.datetime, segments: Segments = NO_SEGMENTS, issue: str = ""
) -> list[str]:
    """The time zones of an audience's people, each once, as they stand in their attributes.

    Raises UsageError where there is no such list or segment.
    """
    zone = subscribers.c.attributes[ZONE].as_string()
    async with database.read() as connection:
        selection = await find_selection(connection, list_name, now, segments, issue)
        members = _members(selection, zone).where(zone.is_not(None), zone != "")
        return sorted((await connection.scalars(members.distinct())).all())


async def count_audience(
    database: Database, list_name: str, now: dt.datetime, segments: Segments = NO_SEGMENTS, issue: str = ""
) -> int:
    """How many people the audience holds now. Raises UsageError where there is no such list or segment."""
    async with database.read() as connection:
        return await count_members(connection, await find_selection(connection, list_name, now, segments, issue))


async def count_members(connection: AsyncConnection, selection: Selection, *, without_row_of: str | None = None) -> int:
    """How many people the audience holds now, or those of them who have no row of that issue."""
    query = _members(selection, sa.func.count())
    if without_row_of is not None:
        known = sa.select(deliveries.c.id).where(
            deliveries.c.issue == without_row_of, deliveries.c.address_key == subscribers.c.address_key
        )
        query = query.where(~known.exists(), _has_no_scrubbed_row(without_row_of))
    return int(await connection.scalar(query) or 0)


async def insert_rows(
    connection: AsyncConnection,
    edition: Edition,
    send_id: int,
    selection: Selection,
    now: dt.datetime,
    waves: Waves,
) -> int:
    """Give each person of the audience who has none a row of the edition's issue: how many."""
    columns = _row(edition, send_id, now, waves)
    chosen = _members(selection, *(value.label(name) for name, value in columns.items())).order_by(subscribers.c.id)
    chosen = chosen.where(_has_no_scrubbed_row(edition.issue))
    statement = insert_into(connection, deliveries).from_select(list(columns), chosen).on_conflict_do_nothing()
    return int((await connection.execute(statement)).rowcount)


def _has_no_scrubbed_row(issue: str) -> sa.ColumnElement[bool]:
    """Whoever's address was taken out of the log since they got the issue is known by their number alone."""
    theirs = sa.select(deliveries.c.subscriber_id).where(deliveries.c.issue == issue, is_scrubbed())
    return subscribers.c.id.not_in(theirs)


def _members(selection: Selection, *columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    return sa.select(*columns).select_from(memberships.join(subscribers)).where(*selection.members)


def _row(edition: Edition, send_id: int, now: dt.datetime, waves: Waves) -> dict[str, sa.ColumnElement[Any]]:
    later = {zone: moment for zone, moment in waves.items() if moment > now}
    suppressed = sa.exists().where(suppressions.c.address_key == subscribers.c.address_key)
    domain = wire_address(edition.sender_address).rpartition("@")[2]
    zone = zone_among(subscribers.c.attributes, waves)
    due_at = wave_of(zone, later, sa.literal(now, UtcDateTime()))
    return {
        "send_id": sa.literal(send_id),
        "issue": sa.literal(edition.issue),
        "subscriber_id": subscribers.c.id,
        "address": subscribers.c.address,
        "address_key": subscribers.c.address_key,
        "name": subscribers.c.name,
        "attributes": subscribers.c.attributes,
        "state": sa.case((suppressed, State.SUPPRESSED.value), *_deferred(zone, later), else_=State.QUEUED.value),
        "message_id": sa.literal(f"<{edition.id[:24]}.")
        + sa.cast(subscribers.c.id, sa.Text)
        + sa.literal(f"@{domain}>"),
        "reply": reason_of(zone, later),
        "due_at": due_at,
        "created_at": due_at,  # dates the message, and its age counts from here
        "updated_at": sa.literal(now, UtcDateTime()),
    }


def _deferred(zone: sa.ColumnElement[str], later: Waves) -> list[tuple[sa.ColumnElement[bool], str]]:
    return [(zone.in_(list(later)), State.DEFERRED.value)] if later else []


def zone_among(attributes: sa.ColumnElement[Any], waves: Waves) -> sa.ColumnElement[str]:
    """A person's zone as `waves` has it: where it is none of theirs, the empty one, which stands for all others."""
    zone = attributes[ZONE].as_string()
    return sa.case((zone.in_([name for name in waves if name]), zone), else_="")


def wave_of(zone: sa.ColumnElement[str], waves: Waves, other: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """When a row of this zone is due; `other` where the zone is none of them."""
    if not waves:
        return other
    moments = {name: sa.literal(moment, UtcDateTime()) for name, moment in waves.items()}
    return sa.case(moments, value=zone, else_=other)


def reason_of(zone: sa.ColumnElement[str], waves: Waves) -> sa.ColumnElement[Any]:
    """What a row of this zone waits for, as its reply says until there is a real one."""
    nothing = sa.null().cast(sa.Text)
    if not waves:
        return nothing
    texts = {
        name: sa.literal(f"waits for its time{name and f' in {name}'}: {moment.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC")
        for name, moment in waves.items()
    }
    return sa.case(texts, value=zone, else_=nothing)
