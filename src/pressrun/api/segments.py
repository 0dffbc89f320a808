"""Segments over the API: the filters that the workspace saves by name, and how many people each holds for."""

from __future__ import annotations

import asyncio
from typing import Annotated

import sqlalchemy as sa
from fastapi import Path, Query, Request
from pydantic import Field

from pressrun.api.guard import doors_of
from pressrun.api.problem import Fault, invalid, not_found
from pressrun.api.shape import Outgoing
from pressrun.errors import UsageError
from pressrun.public.doors import Doors
from pressrun.segment import find_segment, load_segments
from pressrun.store.segment import compile_filter, find_scope, size_segment
from pressrun.store.subscribers import count_lists


class SegmentShown(Outgoing):
    """A segment."""

    name: str
    filter: str = Field(description="Who belongs to it")
    description: str


class SegmentsShown(Outgoing):
    """All segments."""

    items: list[SegmentShown]


class SizedSegment(SegmentShown):
    """A segment with its size."""

    size: int = Field(description="How many people belong to it now")


async def list_segments(request: Request) -> SegmentsShown:
    """Read all segments of the workspace, in the order of its file."""
    found = await asyncio.to_thread(load_segments, doors_of(request).workspace)
    return SegmentsShown(items=[SegmentShown.model_validate(one) for one in found.values()])


async def get_segment(
    request: Request,
    name: Annotated[str, Path(min_length=1, max_length=200, description="The segment's name")],
    list: Annotated[str | None, Query(max_length=100, description="Only the members of this list")] = None,
) -> SizedSegment:
    """Read one segment, and how many people belong to it."""
    doors = doors_of(request)
    segment = (await asyncio.to_thread(load_segments, doors.workspace)).get(name)
    if segment is None:
        raise not_found(f"there is no segment {name!r}", "GET /segments lists all")
    await _require_list(doors, list)
    size = await size_segment(doors.database, segment.term, doors.clock(), list)
    return SizedSegment(name=name, filter=segment.filter, description=segment.description, size=size)


async def compile_segment(doors: Doors, text: str | None, list_name: str | None) -> sa.ColumnElement[bool] | None:
    """The condition that the segment or filter `text` puts on people. Raises RefusalError 422 where it is neither."""
    if text is None:
        return None
    try:
        segment = await asyncio.to_thread(find_segment, doors.workspace, text)
    except UsageError as error:
        raise invalid([Fault(where="segment", detail=error.message, remedy=error.remedy)]) from None
    await _require_list(doors, list_name)
    async with doors.database.read() as connection:
        scope = await find_scope(connection, list_name)
    return compile_filter(segment.term, doors.clock(), scope)


async def _require_list(doors: Doors, name: str | None) -> None:
    if name is not None and name not in {one.name for one in await count_lists(doors.database)}:
        raise invalid([Fault(where="list", detail=f"there is no list {name!r}", remedy="GET /lists tells all")])
