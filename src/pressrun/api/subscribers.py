"""People over the API: read, and changed."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Annotated

from fastapi import Header, Query, Request, Response
from pydantic import ConfigDict, Field

from pressrun.address import AddressError, parse_address
from pressrun.api.guard import doors_of
from pressrun.api.page import Cursor, Limit, link_next, make_cursor, read_cursor
from pressrun.api.problem import Fault, RefusalError, invalid, not_found, pointer
from pressrun.api.segments import compile_segment
from pressrun.api.shape import Incoming, Line, Named, Outgoing, SubscriberId, Text
from pressrun.attribute import load_attribute_schema
from pressrun.public.doors import Doors
from pressrun.store.amendment import Amended, Amendment, amend
from pressrun.store.roster import Entry, Wanted, read_entry, read_roster
from pressrun.store.subscriber import find_fault


class OnList(Outgoing):
    """That a person is on a list, or was."""

    list: str
    joined_at: dt.datetime
    left_at: dt.datetime | None = Field(description="When they left; null while they are on it")
    paused_until: dt.datetime | None = Field(description="No mail is sent to them before")


class Subscriber(Outgoing):
    """A person in the store."""

    id: int
    address: str = Field(description="As it was given, and is mailed")
    name: str
    attributes: Mapping[str, str]
    tags: tuple[str, ...]
    lists: tuple[OnList, ...]
    suppressed: str | None = Field(description="Why they are never mailed; null: they may be")
    created_at: dt.datetime
    updated_at: dt.datetime


class SubscriberPage(Outgoing):
    """Some of the people, in the order in which they were first stored."""

    items: list[Subscriber]
    next: str | None = Field(description="The cursor of the next page; null: there is none")


class Changes(Incoming):
    """What to change about a person; what is not said stays as it is (RFC 7396)."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"attributes": {"city": "Leeds", "role": None}}]})

    name: Line | None = Field(None, description="The person's name; null or left out: as it is")
    attributes: dict[Named, Text | None] = Field({}, max_length=100, description="Attributes; null removes one")
    tags: Annotated[list[Named], Field(max_length=50)] | None = Field(None, description="All tags they are to have")


class Changed(Outgoing):
    """What came of a change."""

    id: int
    changed: bool = Field(description="Whether anything is other than it was")


async def list_subscribers(
    request: Request,
    response: Response,
    list: Annotated[str | None, Query(max_length=100, description="Only who is on this list now")] = None,
    tag: Annotated[str | None, Query(max_length=100, description="Only who has this tag")] = None,
    segment: Annotated[
        str | None, Query(max_length=2_000, description="Only who belongs to this segment, or meets this filter")
    ] = None,
    address: Annotated[str | None, Query(max_length=254, description="Only who has this address")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> SubscriberPage:
    """Read people, page by page.

    Who joins while you read comes on a later page; nobody comes twice.
    """
    doors = doors_of(request)
    listing = json.dumps(["subscribers", list, tag, segment, address])
    where = await compile_segment(doors, segment, list)
    wanted = Wanted(list_name=list, tag=tag, where=where, address_key=_key_or_none(address))
    after = read_cursor(doors.keys, listing, cursor) or 0
    found = await read_roster(doors.database, wanted, after, limit + 1)
    more = make_cursor(doors.keys, listing, found[limit - 1].id) if len(found) > limit else None
    link_next(response, more, list=list, tag=tag, segment=segment, address=address, limit=limit)
    return SubscriberPage(items=[Subscriber.model_validate(entry) for entry in found[:limit]], next=more)


async def get_subscriber(request: Request, response: Response, id: SubscriberId) -> Subscriber:
    """Read one person. The answer's ETag names the state, for a change that is to find it so."""
    entry = await find_entry(request, id)
    response.headers["etag"] = _tag_of(entry)
    return Subscriber.model_validate(entry)


async def change_subscriber(
    request: Request,
    id: SubscriberId,
    body: Changes,
    if_match: Annotated[
        str | None, Header(max_length=1_000, description="Change only what has this ETag (RFC 9110 §13.1.1)")
    ] = None,
) -> Changed:
    """Change a person's name, attributes and tags."""
    doors = doors_of(request)
    attributes = clean_values(doors, body.name, {name: value or "" for name, value in body.attributes.items()})
    amendment = Amendment(body.name, attributes, body.tags)
    came = await amend(doors.database, id, amendment, doors.clock(), lambda entry: _matches(entry, if_match))
    if came is Amended.UNKNOWN:
        raise nobody(id)
    if came is Amended.OUTDATED:
        remedy = "read them again, and decide anew"
        raise RefusalError(412, "outdated", "the person is not as they were when you read them", remedy)
    return Changed(id=id, changed=came is Amended.CHANGED)


async def find_entry(request: Request, subscriber_id: int) -> Entry:
    """The person with this id. Raises RefusalError 404."""
    entry = await read_entry(doors_of(request).database, subscriber_id)
    if entry is None:
        raise nobody(subscriber_id)
    return entry


def nobody(subscriber_id: int) -> RefusalError:
    """There is nobody with this id."""
    return not_found(f"nobody has the id {subscriber_id}", "look them up by address: GET /subscribers?address=…")


def _key_or_none(address: str | None) -> str | None:
    if address is None:
        return None
    try:
        return parse_address(address).key
    except AddressError as error:
        fault = Fault(
            where="address", detail=f"this is no mail address: {error}", remedy="write it as name@example.com"
        )
        raise invalid([fault]) from None


def clean_values(doors: Doors, name: str | None, attributes: Mapping[str, str]) -> dict[str, str]:
    """The attributes as the workspace's schema has them. Raises RefusalError 422 where it or the store refuses one."""
    values, faults = load_attribute_schema(doors.workspace).clean(attributes)
    told = [Fault(where=pointer("attributes", one.name), detail=one.message, remedy=one.remedy) for one in faults]
    unfit = [(pointer("attributes", key), find_fault("", {key: value})) for key, value in attributes.items()]
    unfit.append((pointer("name"), find_fault(name or "", {})))
    told += [Fault(where=where, detail=detail, remedy="write it without") for where, detail in unfit if detail]
    if told:
        raise invalid(told)
    return values


def _matches(entry: Entry, if_match: str | None) -> bool:
    if if_match is None or if_match.strip() == "*":
        return True
    wanted = [tag.strip() for tag in if_match.split(",")]
    current = _tag_of(entry)
    return any(hmac.compare_digest(tag.encode(), current.encode()) for tag in wanted)


def _tag_of(entry: Entry) -> str:
    shown = Subscriber.model_validate(entry).model_dump_json()
    return f'"{hashlib.sha256(shown.encode()).hexdigest()[:32]}"'
