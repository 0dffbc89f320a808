"""Links that are counted: where they lead is known to the server alone."""

from __future__ import annotations

import asyncio
import logging
from base64 import b64decode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from pressrun.agent import recognise
from pressrun.errors import StoreError
from pressrun.public.background import in_background
from pressrun.public.doors import Doors
from pressrun.public.limit import network_key
from pressrun.public.request import network_of
from pressrun.store.link import Hit, Link, count_hits, find_link
from pressrun.tracking import PURPOSE, LinkKind, read_id

LOOK = 5.0
"""Seconds between two looks for what is to be counted."""

_PICTURE = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
_KNOWN = 10_000  # links that are remembered
_HEADERS = {"cache-control": "no-store", "x-robots-tag": "noindex"}

_log = logging.getLogger(__name__)


def routes(doors: Doors) -> Sequence[BaseRoute]:
    """`/PUBLICATION/t/LINK`, and for those who agreed to be counted by name `/PUBLICATION/t/LINK/WHO`.

    No cookie is set, and nobody's network address is kept. A link leads where its mail said and nowhere else.
    """
    known: dict[int, Link] = {}

    async def follow(request: Request) -> Response:
        path = request.path_params
        name, person = path["link"], path.get("person", "")
        is_picture = (person or name).endswith(".gif")
        link = await _find(doors, known, read_id(name.removesuffix(".gif")))
        if link is None or is_picture is not (link.kind is LinkKind.OPEN):
            return PlainTextResponse("This link is not known here.\n", 404, _HEADERS)
        agent = recognise(request.method, request.headers)
        hit = Hit(link, doors.clock(), agent, _whose(doors, person.removesuffix(".gif")))
        doors.hits.add(network_key(network_of(request, doors)), hit)
        if is_picture:
            return Response(_PICTURE, 200, _HEADERS, "image/gif")
        return Response(status_code=302, headers=_HEADERS | {"location": link.url})

    return (Route("/{publication}/t/{link}", follow), Route("/{publication}/t/{link}/{person}", follow))


async def _find(doors: Doors, known: dict[int, Link], number: int | None) -> Link | None:
    if number is None or number in known:
        return known.get(number) if number is not None else None
    link = await find_link(doors.database, number)
    if link is not None and len(known) < _KNOWN:
        known[number] = link
    return link


def _whose(doors: Doors, token: str) -> int | None:
    """The delivery that a link says it was in; None where it doesn't, or nobody here said so."""
    said = doors.keys.read_token(PURPOSE, token) if token else None
    return int(said) if said is not None else None


@asynccontextmanager
async def working(doors: Doors) -> AsyncIterator[None]:
    """Count what was asked for, every few seconds and at the end."""
    try:
        async with in_background("counting clicks", lambda: _count_on(doors)):
            yield
    finally:
        await _count(doors, doors.hits.take())


async def _count_on(doors: Doors) -> None:
    while True:
        await asyncio.sleep(LOOK)
        await _count(doors, doors.hits.take(doors.clock()))


async def _count(doors: Doors, hits: Sequence[Hit]) -> None:
    try:
        await count_hits(doors.database, hits)
    except StoreError as error:  # counts are no accounts: what can't be written is not kept for later
        _log.warning("%d clicks and opens are not counted: %s", len(hits), error)
