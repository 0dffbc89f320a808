"""Confirming: what the link in a confirmation mail leads to. Scanners open links, so a person presses a button."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pressrun.address import parse_address
from pressrun.errors import UsageError
from pressrun.public.doors import Doors
from pressrun.public.form import mask_address, public_lists
from pressrun.public.limit import network_key
from pressrun.public.mailing import preferences_token, read_confirm_token
from pressrun.public.page import find_publication, render_page, show_busy, show_notice, show_unknown
from pressrun.public.request import network_of
from pressrun.source.model import Publication
from pressrun.store.confirmation import (
    GOOD_FOR,
    Confirmation,
    confirm,
    find_person,
    note_confirmed,
    read_confirmation,
)
from pressrun.store.move import change_address
from pressrun.store.roster import read_entry


def routes(doors: Doors) -> Sequence[BaseRoute]:
    """The routes of this door."""

    async def answer(request: Request) -> Response:
        return await _answer(doors, request)

    return (Route("/{publication}/confirm/{token}", answer, methods=["GET", "POST"], name="confirm"),)


@dataclass(frozen=True)
class _Question:
    """What is to be confirmed, and of which publication."""

    name: str
    publication: Publication
    confirmation: Confirmation

    @property
    def language(self) -> str:
        """The language that the person chose at the form."""
        return self.confirmation.asked.language


async def _answer(doors: Doors, request: Request) -> Response:
    """GET shows a button and changes nothing; POST does what was asked for, once."""
    name = request.path_params["publication"]
    question = await _find(doors, name, request.path_params["token"])
    if isinstance(question, Response):
        return question
    now = doors.clock()
    if question.confirmation.confirmed_at is not None:
        return await _confirmed(doors, question, is_new=False)
    if question.confirmation.is_over(now):
        return _expired(doors, name, question.publication, question.language)
    if request.method != "POST":
        return _ask(doors, question)
    network = network_of(request, doors)
    if wait := doors.limits.network.allow(network_key(network)):
        return show_busy(doors, name, wait, question.language)
    return await _do(doors, question, network or None)


async def _find(doors: Doors, name: str, token: str) -> _Question | Response:
    """What the link in a mail asks, or what is said where it asks nothing any more.

    A link whose request is gone says what a link says that is too old, whether its number is another's by now or not.
    """
    said, publication = read_confirm_token(doors.keys, token), find_publication(doors, name)
    if said is None or publication is None:
        return show_unknown(doors, name)
    confirmation = await read_confirmation(doors.database, said.id)
    if confirmation is None or not said.is_of(doors.keys, confirmation):
        return _expired(doors, name, publication, publication.language)
    if confirmation.asked.publication != name:
        return show_unknown(doors, name)
    return _Question(name, publication, confirmation)


async def _do(doors: Doors, question: _Question, network: str | None) -> Response:
    now, subscribing, number = doors.clock(), question.publication.subscribing, question.confirmation.id
    if question.confirmation.asked.subscriber_id is not None:
        return await _change(doors, question, network)
    welcome = bool(subscribing and subscribing.welcome)
    person = await confirm(doors.database, doors.keys, number, now, network, welcome=welcome)
    if welcome and person is not None:
        doors.mail_due.set()
    return await _confirmed(doors, question, is_new=person is not None)


async def _change(doors: Doors, question: _Question, network: str | None) -> Response:
    """Give a person the address that they read this mail at."""
    now, asked = doors.clock(), question.confirmation.asked
    person = await read_entry(doors.database, asked.subscriber_id or 0)
    if person is None:
        return show_unknown(doors, question.name)
    if person.address != asked.address.address:
        try:
            old = parse_address(person.address)
            await change_address(doors.database, doors.keys, old, asked.address, now, "preferences")
        except UsageError:  # somebody's, suppressed or forgotten: which of them is nobody's business
            return _notice(doors, question, "change_title", "change_refused", 409)
    await note_confirmed(doors.database, question.confirmation.id, now, network)
    return await _changed(doors, question)


def _ask(doors: Doors, question: _Question) -> Response:
    asked = question.confirmation.asked
    is_change = asked.subscriber_id is not None
    titles = {one.name: one.title for one in public_lists(question.publication)}
    return render_page(
        doors,
        question.name,
        "confirm.html.j2",
        language=question.language,
        is_change=is_change,
        address=mask_address(asked.address.address),
        titles=[titles.get(name, name) for name in asked.lists] if len(titles) > 1 else [],
        wording="" if is_change else asked.wording,
    )


async def _confirmed(doors: Doors, question: _Question, *, is_new: bool) -> Response:
    if question.confirmation.asked.subscriber_id is not None:
        return await _changed(doors, question)
    return await _with_settings(doors, question, "confirmed_title", "confirmed_text" if is_new else "confirmed_before")


async def _changed(doors: Doors, question: _Question) -> Response:
    return await _with_settings(doors, question, "change_done_title", "change_done_text")


async def _with_settings(doors: Doors, question: _Question, title: str, text: str) -> Response:
    """A page that says something and leads to the person's settings: the link came to their mailbox."""
    person = await find_person(doors.database, question.confirmation.asked.address.key)
    link = f"../preferences/{preferences_token(doors.keys, person)}" if person is not None else ""
    return _notice(doors, question, title, text, link=link)


def _expired(doors: Doors, name: str, publication: Publication, language: str) -> Response:
    return show_notice(
        doors,
        name,
        "expired_title",
        "expired_text",
        status=410,
        language=language,
        link="../subscribe" if publication.subscribing else "",
        link_text="subscribe_again",
        gaps={"days": GOOD_FOR.days},
    )


def _notice(doors: Doors, question: _Question, title: str, text: str, status: int = 200, *, link: str = "") -> Response:
    address = Markup('<bdi class="nowrap">{}</bdi>').format(mask_address(question.confirmation.asked.address.address))
    return show_notice(
        doors,
        question.name,
        title,
        text,
        status=status,
        language=question.language,
        link=link,
        gaps={"address": address},
    )
