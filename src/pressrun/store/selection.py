"""Selections: whom an audience's name stands for, a list or a segment of one (`LIST:SEGMENT`)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.condition import Term, parse_condition, write_condition
from pressrun.condition.vocabulary import suggest
from pressrun.errors import UsageError
from pressrun.segment import Segment
from pressrun.store.segment import ListScope, Where, compile_filter
from pressrun.store.tables import lists, memberships, sends

Segments = Mapping[str, Segment]
NO_SEGMENTS: Segments = MappingProxyType({})


@dataclass(frozen=True)
class Selection:
    """An audience as it is planned: its list, and where it is a segment its filter, as text and as SQL."""

    name: str
    scope: ListScope
    filter: str | None = None
    where: Where | None = None

    @property
    def of_list(self) -> str | None:
        """The list that `name` is a segment of; None where it is a list itself."""
        return None if self.filter is None else self.scope.name

    @property
    def members(self) -> tuple[Where, ...]:
        """The conditions on a join of `memberships` and `subscribers` that its people meet now."""
        on_it = (memberships.c.list_id == self.scope.id, memberships.c.left_at.is_(None))
        return on_it if self.where is None else (*on_it, self.where)


async def find_selection(
    connection: AsyncConnection, name: str, now: dt.datetime, segments: Segments = NO_SEGMENTS, issue: str = ""
) -> Selection:
    """What `name` stands for at `now`; a list of that very name comes first.

    A segment that is no longer defined is as it was when `issue` was last planned for it. Raises UsageError, with the
    nearest names, where there is no such list or segment.
    """
    if (scope := await _find_scope(connection, name)) is not None:
        return Selection(name, scope)
    list_name, colon, segment = name.rpartition(":")
    scope = await _find_scope(connection, list_name) if colon else None
    if scope is None:
        raise await _no_list(connection, list_name if colon else name)
    term = segments[segment].term if segment in segments else await _term_as_planned(connection, name, issue)
    if term is None:
        raise UsageError(f"there is no segment {segment!r}", suggest(segment, segments))
    return Selection(name, scope, write_condition(term), compile_filter(term, now, scope))


async def list_names(connection: AsyncConnection) -> Sequence[str]:
    """Every list's name, in order."""
    return (await connection.scalars(sa.select(lists.c.name).order_by(lists.c.name))).all()


async def _find_scope(connection: AsyncConnection, name: str) -> ListScope | None:
    found = await connection.scalar(sa.select(lists.c.id).where(lists.c.name == name))
    return None if found is None else ListScope(found, name)


async def _no_list(connection: AsyncConnection, name: str) -> UsageError:
    near = suggest(name, await list_names(connection))
    remedy = near if near.startswith("did") else "import or add someone to it first, or name another"
    return UsageError(f"there is no list {name!r}", remedy)


async def _term_as_planned(connection: AsyncConnection, name: str, issue: str) -> Term | None:
    planned = sa.select(sends.c.filter).where(sends.c.issue == issue, sends.c.list == name, sends.c.filter.is_not(None))
    told: str | None = await connection.scalar(planned.order_by(sends.c.id.desc()).limit(1))
    return None if told is None else parse_condition(told).term
