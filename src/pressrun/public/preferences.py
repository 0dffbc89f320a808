"""The preference centre: where a person sees and changes what they get."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from zoneinfo import available_timezones

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pressrun.address import AddressError, ParsedAddress, parse_address
from pressrun.attribute import AttributeSchema, load_attribute_schema
from pressrun.delivery.leave_link import Leave
from pressrun.delivery.preferences_link import read_preferences_token
from pressrun.event_time import tell_date
from pressrun.public.doors import Doors
from pressrun.public.form import mask_address, open_form
from pressrun.public.limit import network_key
from pressrun.public.page import find_publication, render_page, show_busy, show_unknown
from pressrun.public.request import first, network_of, read_form
from pressrun.public.wish import KEEP, LONGEST, NONE, PAUSES, Offer, Wish, lists_of, make_offer, paused_until, read_wish
from pressrun.public.wording import name_language, spoken_language
from pressrun.source.model import Publication
from pressrun.store.amendment import Amendment, amend
from pressrun.store.confirmation import Asked, ask
from pressrun.store.consent import Consent, ConsentBasis
from pressrun.store.departure import depart
from pressrun.store.pause import pause, resume
from pressrun.store.preference import join_lists
from pressrun.store.roster import Entry, read_entry

SOURCE = "preferences"
_NO_WISH = Wish()


def routes(doors: Doors) -> Sequence[BaseRoute]:
    """The routes of this door."""

    async def answer(request: Request) -> Response:
        return await _answer(doors, request)

    return (Route("/{publication}/preferences/{token}", answer, methods=["GET", "POST"], name="preferences"),)


@asynccontextmanager
async def working(doors: Doors) -> AsyncIterator[None]:
    """Nothing goes on beside the requests."""
    yield


@dataclass(frozen=True)
class _Desk:
    """A person at their settings: who they are, where, and what they may change."""

    doors: Doors
    name: str
    publication: Publication
    person: Entry
    schema: AttributeSchema
    offer: Offer
    network: str

    @property
    def language(self) -> str:
        """The language that the person chose, else the publication's."""
        return self.person.attributes.get("language") or self.publication.language


async def _answer(doors: Doors, request: Request) -> Response:
    """GET shows the settings and changes nothing; POST changes them and shows them as they are then.

    Whoever has the link may change them: it stands in the person's mail alone, no cookie goes with it, and no page can
    make a browser use it that does not know it. So a form needs no token of its own.
    """
    name = request.path_params["publication"]
    person = read_preferences_token(request.path_params["token"], doors.keys)
    desk = await _open(doors, name, person, network_of(request, doors))
    if desk is None:
        return show_unknown(doors, name)
    if request.method != "POST":
        return _show(desk)
    if wait := doors.limits.network.allow(network_key(desk.network)):
        return show_busy(doors, name, wait, desk.language)
    fields = await read_form(request)
    match first(fields, "action"):
        case "leave":
            return await _leave_all(desk)
        case "address":
            return await _ask_for_address(desk, first(fields, "email"))
        case _:
            return await _save(desk, fields)


async def _open(doors: Doors, name: str, person: int | None, network: str) -> _Desk | None:
    publication = find_publication(doors, name)
    if publication is None or person is None:
        return None
    entry = await read_entry(doors.database, person)
    if entry is None:
        return None
    schema = load_attribute_schema(doors.workspace)
    folders = [folder.name for folder in doors.workspace.publication_folders() if folder.name != name]
    others = [other for folder in folders if (other := find_publication(doors, folder))]
    offer = make_offer(publication, entry, schema, others)
    return _Desk(doors, name, publication, entry, schema, offer, network)


async def _save(desk: _Desk, fields: dict[str, list[str]]) -> Response:
    wish = read_wish(fields, desk.offer, desk.person, desk.schema)
    if wish.faults:
        return _show(desk, 422, notice="value_wrong", fields=fields, wish=wish)
    await _fulfil(desk, wish)
    return await _show_anew(desk, "saved")


async def _fulfil(desk: _Desk, wish: Wish) -> None:
    """Each change with its event; what is so already is no change."""
    doors, person, now = desk.doors, desk.person.id, desk.doors.clock()
    if wish.attributes:
        await amend(doors.database, person, Amendment(attributes=wish.attributes, source=SOURCE), now)
    if wish.leave:
        await depart(doors.database, [Leave(person, name) for name in wish.leave], now, SOURCE)
    if wish.join:
        await join_lists(doors.database, person, [_consent(desk, name, now) for name in wish.join], now)
    if wish.pause == KEEP:
        return
    offered = {one.name for one in desk.offer.lists}
    for name in sorted((offered & set(lists_of(desk.person)) - set(wish.leave)) | set(wish.join)):
        if wish.pause == NONE:
            await resume(doors.database, person, now, name, SOURCE)
        else:
            await pause(doors.database, person, now + PAUSES[wish.pause], now, name, SOURCE)


def _consent(desk: _Desk, list_name: str, now: dt.datetime) -> Consent:
    """They ticked the box on a page that only their own mail leads to."""
    form = open_form(desk.publication, "", "")
    told = next((one.title for one in desk.offer.lists if one.name == list_name), list_name)
    return Consent(
        list=list_name,
        basis=ConsentBasis.SINGLE_OPT_IN,
        source=SOURCE,
        given_at=now,
        wording=told,
        form_version=form.version if form else "",
        network=desk.network or None,
        proof={"link": "preferences"},
    )


async def _leave_all(desk: _Desk) -> Response:
    leaves = [Leave(desk.person.id, name) for name in lists_of(desk.person)]
    await depart(desk.doors.database, leaves, desk.doors.clock(), SOURCE)
    return await _show_anew(desk, "left_all")


async def _ask_for_address(desk: _Desk, text: str) -> Response:
    """Send a mail to the new address; what is said is the same whoever it belongs to."""
    doors = desk.doors
    try:
        address: ParsedAddress = parse_address(text)
    except AddressError:
        return _show(desk, 422, email=text[:300], email_fault=True)
    asked = Asked(
        publication=desk.name,
        address=address,
        lists=(),
        language=desk.language,
        network=desk.network or None,
        subscriber_id=desk.person.id,
    )
    await ask(doors.database, asked, doors.clock())
    doors.mail_due.set()
    return _show(desk, notice="change_sent")


async def _show_anew(desk: _Desk, notice: str) -> Response:
    """The page as it is after a change."""
    then = await _open(desk.doors, desk.name, desk.person.id, desk.network)
    return _show(then, notice=notice) if then else show_unknown(desk.doors, desk.name)


def _show(
    desk: _Desk,
    status: int = 200,
    *,
    notice: str = "",
    fields: dict[str, list[str]] | None = None,
    wish: Wish = _NO_WISH,
    email: str = "",
    email_fault: bool = False,
) -> Response:
    person, publication, on = desk.person, desk.publication, lists_of(desk.person)
    until = paused_until(person, desk.offer, desk.doors.clock())
    language = spoken_language(desk.language)
    values = {name: first(fields or {}, f"attribute.{name}") if fields else person.attributes.get(name, "")
              for name in desk.offer.attributes}  # fmt: skip
    return render_page(
        desk.doors,
        desk.name,
        "preferences.html.j2",
        status=status,
        language=language,
        offer=desk.offer,
        on=on,
        ticked={*on, *wish.join} - {*wish.leave},
        person=person,
        chosen={**person.attributes, **wish.attributes},
        masked=mask_address(person.address),
        values=values,
        longest=LONGEST,
        faults=wish.faults,
        notice=notice,
        paused=tell_date(until.astimezone(publication.zone).date(), language) if until else "",
        pauses=list(PAUSES),
        pause=wish.pause,
        zones=sorted(zone for zone in available_timezones() if "/" in zone) if desk.offer.zone else [],
        name_language=name_language,
        email=email,
        email_fault=email_fault,
        editor=publication.reply_to or publication.sender.address,
    )
