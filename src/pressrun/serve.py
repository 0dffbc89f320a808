"""Serves a workspace's site and unsubscribe page on a port: the web part of an installation, and of `pressrun up`."""

from __future__ import annotations

import asyncio
import datetime as dt
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext

import uvicorn
from starlette.types import ASGIApp

from pressrun.errors import PressrunError, UsageError
from pressrun.serve_protocol import ImpatientProtocol
from pressrun.web import make_web_app
from pressrun.workspace import Workspace

STOP_SECONDS = 10
CONNECTIONS = 800
"""How many are served at once; the next is told 503. Many systems give a process 1,024 open files."""


async def serve(
    workspace: Workspace, host: str, port: int, stop: asyncio.Event, say: Callable[[str], None], *, previews: bool
) -> None:
    """Serve until `stop` is set; requests that are being answered are answered to their end."""
    listening = listen(host, port, "--port")
    async with serving(workspace, listening, previews=previews):
        say(f"serving {workspace.site_folder} at http://{host}:{port}; Ctrl-C ends")
        await stop.wait()


def listen(host: str, port: int, setting: str) -> socket.socket:
    """A socket that listens at `port`, which `setting` names."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except OSError as error:
        what = f"nothing can listen at {host}:{port}: {error.strerror}"
        raise UsageError(what, f"end what is there, or set {setting} to another port") from None


@asynccontextmanager
async def serving(workspace: Workspace, listening: socket.socket, *, previews: bool = True) -> AsyncIterator[None]:
    """A web server on the socket, running while the block does."""
    app = make_web_app(workspace, lambda: dt.datetime.now(dt.UTC), previews=previews)
    async with running(app, listening, "the site's server", public=True):
        yield


@asynccontextmanager
async def running(
    app: ASGIApp,
    listening: socket.socket,
    name: str,
    stop_seconds: int = STOP_SECONDS,
    *,
    public: bool = False,
) -> AsyncIterator[None]:
    """`app` on the socket, called `name` to people, while the block runs; then answers get `stop_seconds` to end.

    A `public` one bears with what strangers do: bounds hold for how many come, and how long they take over a request.
    """
    # No access log: an address of the unsubscribe page is a person's key to the list. And whom a request came from is
    # for the application to judge, which knows the proxies that are ours.
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="on",
        timeout_graceful_shutdown=stop_seconds,
        proxy_headers=False,
        server_header=False,
        http=ImpatientProtocol if public else "auto",
        ws="none" if public else "auto",
        limit_concurrency=CONNECTIONS if public else None,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve([listening]))
    while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn tells it by an attribute only
        await asyncio.sleep(0.05)
    if task.done():
        listening.close()
        raise PressrunError(f"{name} did not start", "see the lines above")
    try:
        yield
    finally:
        server.should_exit = True
        await task


class _Server(uvicorn.Server):
    """uvicorn as a part of a larger whole: signals are not its business."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()
