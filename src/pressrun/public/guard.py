"""What holds for every request: safe headers, addresses that are none of ours, bounds, and counting."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Sequence

from starlette.datastructures import URL, Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pressrun.public.doors import Network
from pressrun.public.meter import Meter
from pressrun.public.request import is_trusted

POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'; "
    "img-src 'self' data:; script-src 'self'; style-src 'self'"
)
"""What pages may load: what lies beside them. Pages of the archive say the same of themselves."""

LONGEST_PATH = 8_000
"""Octets of a path and its query; RFC 9110 §4.1 asks for 8,000 at least."""

BODY_SECONDS = 30.0
"""How long a request's body may take to come."""

_HOST = re.compile(r"[A-Za-z0-9._~:\[\]-]*", re.ASCII)  # RFC 9110 §7.2, as far as names and addresses go

_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_PAGE_HEADERS = {"content-security-policy": POLICY}
# A mail's styles stand in its elements, which the policy would forbid; and nobody is to keep or list a preview.
_PREVIEW_HEADERS = {"cache-control": "no-cache", "x-robots-tag": "noindex"}
_HTTPS_ONLY = "max-age=31536000"  # RFC 6797; nothing of names below this one, which may be others' servers


class Guard:
    """Headers that keep pages to themselves: nothing from elsewhere, no address told on, no guessing of types."""

    def __init__(self, app: ASGIApp, proxies: Sequence[Network], previews: str) -> None:
        self._app, self._proxies, self._previews = app, proxies, f"{previews}/"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with headers that the answer does not set itself."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        is_preview = path.removeprefix(scope.get("root_path", "")).startswith(self._previews)
        added = _HEADERS | (_PREVIEW_HEADERS if is_preview else _PAGE_HEADERS)
        asked = Headers(scope=scope)
        if self._is_secure(scope, asked):
            added["strict-transport-security"] = _HTTPS_ONLY

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in added.items():
                    headers.setdefault(name, value)
                if "location" in headers:
                    headers["location"] = _without_host(headers["location"], URL(scope=scope).netloc)
            await send(message)

        if len(scope.get("raw_path", b"")) + len(scope["query_string"]) > LONGEST_PATH:
            await PlainTextResponse("URI Too Long", 414)(scope, receive, send_with_headers)
            return
        if not _HOST.fullmatch(asked.get("host", "")):
            await PlainTextResponse("Bad Request", 400)(scope, receive, send_with_headers)
            return
        await self._app(scope, _in_time(receive), send_with_headers)

    def _is_secure(self, scope: Scope, asked: Headers) -> bool:
        if scope["scheme"] == "https":
            return True
        peer = scope["client"][0] if scope.get("client") else ""
        return asked.get("x-forwarded-proto", "").strip() == "https" and is_trusted(peer, self._proxies)


class Counting:
    """Counts requests by the route that answered them."""

    def __init__(self, app: ASGIApp, meter: Meter, timer: Callable[[], float] = time.perf_counter) -> None:
        self._app, self._meter, self._timer = app, meter, timer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and count it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = self._timer()

        async def send_counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                seconds = self._timer() - begun
                self._meter.count_request(_name_route(scope), scope["method"], message["status"], seconds)
            await send(message)

        await self._app(scope, receive, send_counted)


def _in_time(receive: Receive) -> Receive:
    """The request's body, as long as it comes within `BODY_SECONDS`; after that the client counts as gone."""
    deadline = asyncio.get_running_loop().time() + BODY_SECONDS
    is_whole = False

    async def receive_in_time() -> Message:
        nonlocal is_whole
        if is_whole:  # what comes now is that the client went
            return await receive()
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            return {"type": "http.disconnect"}
        is_whole = not message.get("more_body", False)
        return message

    return receive_in_time


def _name_route(scope: Scope) -> str:
    """The pattern of the path that was asked for; the path itself may be a person's key."""
    route = scope.get("route")
    return getattr(route, "path", "") or "site"


def _without_host(location: str, host: str) -> str:
    """A redirect to this server, without its name: anybody may write a Host header, and a cache might keep it."""
    for scheme in ("http", "https"):
        own = f"{scheme}://{host}/"
        if location.startswith(own):
            # A path that began with two slashes would name another host (RFC 3986 §4.2).
            return "/" + location[len(own) :].lstrip("/\\")
    return location
