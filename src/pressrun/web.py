"""The web server beside the Prefect UI: archive, feeds, previews, and the page people leave a list by."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from html import escape

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pressrun.delivery.leave_link import read_leave_token
from pressrun.errors import UsageError
from pressrun.source.loader import load_publication
from pressrun.store.database import open_database
from pressrun.store.subscribers import leave_list
from pressrun.wording import words
from pressrun.workspace import Workspace

_PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex"><title>{title}</title></head>
<body><main><h1>{title}</h1>{body}</main></body></html>
"""


def make_web_app(workspace: Workspace, clock: Callable[[], dt.datetime]) -> Starlette:
    """The ASGI application for a workspace; its site and preview folders are served as they are."""
    key = workspace.secret_key()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with open_database(workspace.database_url) as database:
            app.state.database = database
            yield

    async def unsubscribe(request: Request) -> Response:
        return await _unsubscribe(request, workspace, key, clock)

    for folder in (workspace.site_folder, workspace.preview_folder):
        if workspace.state.resolve().is_relative_to(folder.resolve()):
            raise UsageError(f"{folder} holds {workspace.state}, which nobody may read", "serve another folder")
        folder.mkdir(parents=True, exist_ok=True)
    routes = [
        Route("/health", lambda request: PlainTextResponse("ok\n")),
        Route("/{publication}/unsubscribe/{token}", unsubscribe, methods=["GET", "POST"]),
        Mount("/preview", StaticFiles(directory=workspace.preview_folder, html=True)),
        Mount("/", StaticFiles(directory=workspace.site_folder, html=True)),
    ]
    return Starlette(routes=routes, lifespan=lifespan, middleware=[Middleware(_SafeHeaders)])


async def _unsubscribe(
    request: Request, workspace: Workspace, key: bytes, clock: Callable[[], dt.datetime]
) -> Response:
    """GET shows a button and changes nothing; POST leaves the list at once (RFC 8058 §3.1, §3.2)."""
    leave = read_leave_token(request.path_params["token"], key)
    language, title = _publication_of(workspace, request.path_params["publication"])
    say = words(language)
    if leave is None:
        return _page(language, title, say["unsubscribe_unknown"], 404)
    if request.method != "POST":
        button = f'<form method="post"><button type="submit">{escape(say["unsubscribe"])}</button></form>'
        return _page(language, title, say["unsubscribe_ask"], 200, button)
    await leave_list(request.app.state.database, leave.subscriber_id, leave.list_name, clock())
    return _page(language, title, say["unsubscribe_done"], 200)


def _publication_of(workspace: Workspace, name: str) -> tuple[str, str]:
    folders = {folder.name: folder for folder in workspace.publication_folders()}
    publication = load_publication(folders[name])[0] if name in folders else None
    return (publication.language, publication.title) if publication else ("en", "pressrun")


def _page(language: str, title: str, text: str, status: int, more: str = "") -> HTMLResponse:
    body = f"<p>{escape(text)}</p>{more}"
    # The address is a person's key to the list: no cache on the way keeps it.
    headers = {"Cache-Control": "no-store"}
    return HTMLResponse(_PAGE.format(language=escape(language), title=escape(title), body=body), status, headers)


class _SafeHeaders:
    """Headers that keep pages to themselves: nothing from elsewhere, no address told on, no guessing of types."""

    _HEADERS = (
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
    )

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *self._HEADERS]
            await send(message)

        await self._app(scope, receive, send_with_headers)
