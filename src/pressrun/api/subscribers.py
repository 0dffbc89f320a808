"""People over the API: read, put on lists, changed, let go, suppressed, forgotten."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Header, Query, Request, Response
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from pressrun.address import AddressError, ParsedAddress, parse_address
from pressrun.api.guard import doors_of, key_of
from pressrun.api.page import Cursor, Limit, link_next, make_cursor, read_cursor
from pressrun.api.problem import Fault, RefusalError, invalid, not_found, pointer
from pressrun.api.segments import compile_segment
from pressrun.api.shape import Address, Incoming, Line, LongText, Moment, Named, Outgoing, SubscriberId, Text
from pressrun.attribute import load_attribute_schema
from pressrun.public.doors import Doors
from pressrun.store.amendment import Amended, Amendment, amend
from pressrun.store.consent import Consent, ConsentBasis
from pressrun.store.enrolment import Bar, Barred, Enrolment, enrol
from pressrun.store.roster import Entry, Wanted, read_entry, read_roster
from pressrun.store.subscriber import Joined

_EXAMPLE: JsonDict = {
    "address": "lin@example.com",
    "name": "林晓",
    "attributes": {"city": "北京"},
    "tags": ["vip"],
    "consents": [{"list": "field-notes", "basis": "double-opt-in", "wording": "Send me Field Notes each month."}],
}


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


class GivenConsent(Incoming):
    """On what basis a person may be mailed for a list."""

    list: Named = Field(description="The list, which is there already")
    basis: Annotated[ConsentBasis, Field(strict=False)] = Field(description="On what basis")
    wording: LongText = Field("", description="What they were told, as they read it")
    form_version: Line = Field("", description="Which version of the form they saw")
    given_at: Moment | None = Field(None, description="When they agreed; now without it")
    network: Annotated[str, Field(max_length=45, pattern=r"^[0-9A-Fa-f:.]+$")] | None = Field(
        None, description="The network address they agreed from"
    )
    proof: dict[Named, Text] = Field({}, max_length=20, description="What else shows it, such as a message's id")


class NewSubscriber(Incoming):
    """A person to put on lists. What is not said of one who is there already stays as it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    address: Address
    name: Line | None = Field(None, description="The person's name")
    attributes: dict[Named, Text] = Field({}, max_length=100, description="Attributes; an empty value removes one")
    tags: list[Named] = Field([], max_length=50, description="Tags to add")
    consents: list[GivenConsent] = Field(
        min_length=1, max_length=20, description="The lists to join, each with its basis"
    )


class Enrolled(Outgoing):
    """What came of putting a person on lists."""

    id: int
    is_new: bool = Field(description="Whether they were not in the store before")
    joined: Mapping[str, Joined] = Field(description="What came of each list")


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


async def add_subscriber(request: Request, response: Response, body: NewSubscriber) -> Enrolled:
    """Put a person on lists, and say why they may be mailed.

    A person who is there already gets what is new. Refused is who was suppressed or forgotten. Who had left a list
    comes back only by a newer consent of their own: `double-opt-in`, `single-opt-in` or `written`.
    """
    doors = doors_of(request)
    now = doors.clock()
    wish = Enrolment(
        address=_parse(body.address),
        consents=_consents(request, body, now),
        name=body.name,
        attributes=_clean(doors, body.attributes),
        tags=body.tags,
    )
    came = await enrol(doors.database, doors.keys, wish, now)
    if isinstance(came, Barred):
        raise _barred(came, body)
    response.status_code = 201 if came.is_new else 200
    response.headers["location"] = f"{request.url.path.rstrip('/')}/{came.subscriber_id}"
    return Enrolled(id=came.subscriber_id, is_new=came.is_new, joined=came.joined)


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
    attributes = _clean(doors, {name: value or "" for name, value in body.attributes.items()})
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


def _parse(address: str) -> ParsedAddress:
    try:
        return parse_address(address)
    except AddressError as error:
        detail = f"this is no mail address: {error}"
        raise invalid([Fault(where=pointer("address"), detail=detail, remedy="write it as name@example.com")]) from None


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


def _clean(doors: Doors, attributes: Mapping[str, str]) -> dict[str, str]:
    """The values as the workspace's schema has them."""
    values, faults = load_attribute_schema(doors.workspace).clean(attributes)
    if faults:
        where = [pointer("attributes", fault.name) for fault in faults]
        told = zip(where, faults, strict=True)
        raise invalid([Fault(where=at, detail=fault.message, remedy=fault.remedy) for at, fault in told])
    return values


def _consents(request: Request, body: NewSubscriber, now: dt.datetime) -> list[Consent]:
    named = [one.list for one in body.consents]
    for place, one in enumerate(body.consents):
        if one.list in named[:place]:
            raise _fault_at(pointer("consents", place, "list"), f"{one.list!r} is named twice", "name each list once")
        if one.given_at and one.given_at > now + dt.timedelta(minutes=5):  # clocks differ
            raise _fault_at(pointer("consents", place, "given_at"), "this is yet to come", "give when they agreed")
    source = f"api key {key_of(request).name}"
    return [
        Consent(
            one.list,
            one.basis,
            source,
            one.given_at or now,
            one.wording,
            one.form_version,
            one.network,
            dict[str, Any](one.proof),
        )
        for one in body.consents
    ]


def _fault_at(where: str, detail: str, remedy: str) -> RefusalError:
    return invalid([Fault(where=where, detail=detail, remedy=remedy)])


def _barred(came: Barred, body: NewSubscriber) -> RefusalError:
    match came.bar:
        case Bar.UNKNOWN_LIST:
            place = next(n for n, one in enumerate(body.consents) if one.list == came.list_name)
            remedy = "name one of GET /lists; pressrun subscribers import or add makes a list"
            return _fault_at(pointer("consents", place, "list"), f"there is no list {came.list_name!r}", remedy)
        case Bar.SUPPRESSED:
            return RefusalError(409, "suppressed", "nobody may mail this address", "lift it first, if that is right")
        case Bar.FORGOTTEN:
            remedy = "they may subscribe anew by themselves, by the publication's form"
            return RefusalError(409, "forgotten", "this person asked to be forgotten", remedy)
    what = f"the person left {came.list_name!r}, and has not asked for it since"
    remedy = "let them ask: a consent of their own, given after they left, brings them back"
    return RefusalError(409, "left", what, remedy)


def _matches(entry: Entry, if_match: str | None) -> bool:
    if if_match is None or if_match.strip() == "*":
        return True
    wanted = [tag.strip() for tag in if_match.split(",")]
    current = _tag_of(entry)
    return any(hmac.compare_digest(tag.encode(), current.encode()) for tag in wanted)


def _tag_of(entry: Entry) -> str:
    shown = Subscriber.model_validate(entry).model_dump_json()
    return f'"{hashlib.sha256(shown.encode()).hexdigest()[:32]}"'
