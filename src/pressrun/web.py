"""The web application beside the Prefect UI: archive, feeds, previews, and the doors that readers and programs use."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from pressrun.errors import StoreError, UsageError
from pressrun.public import api, metrics, posting, preferences, subscribe, track
from pressrun.public import unsubscribe as leaving
from pressrun.public.doors import Doors
from pressrun.public.guard import Counting, Guard
from pressrun.site.hub import HubLinks
from pressrun.static_files import SiteFiles
from pressrun.store.database import open_database
from pressrun.workspace import Workspace

PREVIEWS = "/preview"

_DOORS = (leaving, subscribe, preferences, track, api, metrics, posting)  # the one that must be fastest comes first


def make_web_app(workspace: Workspace, clock: Callable[[], dt.datetime], *, previews: bool = True) -> Starlette:
    """The ASGI application for a workspace; its site and preview folders are served as they are.

    Without `previews`, what nobody outside may see yet is not served.
    """
    doors = Doors(workspace, workspace.link_keys(), clock)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with open_database(workspace.database_url) as database, AsyncExitStack() as work:
            app.state.database = database
            doors.open(database)
            work.callback(doors.close)
            for door in _DOORS:
                await work.enter_async_context(door.working(doors))
            yield

    _make_folders(workspace, previews=previews)
    routes = [route for door in _DOORS for route in door.routes(doors)]
    if previews:
        routes.append(Mount(PREVIEWS, StaticFiles(directory=workspace.preview_folder, html=True)))
    app = _GuardedApp(doors, routes=routes, lifespan=lifespan, exception_handlers={StoreError: _say_busy})
    # A redirect to the address without its slash would be another way to every door.
    app.router.redirect_slashes = False
    # Every address that is left. As a route it would answer for the doors' own, where they don't take a method.
    app.router.default = SiteFiles(workspace.site_folder, HubLinks(workspace.publication_folders))
    return app


class _GuardedApp(Starlette):
    """Every answer is guarded and counted, also that to a fault of ours, which Starlette gives outside of all else."""

    def __init__(self, doors: Doors, **parts: Any) -> None:
        super().__init__(**parts)
        self._doors, self._proxies = doors, doors.proxies  # now: a faulty setting is to be told at the start

    def build_middleware_stack(self) -> ASGIApp:
        """What a request goes through, from outside to inside."""
        guarded = Guard(super().build_middleware_stack(), self._proxies, PREVIEWS)
        return Counting(guarded, self._doors.meter)


def _make_folders(workspace: Workspace, *, previews: bool) -> None:
    """Make what is served as it lies there, where it is missing; nothing that holds the state."""
    for folder in (workspace.site_folder, *([workspace.preview_folder] if previews else ())):
        if workspace.state.resolve().is_relative_to(folder.resolve()):
            raise UsageError(f"{folder} holds {workspace.state}, which nobody may read", "serve another folder")
        folder.mkdir(parents=True, exist_ok=True)


async def _say_busy(request: Request, error: Exception) -> Response:
    """The store is down, or busy for too long: what it said is for the log, not for everybody."""
    headers = {"retry-after": "30", "cache-control": "no-store"}
    return PlainTextResponse("The server can't do this now. Please try again in a minute.\n", 503, headers)
