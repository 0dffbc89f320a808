"""The page people leave a list by, and the one-click way of it (RFC 8058)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from pressrun.delivery.leave_link import Leave, read_leave_token
from pressrun.delivery.preferences_link import make_preferences_token
from pressrun.public.background import in_background
from pressrun.public.departures import Departures
from pressrun.public.doors import Doors
from pressrun.public.page import find_publication, render_page
from pressrun.public.request import read_body
from pressrun.store.departure import read_language

MOST_OCTETS = 4 * 1024
"""How long the body of a request to leave may be: a field of 26 characters, in multipart with its boundaries."""

_PATH = "/{publication}/unsubscribe/{token}"
_TEMPLATE = "unsubscribe.html.j2"


def routes(doors: Doors) -> Sequence[BaseRoute]:
    """The routes of this door."""
    desk = _Desk(doors, doors.departures)
    return (Route(_PATH, desk.answer, methods=["GET", "POST"]),)


@asynccontextmanager
async def working(doors: Doors) -> AsyncIterator[None]:
    """Let go whoever asks."""
    async with in_background("unsubscribing", lambda: doors.departures.work(doors.database)):
        yield


@dataclass(frozen=True)
class _Desk:
    """Answers whoever comes with a link out of a mail."""

    doors: Doors
    departures: Departures

    async def answer(self, request: Request) -> Response:
        """GET and HEAD show the page, POST leaves."""
        return await (self.leave(request) if request.method == "POST" else self.show(request))

    async def show(self, request: Request) -> Response:
        """GET and HEAD show a button and change nothing: whatever reads mail follows its links too."""
        leave = self._read(request)
        return await self._page(request, leave, "ask") if leave else self._unknown(request)

    async def leave(self, request: Request) -> Response:
        """POST leaves the list at once, and is answered when that is durable."""
        leave = self._read(request)
        if leave is None:
            return self._unknown(request)
        # RFC 8058 §3.2: the pair comes urlencoded or as multipart/form-data. The link alone is what allows it.
        is_one_click = b"One-Click" in await read_body(request, MOST_OCTETS)
        source = "one-click" if is_one_click else "page"
        await self.departures.let_go(leave, source)
        self.doors.meter.count_departure(source)
        if is_one_click:  # nobody sees the answer
            return PlainTextResponse("unsubscribed\n", 200, {"cache-control": "no-store"})
        return await self._page(request, leave, "done")

    def _read(self, request: Request) -> Leave | None:
        return read_leave_token(request.path_params["token"], self.doors.keys)

    def _unknown(self, request: Request) -> Response:
        return render_page(self.doors, _publication(self.doors, request), _TEMPLATE, status=404, step="unknown")

    async def _page(self, request: Request, leave: Leave, step: str) -> Response:
        doors = self.doors
        return render_page(
            doors,
            _publication(doors, request),
            _TEMPLATE,
            language=await read_language(doors.database, leave.subscriber_id),
            step=step,
            list_name=leave.list_name,
            preferences=f"../preferences/{make_preferences_token(leave.subscriber_id, doors.keys)}",
        )


def _publication(doors: Doors, request: Request) -> str | None:
    name: str = request.path_params["publication"]
    return name if find_publication(doors, name) else None
