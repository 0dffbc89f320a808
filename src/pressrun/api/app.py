"""The application of the API: its operations, each with the scope it needs, and what is answered to anything else."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pressrun.api import enrolment, events, issues, lists, person, segments, sends, subscribers, webhooks
from pressrun.api.description import describe
from pressrun.api.guard import GuardedRoute, needs
from pressrun.api.problem import RefusalError
from pressrun.public.doors import Doors
from pressrun.store.api_key import ApiScope

VERSION = "1.0.0"
"""Of the API, not of pressrun: programs that were written for 1.0 work with every 1.x."""


_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Operation:
    """What a method does to a path, the scopes it needs, its status, and those beyond what all operations answer."""

    method: str
    path: str
    endpoint: Callable[..., Any]
    scope: ApiScope
    status: int = 200
    more: Sequence[str] = ()
    besides: Sequence[ApiScope] = ()

    @property
    def scopes(self) -> tuple[ApiScope, ...]:
        """All that a key must be for."""
        return (self.scope, *self.besides)


_READ, _WRITE = ApiScope.SUBSCRIBERS_READ, ApiScope.SUBSCRIBERS_WRITE
_SENDS, _STEER, _LOGS = ApiScope.SENDS_READ, ApiScope.SENDS_WRITE, ApiScope.LOGS_READ
_HOOKS = ApiScope.WEBHOOKS_WRITE

OPERATIONS = (
    Operation("GET", "/subscribers", subscribers.list_subscribers, _READ),
    Operation("POST", "/subscribers", enrolment.add_subscriber, _WRITE, more=("201",)),
    Operation("GET", "/subscribers/{id}", subscribers.get_subscriber, _READ),
    Operation("PATCH", "/subscribers/{id}", subscribers.change_subscriber, _WRITE, more=("412",)),
    Operation("GET", "/subscribers/{id}/data", person.get_subscriber_data, _READ),
    Operation("POST", "/subscribers/{id}/leave", person.leave_lists, _WRITE),
    Operation("POST", "/subscribers/{id}/pause", person.pause_subscriber, _WRITE),
    Operation("POST", "/subscribers/{id}/resume", person.resume_subscriber, _WRITE),
    Operation("POST", "/subscribers/{id}/suppress", person.suppress_subscriber, _WRITE),
    Operation("POST", "/subscribers/{id}/lift", person.lift_suppression_of_subscriber, _WRITE),
    Operation("POST", "/subscribers/{id}/forget", person.forget_subscriber, _WRITE),
    Operation("GET", "/lists", lists.list_lists, _READ),
    Operation("GET", "/segments", segments.list_segments, ApiScope.SEGMENTS_READ),
    Operation("GET", "/segments/{name}", segments.get_segment, ApiScope.SEGMENTS_READ),
    Operation("GET", "/issues", issues.list_issues, ApiScope.ISSUES_READ),
    Operation("GET", "/issues/{publication}/{issue}", issues.get_issue, ApiScope.ISSUES_READ),
    Operation("GET", "/sends", sends.list_sends, _SENDS),
    Operation("GET", "/sends/{publication}/{issue}", sends.get_send, _SENDS),
    Operation("POST", "/sends/{publication}/{issue}/pause", sends.pause_send, _STEER),
    Operation("POST", "/sends/{publication}/{issue}/resume", sends.resume_send, _STEER),
    Operation("POST", "/sends/{publication}/{issue}/cancel", sends.cancel_send, _STEER),
    Operation("GET", "/sends/{publication}/{issue}/deliveries", sends.list_deliveries, _LOGS),
    Operation("GET", "/events", events.list_events, _LOGS),
    Operation("GET", "/webhooks", webhooks.list_webhooks, _HOOKS),
    # Events name addresses, and go wherever a webhook's address leads: who lets them go there may read them.
    Operation("POST", "/webhooks", webhooks.add_webhook, _HOOKS, status=201, besides=(_LOGS,)),
    Operation("GET", "/webhooks/{id}", webhooks.get_webhook, _HOOKS),
    Operation("DELETE", "/webhooks/{id}", webhooks.remove_webhook, _HOOKS, status=204),
    Operation("GET", "/webhooks/{id}/secret", webhooks.get_webhook_secret, _HOOKS),
    Operation("POST", "/webhooks/{id}/retry", webhooks.retry_webhook, _HOOKS, besides=(_LOGS,)),
)


def make_api(doors: Doors) -> ASGIApp:
    """The API as an ASGI application, to be mounted wherever."""
    app = make_app()
    app.state.doors = doors
    return _Front(app)


def make_app() -> FastAPI:
    """The operations, without what they work on: enough for their description."""
    # No pages of documentation: they load their programs from elsewhere.
    app = FastAPI(title="pressrun", version=VERSION, docs_url=None, redoc_url=None, openapi_url=None)
    app.router.redirect_slashes = False
    app.router.route_class = GuardedRoute
    for one in OPERATIONS:
        app.add_api_route(
            one.path,
            one.endpoint,
            methods=[one.method],
            operation_id=one.endpoint.__name__,
            summary=one.endpoint.__name__.replace("_", " ").capitalize(),
            tags=[one.path.split("/")[1]],
            status_code=one.status,
            openapi_extra={**needs(*one.scopes), "x-more": list(one.more)},
        )
    described = describe(app)

    async def read_description(request: Request) -> Response:
        return JSONResponse(described)

    app.router.add_route("/openapi.json", read_description, methods=["GET"], include_in_schema=False)
    app.add_exception_handler(HTTPException, _refuse)
    app.add_exception_handler(Exception, _apologise)
    return app


async def _refuse(request: Request, error: Exception) -> Response:
    """What Starlette refuses by itself: paths and methods that there are not, and bodies that break off."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 405:
        allowed = ", ".join(_methods_of(request))
        what, headers = f"{request.method} is not possible here", {"allow": allowed}  # RFC 9110 §15.5.6
        return RefusalError(405, "method", what, f"use {allowed}", headers=headers).answer()
    if status == 404:
        return _nothing_here().answer()
    return RefusalError(status, "malformed", "the request can't be read", "see RFC 9110").answer()


async def _apologise(request: Request, error: Exception) -> Response:
    return RefusalError(500, "internal", "something went wrong here", "the server's log tells what").answer()


def _methods_of(request: Request) -> list[str]:
    """Every method that this path takes: each operation is a route of its own, and each knows only itself."""
    found: set[str] = set()
    for route in request.app.routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            found |= route.methods or set()
    return sorted(found | ({"HEAD"} if "GET" in found else set()))


class _Front:
    """Answers HEAD as GET without the content (RFC 9110 §9.3.2), and finds nothing at addresses with control codes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _CONTROLS.search(scope["path"]):  # routes take a line break at their end
            await _nothing_here().answer()(scope, receive, send)
        elif scope["type"] == "http" and scope["method"] == "HEAD":
            await self._app({**scope, "method": "GET"}, receive, _without_content(send))
        else:
            await self._app(scope, receive, send)


def _without_content(send: Send) -> Send:
    async def send_head(message: Message) -> None:
        is_body = message["type"] == "http.response.body"
        await send({**message, "body": b""} if is_body else message)

    return send_head


def _nothing_here() -> RefusalError:
    return RefusalError(404, "not-found", "there is nothing here", "GET /api/v1/openapi.json describes what there is")
