"""Sends over the API: where each stands, held and released, and its delivery log. What is sent, people approve."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Annotated

from fastapi import Query, Request, Response
from pydantic import Field

from pressrun.api.guard import doors_of
from pressrun.api.page import Cursor, Limit, link_next, make_cursor, read_cursor
from pressrun.api.problem import not_found
from pressrun.api.shape import Outgoing, Slug
from pressrun.delivery.outcome import State
from pressrun.store.control import Wish, cancel, pause, read_reason, read_wish, resume
from pressrun.store.delivery_log import count_open, count_states, next_due, read_rows
from pressrun.store.standing import read_sends


class SendSummary(Outgoing):
    """An issue that was planned."""

    issue: str = Field(description="publication/issue", examples=["field-notes/2026-02"])
    lists: Mapping[str, bool] = Field(
        description="The audiences it was planned for, and whether rows are open for each"
    )


class SendPage(Outgoing):
    """Some of the sends, by the issue's name."""

    items: list[SendSummary]
    next: str | None = Field(description="The cursor of the next page; null: there is none")


class Send(SendSummary):
    """Where a send stands: the counts add up to what was planned."""

    wish: Wish = Field(description="What operators want of it: run, pause or cancel")
    reason: str | None = Field(description="Why it is paused, where it stopped itself")
    states: Mapping[State, int] = Field(description="How many rows are in each state")
    planned: int = Field(description="How many rows there are")
    open: int = Field(description="How many rows are not settled yet")
    next_due: dt.datetime | None = Field(description="When the next deferred row is tried again")


class Delivery(Outgoing):
    """A row of the delivery log: one recipient of one issue."""

    id: int
    list: str
    address: str = Field(description="As planned; a keyed hash where it was scrubbed or its person forgotten")
    state: State
    attempts: int
    code: int | None = Field(description="The reply's code (RFC 5321 §4.2)")
    enhanced: str | None = Field(description="The enhanced code (RFC 3463)")
    reply: str | None = Field(description="What the server said")
    message_id: str
    relay: str | None
    repeated: bool = Field(description="Whether it was sent again while in doubt")
    due_at: dt.datetime
    created_at: dt.datetime
    updated_at: dt.datetime


class DeliveryPage(Outgoing):
    """Some rows of the log, in the order in which they were planned."""

    items: list[Delivery]
    next: str | None = Field(description="The cursor of the next page; null: there is none")


async def list_sends(request: Request, response: Response, limit: Limit = 100, cursor: Cursor = None) -> SendPage:
    """Read which issues were planned, for whom, and whether rows are open."""
    doors = doors_of(request)
    after = read_cursor(doors.keys, "sends", cursor) or ""
    planned = await read_sends(doors.database)
    keys = sorted(key for key in planned if key > after)[: limit + 1]
    more = make_cursor(doors.keys, "sends", keys[limit - 1]) if len(keys) > limit else None
    link_next(response, more, limit=limit)
    return SendPage(items=[SendSummary(issue=key, lists=planned[key]) for key in keys[:limit]], next=more)


async def get_send(request: Request, publication: Slug, issue: Slug) -> Send:
    """Read where a send stands."""
    return await _read_send(request, f"{publication}/{issue}")


async def pause_send(request: Request, publication: Slug, issue: Slug) -> Send:
    """Let nothing more of an issue begin until it is resumed. What is on the line is finished."""
    key = await _require_send(request, publication, issue)
    await pause(doors_of(request).database, key, doors_of(request).clock())
    return await _read_send(request, key)


async def resume_send(request: Request, publication: Slug, issue: Slug) -> Send:
    """Let a paused issue go on: at once where a run is waiting, else when somebody starts one."""
    key = await _require_send(request, publication, issue)
    await resume(doors_of(request).database, key, doors_of(request).clock())
    return await _read_send(request, key)


async def cancel_send(request: Request, publication: Slug, issue: Slug) -> Send:
    """Close every row that waits, for good. Only an operator takes that back, by the command line."""
    key = await _require_send(request, publication, issue)
    await cancel(doors_of(request).database, key, doors_of(request).clock())
    return await _read_send(request, key)


async def list_deliveries(
    request: Request,
    response: Response,
    publication: Slug,
    issue: Slug,
    state: Annotated[list[State], Query(max_length=len(State), description="Only rows in these states")] = [],  # noqa: B006
    limit: Limit = 100,
    cursor: Cursor = None,
) -> DeliveryPage:
    """Read the delivery log of an issue, page by page."""
    doors = doors_of(request)
    key = await _require_send(request, publication, issue)
    states = sorted(set(state))
    listing = json.dumps(["deliveries", key, states])
    after = read_cursor(doors.keys, listing, cursor) or 0
    found = await read_rows(doors.database, key, states, after, limit + 1)
    more = make_cursor(doors.keys, listing, found[limit - 1].id) if len(found) > limit else None
    link_next(response, more, state=[str(one) for one in states], limit=limit)
    return DeliveryPage(items=[Delivery.model_validate(row) for row in found[:limit]], next=more)


async def _require_send(request: Request, publication: str, issue: str) -> str:
    """The issue's name, of which something was planned. Raises RefusalError 404."""
    key = f"{publication}/{issue}"
    if key not in await read_sends(doors_of(request).database):
        raise not_found(f"nothing of {key!r} was planned yet", "GET /sends lists what was")
    return key


async def _read_send(request: Request, key: str) -> Send:
    database = doors_of(request).database
    lists = (await read_sends(database)).get(key)
    if lists is None:
        raise not_found(f"nothing of {key!r} was planned yet", "GET /sends lists what was")
    counts = await count_states(database, key)
    return Send(
        issue=key,
        lists=lists,
        wish=await read_wish(database, key),
        reason=await read_reason(database, key),
        states=counts,
        planned=sum(counts.values()),
        open=count_open(counts),
        next_due=await next_due(database, key),
    )
