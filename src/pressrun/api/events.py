"""Events over the API: what happened to people and sends, in order, for programs that follow."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic import Field

from pressrun.api.guard import doors_of
from pressrun.api.page import Cursor, Limit, link_next, make_cursor, read_cursor
from pressrun.api.shape import Outgoing
from pressrun.store.event import EventKind, NumberedEvent, read_events


class Event(Outgoing):
    """Something that happened."""

    id: int
    kind: EventKind
    at: dt.datetime
    subscriber_id: int | None = Field(description="To whom; null where it was nobody, or somebody who was forgotten")
    list: str | None
    issue: str | None
    delivery_id: int | None
    detail: Mapping[str, Any] = Field(description="What belongs to its kind")


class EventPage(Outgoing):
    """Some of what happened, the oldest first."""

    items: list[Event]
    next: str = Field(description="Where to go on, now or later: also on the last page, for what is yet to happen")
    more: bool = Field(description="Whether there is more now")


async def list_events(
    request: Request,
    response: Response,
    kind: Annotated[list[EventKind], Query(max_length=len(EventKind), description="Only these kinds")] = [],  # noqa: B006
    limit: Limit = 100,
    cursor: Cursor = None,
) -> EventPage:
    """Follow what happens: keep `next`, and ask again with it. No event is missed, and none comes twice."""
    doors = doors_of(request)
    kinds = sorted(set(kind))
    listing = json.dumps(["events", kinds])
    after = read_cursor(doors.keys, listing, cursor) or 0
    found = await read_events(doors.database, after, kinds, limit + 1)
    shown = found[:limit]
    there = make_cursor(doors.keys, listing, shown[-1].id if shown else after)
    more = len(found) > limit
    link_next(response, there if more else None, kind=[str(one) for one in kinds], limit=limit)
    return EventPage(items=[_shown(one) for one in shown], next=there, more=more)


def _shown(one: NumberedEvent) -> Event:
    happened = one.event
    return Event(
        id=one.id,
        kind=happened.kind,
        at=happened.at,
        subscriber_id=happened.subscriber_id,
        list=happened.list,
        issue=happened.issue,
        delivery_id=happened.delivery_id,
        detail=happened.detail,
    )
