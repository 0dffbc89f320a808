"""Lacks: of how many people a text's field is not known, told before anything is sent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.delivery.outcome import State
from pressrun.render.edition import Edition, Field
from pressrun.store.database import Database
from pressrun.store.expression import attribute_of
from pressrun.store.selection import NO_SEGMENTS, Segments, find_selection
from pressrun.store.tables import deliveries, memberships, sends, subscribers

_KNOWN = frozenset({"address", "domain", "list"})  # of everybody


@dataclass(frozen=True)
class Lack:
    """How many people have no value for a field, and what they read in its place; conditional blocks aside."""

    attribute: str
    fallback: str
    people: int

    def __str__(self) -> str:
        reads = f"read “{self.fallback}”" if self.fallback else "read nothing there"
        return f"{self.people:,} without {self.attribute} {reads}"


async def count_lacks(
    database: Database, edition: Edition, list_name: str, now: dt.datetime, segments: Segments = NO_SEGMENTS
) -> list[Lack]:
    """What people of an audience lack for the fields of `edition`. Raises UsageError for an unknown list or segment."""
    async with database.read() as connection:
        selection = await find_selection(connection, list_name, now, segments, edition.issue)
        people = sa.select().select_from(memberships.join(subscribers)).where(*selection.members)
        return await _count(connection, edition, people, subscribers)


async def count_planned_lacks(database: Database, edition: Edition) -> list[Lack]:
    """What those lack for the fields of `edition` who are planned to get it, as they were planned."""
    through = sa.select(sends.c.id).where(sends.c.edition_id == edition.id)
    rows = sa.select().select_from(deliveries).where(deliveries.c.issue == edition.issue)
    wanted = rows.where(deliveries.c.send_id.in_(through), deliveries.c.state != State.SUPPRESSED.value)
    async with database.read() as connection:
        return await _count(connection, edition, wanted, deliveries)


async def _count(connection: AsyncConnection, edition: Edition, people: sa.Select[Any], table: sa.Table) -> list[Lack]:
    """One pass over the people, however many fields there are."""
    asked: Sequence[Field] = [field for field in edition.fields if field.attribute not in _KNOWN]
    if not asked:
        return []
    counts = [sa.func.count().filter(_is_unknown(field.attribute, table)) for field in asked]
    numbers = (await connection.execute(people.add_columns(*counts))).one()
    found = zip(asked, numbers, strict=True)
    return [Lack(field.attribute, field.fallback, number) for field, number in found if number]


def _is_unknown(name: str, table: sa.Table) -> sa.ColumnElement[bool]:
    value = table.c.name if name == "name" else attribute_of(table.c.attributes, name)
    return sa.func.trim(sa.func.coalesce(value, "")) == ""
