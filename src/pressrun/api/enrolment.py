"""People put on lists over the API, with the reason for which they may be mailed; who wanted away stays away."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Request, Response
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from pressrun.address import AddressError, ParsedAddress, parse_address
from pressrun.api.guard import doors_of, key_of
from pressrun.api.problem import Fault, RefusalError, invalid, pointer
from pressrun.api.shape import Address, Incoming, Line, LongText, Moment, Named, Outgoing, Text
from pressrun.api.subscribers import clean_values
from pressrun.store.consent import Consent, ConsentBasis
from pressrun.store.database import Database
from pressrun.store.enrolment import Bar, Barred, Enrolment, enrol
from pressrun.store.roster import Wanted, read_roster
from pressrun.store.subscriber import Joined

_EXAMPLE: JsonDict = {
    "address": "lin@example.com",
    "name": "林晓",
    "attributes": {"city": "北京"},
    "tags": ["vip"],
    "consents": [{"list": "field-notes", "basis": "double-opt-in", "wording": "Send me Field Notes each month."}],
}


class GivenConsent(Incoming):
    """On what basis a person may be mailed for a list."""

    list: Named = Field(description="The list, which is there already")
    basis: Annotated[ConsentBasis, Field(strict=False)] = Field(description="On what basis")
    wording: LongText = Field("", description="What they were told, as they read it")
    form_version: Line = Field("", description="Which version of the form they saw")
    given_at: Moment | None = Field(None, description="When they agreed; now without it, which brings nobody back")
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


async def add_subscriber(request: Request, response: Response, body: NewSubscriber) -> Enrolled:
    """Put a person on lists, and say why they may be mailed.

    A person who is there already gets what is new. Refused is who was suppressed or forgotten. Who had left a list
    comes back only by a consent of their own, `double-opt-in`, `single-opt-in` or `written`, whose `given_at` is later.
    """
    doors = doors_of(request)
    now = doors.clock()  # before anything is looked up: who leaves meanwhile leaves later than a consent of now
    wish = Enrolment(
        address=_parse(body.address),
        consents=_consents(request, body, now),
        name=body.name,
        attributes=clean_values(doors, body.name, body.attributes),
        tags=body.tags,
    )
    came = await _find_left(doors.database, wish, body) or await enrol(doors.database, doors.keys, wish, now)
    if isinstance(came, Barred):
        raise _barred(came, body)
    response.status_code = 201 if came.is_new else 200
    response.headers["location"] = f"{request.url.path.rstrip('/')}/{came.subscriber_id}"
    return Enrolled(id=came.subscriber_id, is_new=came.is_new, joined=came.joined)


def _parse(address: str) -> ParsedAddress:
    try:
        return parse_address(address)
    except AddressError as error:
        detail = f"this is no mail address: {error}"
        raise invalid([Fault(where=pointer("address"), detail=detail, remedy="write it as name@example.com")]) from None


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


async def _find_left(database: Database, wish: Enrolment, body: NewSubscriber) -> Barred | None:
    """Whether the person left one of the lists for which nobody says when they agreed.

    That they agree now is then only what another program keeps of them: whoever sends all its people each night would
    bring everybody back.
    """
    undated = {one.list for one in body.consents if one.given_at is None}
    if not undated:
        return None
    found = await read_roster(database, Wanted(address_key=wish.address.key), 0, 1)
    theirs = [on for entry in found if not entry.suppressed for on in entry.lists]
    return next((Barred(Bar.LEFT, on.list) for on in theirs if on.left_at and on.list in undated), None)


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
    remedy = "let them ask: a consent of their own brings them back, with a given_at after they left"
    return RefusalError(409, "left", what, remedy)
