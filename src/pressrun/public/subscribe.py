"""Subscribing: the form, the mail that asks for a confirmation, and the confirmation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pressrun.public import confirm
from pressrun.public.background import in_background
from pressrun.public.doors import Doors
from pressrun.public.form import TRAP, Filled, Form, is_stamped, make_stamp, open_form, read_filled
from pressrun.public.limit import network_key
from pressrun.public.mailing import post_mails
from pressrun.public.page import find_publication, render_page, show_busy, show_notice, style_routes
from pressrun.public.request import first, network_of, read_form
from pressrun.public.wording import name_language
from pressrun.store.confirmation import Asked, ask


def routes(doors: Doors) -> Sequence[BaseRoute]:
    """The routes of this door."""
    page, frame = _Desk(doors), _Desk(doors, is_framed=True)
    return (
        *style_routes(doors),
        Route("/{publication}/subscribe", page.answer, methods=["GET", "POST"], name="subscribe"),
        Route("/{publication}/subscribe/embed", frame.answer, methods=["GET", "POST"], name="subscribe-embed"),
        *confirm.routes(doors),
    )


@asynccontextmanager
async def working(doors: Doors) -> AsyncIterator[None]:
    """Post the mails that are asked for here and elsewhere."""
    async with in_background("posting service mails", lambda: post_mails(doors)):
        yield


@dataclass(frozen=True)
class _Desk:
    """Answers at the form's address, and at the one for frames."""

    doors: Doors
    is_framed: bool = False

    async def answer(self, request: Request) -> Response:
        """GET shows the form; POST takes it, and says the same whoever the address belongs to."""
        doors, name = self.doors, request.path_params["publication"]
        publication = find_publication(doors, name)
        wanted = request.query_params.get("lang", "")
        form = publication and open_form(publication, request.headers.get("accept-language", ""), wanted)
        if not form:
            return self._miss(name if publication else None)
        if request.method != "POST":
            return self._show(name, form, Filled())
        network = network_of(request, doors)
        if wait := doors.limits.network.allow(network_key(network)):
            return show_busy(doors, name, wait, form.language, up=self._up)
        fields = await read_form(request)
        filled = read_filled(form, fields)
        if filled.is_trapped:
            return self._thank(name, form)
        if filled.fault or filled.address is None:
            return self._show(name, form, filled, 422)
        if not is_stamped(doors.keys, name, first(fields, "stamp"), doors.clock()):
            return self._show(name, form, filled, notice="check_again")
        await self._ask(name, form, filled, network)
        return self._thank(name, form)

    async def _ask(self, name: str, form: Form, filled: Filled, network: str) -> None:
        assert filled.address is not None
        language = filled.language or form.language
        asked = Asked(
            publication=name,
            address=filled.address,
            lists=filled.lists,
            language=language,
            name=filled.name,
            attributes={"language": language} if form.languages else {},
            wording=form.wording,
            form_version=form.version,
            network=network or None,
        )
        await ask(self.doors.database, asked, self.doors.clock())
        self.doors.mail_due.set()

    @property
    def _up(self) -> str:
        return "../" if self.is_framed else ""

    def _show(self, name: str, form: Form, filled: Filled, status: int = 200, notice: str = "") -> Response:
        return render_page(
            self.doors,
            name,
            "subscribe.html.j2",
            status=status,
            language=form.language,
            up=self._up,
            ancestors=self._ancestors(form),
            form=form,
            filled=filled,
            notice=notice,
            trap=TRAP,
            stamp=make_stamp(self.doors.keys, name, self.doors.clock()),
            name_language=name_language,
        )

    def _thank(self, name: str, form: Form) -> Response:
        text = ("sent_title", "sent_text")
        up, ancestors = self._up, self._ancestors(form)
        return show_notice(
            self.doors, name, *text, hint="sent_hint", language=form.language, up=up, ancestors=ancestors
        )

    def _miss(self, name: str | None) -> Response:
        text, up = ("not_found_title", "not_found_text"), self._up if name else f"../{self._up}"
        return show_notice(self.doors, name, *text, status=404, up=up)

    def _ancestors(self, form: Form) -> tuple[str, ...]:
        """The sites that may show this page in a frame: ours, and those that the publication names."""
        subscribing = form.publication.subscribing
        return ("'self'", *(subscribing.embed_on if subscribing else ())) if self.is_framed else ()
