"""What becomes of one person over the API: they leave, pause, are never mailed, get their data, are forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Request
from pydantic import Field, StringConstraints

from pressrun.address import AddressError, ParsedAddress, parse_address
from pressrun.api.guard import doors_of, key_of
from pressrun.api.problem import Fault, invalid, pointer
from pressrun.api.shape import Address, Incoming, Moment, Named, Outgoing, SubscriberId
from pressrun.api.subscribers import Changed, find_entry, nobody
from pressrun.delivery.leave_link import Leave
from pressrun.store.departure import depart
from pressrun.store.forget import forget
from pressrun.store.pause import pause, resume
from pressrun.store.person import read_person
from pressrun.store.roster import Entry
from pressrun.store.suppression import lift_suppression, suppress

Reason = Annotated[
    str,
    StringConstraints(
        min_length=1,
        max_length=200,
        pattern=r"^[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$",
    ),
]


class OfList(Incoming):
    """One list, or all that the person is on."""

    list: Named | None = Field(None, description="The list; all that they are on without it")


class UntilWhen(OfList):
    """How long somebody wants no mail."""

    until: Moment = Field(description="When mail is sent to them again")


class Because(Incoming):
    """Why."""

    reason: Reason = Field(description="Why, in a few words", examples=["asked by phone"])


class Certainty(Incoming):
    """That exactly this person is meant."""

    address: Address


class ChangedLists(Outgoing):
    """The lists for which something changed."""

    id: int
    lists: list[str]


class Erased(Outgoing):
    """What forgetting somebody did."""

    forgotten: bool = Field(description="Always true")
    rows: int = Field(description="Their rows in the delivery log, which tell nothing of them any more")
    closed: int = Field(description="Rows of these that were still to be sent, and never will be")
    leaving: int = Field(description="Rows of these on their way to a relay: what has left can't be called back")


async def leave_lists(request: Request, id: SubscriberId, body: OfList) -> ChangedLists:
    """Let a person leave a list, or all. Their consent ends with it, and no import brings them back."""
    doors = doors_of(request)
    names = _lists_of(await find_entry(request, id), body)
    gone = await depart(doors.database, [Leave(id, name) for name in names], doors.clock(), "api")
    return ChangedLists(id=id, lists=[name for name, was_on in zip(names, gone, strict=True) if was_on])


async def pause_subscriber(request: Request, id: SubscriberId, body: UntilWhen) -> ChangedLists:
    """Send a person nothing for a time. They stay on their lists; what would leave meanwhile is not sent later."""
    doors = doors_of(request)
    await find_entry(request, id)
    if body.until <= doors.clock():
        fault = Fault(where=pointer("until"), detail="this has passed", remedy="give a moment to come")
        raise invalid([fault])
    paused = await pause(doors.database, id, body.until, doors.clock(), body.list, "api")
    return ChangedLists(id=id, lists=paused)


async def resume_subscriber(request: Request, id: SubscriberId, body: OfList) -> ChangedLists:
    """End a person's pause before its time."""
    doors = doors_of(request)
    await find_entry(request, id)
    return ChangedLists(id=id, lists=await resume(doors.database, id, doors.clock(), body.list, "api"))


async def suppress_subscriber(request: Request, id: SubscriberId, body: Because) -> Changed:
    """Never mail a person again, on whatever list. The first reason stands."""
    doors = doors_of(request)
    address = _address_of(await find_entry(request, id))
    by = f"api key {key_of(request).name}"
    return Changed(id=id, changed=await suppress(doors.database, address, body.reason, by, doors.clock()))


async def lift_suppression_of_subscriber(request: Request, id: SubscriberId, body: Because) -> Changed:
    """Let a person be mailed again, where they are on a list."""
    doors = doors_of(request)
    address = _address_of(await find_entry(request, id))
    by = f"api key {key_of(request).name}"
    return Changed(id=id, changed=await lift_suppression(doors.database, address, body.reason, by, doors.clock()))


async def forget_subscriber(request: Request, id: SubscriberId, body: Certainty) -> Erased:
    """Erase a person for good. The body has to name their address, so that nobody is erased by a slip of a number."""
    doors = doors_of(request)
    entry = await find_entry(request, id)
    if _key_of(body.address) != _address_of(entry).key:
        detail, remedy = "this is not the person's address", "read them, and see that it is them you mean"
        raise invalid([Fault(where=pointer("address"), detail=detail, remedy=remedy)])
    done = await forget(doors.database, doors.keys, _address_of(entry), doors.clock())
    return Erased(forgotten=True, rows=done.scrubbed, closed=done.closed, leaving=done.leaving)


async def get_subscriber_data(request: Request, id: SubscriberId) -> Mapping[str, Any]:
    """All that the store holds about a person, to be given to them (GDPR, articles 15 and 20)."""
    doors = doors_of(request)
    entry = await find_entry(request, id)
    person = await read_person(doors.database, doors.keys, _address_of(entry))
    if person.id != id:  # somebody forgot or renamed them since
        raise nobody(id)
    return person.to_json()


def _lists_of(entry: Entry, body: OfList) -> list[str]:
    """The lists that are meant. Raises RefusalError 422 for one that the person never was on."""
    if body.list is None:
        return [one.list for one in entry.lists if one.left_at is None]
    if body.list not in {one.list for one in entry.lists}:
        detail, remedy = f"the person is not on {body.list!r}", "name one of their lists, or none for all"
        raise invalid([Fault(where=pointer("list"), detail=detail, remedy=remedy)])
    return [body.list]


def _address_of(entry: Entry) -> ParsedAddress:
    return parse_address(entry.address)


def _key_of(address: str) -> str:
    try:
        return parse_address(address).key
    except AddressError:
        return ""
