"""The whole web application over a small workspace, for tests of what its doors answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from pressrun.delivery.leave_link import Leave, make_leave_token
from pressrun.store.database import Database
from pressrun.web import make_web_app
from pressrun.workspace import Workspace, open_workspace
from small_edition import NOW
from small_issue import write_small_issue


def make_workspace(folder: Path, patch: pytest.MonkeyPatch, **settings: str) -> Workspace:
    """A workspace with the English publication `small`, and these settings in the environment."""
    write_small_issue(folder)
    for name, value in settings.items():
        patch.setenv(f"PRESSRUN_{name.upper()}", value)
    return open_workspace(folder)


@asynccontextmanager
async def browser(
    workspace: Workspace, *, peer: str = "127.0.0.1", root_path: str = "", base: str = "http://web"
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application as it runs, whose connection comes from `peer`."""
    async with served(workspace, peer=peer, root_path=root_path, base=base) as (client, _):
        yield client


@asynccontextmanager
async def served(
    workspace: Workspace, *, peer: str = "127.0.0.1", root_path: str = "", base: str = "http://web"
) -> AsyncIterator[tuple[httpx.AsyncClient, Database]]:
    """The same, and the store as the application has it open."""
    app = make_web_app(workspace, lambda: NOW)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, root_path=root_path, client=(peer, 4711))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=base) as client,
    ):
        yield client, app.state.database


def leave_path(workspace: Workspace, subscriber: int = 1, list_name: str = "news", publication: str = "small") -> str:
    """The path of the link by which somebody leaves a list."""
    return f"/{publication}/unsubscribe/{make_leave_token(Leave(subscriber, list_name), workspace.link_keys())}"
