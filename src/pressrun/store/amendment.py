"""Amendments: what a program changes about a person, unless somebody else changed them since it looked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.store.database import Database
from pressrun.store.enrolment import patch_attributes
from pressrun.store.event import Event, EventKind, record_events
from pressrun.store.roster import Entry, select_entry
from pressrun.store.tables import subscribers
from pressrun.store.tag import tag_within, untag_within


@dataclass(frozen=True)
class Amendment:
    """What is to change: None leaves as it is, an attribute's empty value removes it, `tags` are all they have then."""

    name: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    tags: Collection[str] | None = None
    source: str = "api"


class Amended(StrEnum):
    """What came of an amendment."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    UNKNOWN = "unknown"
    OUTDATED = "outdated"


async def amend(
    database: Database,
    subscriber_id: int,
    amendment: Amendment,
    now: dt.datetime,
    is_expected: Callable[[Entry], bool] = lambda entry: True,
) -> Amended:
    """Change a person, if they are still as `is_expected`; asked and done in one transaction."""
    async with database.write() as connection:
        lock = sa.select(subscribers.c.id).where(subscribers.c.id == subscriber_id).with_for_update()
        await connection.execute(lock)
        entry = await select_entry(connection, subscriber_id)
        if entry is None:
            return Amended.UNKNOWN
        if not is_expected(entry):
            return Amended.OUTDATED
        changed = await _change(connection, entry, amendment, now)
        tagged = await _tag(connection, entry, amendment, now)
    return Amended.CHANGED if changed or tagged else Amended.UNCHANGED


async def _change(connection: AsyncConnection, entry: Entry, amendment: Amendment, now: dt.datetime) -> bool:
    name = entry.name if amendment.name is None else amendment.name
    attributes = patch_attributes(entry.attributes, amendment.attributes)
    if (name, attributes) == (entry.name, entry.attributes):
        return False
    change = sa.update(subscribers).where(subscribers.c.id == entry.id)
    await connection.execute(change.values(name=name, attributes=attributes, updated_at=now))
    # Which attributes, not their values: events outlive what they tell of.
    fields = sorted(key for key in {*attributes, *entry.attributes} if attributes.get(key) != entry.attributes.get(key))
    fields = ([] if name == entry.name else ["name"]) + fields
    detail = {"source": amendment.source, "fields": fields}
    await record_events(connection, [Event(EventKind.CHANGED, now, entry.id, detail=detail)])
    return True


async def _tag(connection: AsyncConnection, entry: Entry, amendment: Amendment, now: dt.datetime) -> bool:
    if amendment.tags is None:
        return False
    gone = await untag_within(connection, entry.id, sorted(set(entry.tags) - set(amendment.tags)), now)
    new = await tag_within(connection, entry.id, sorted(amendment.tags), now)
    return bool(gone or new)
