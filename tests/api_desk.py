"""A desk to ask the REST API from: a workspace with an issue, a store with people, and clients with keys."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette

from pressrun.address import parse_address
from pressrun.link_keys import LinkKey, LinkKeys
from pressrun.public import api
from pressrun.public.doors import Doors
from pressrun.public.limit import Limits, make_limits
from pressrun.store.api_key import ApiKey, ApiScope, add_api_key
from pressrun.store.consent import Consent, ConsentBasis
from pressrun.store.database import Database, open_database
from pressrun.store.delivery_log import plan
from pressrun.store.subscribers import add_subscriber
from pressrun.workspace import Workspace, open_workspace
from small_edition import NOW, make_edition
from small_issue import write_small_issue

PEOPLE = ("lin@example.com", "ann@example.com", "bob@example.org")
ALL_SCOPES = tuple(ApiScope)
SEND = "small/2026-01"
LATER = dt.timedelta(hours=1)

ATTRIBUTES = """\
city:
score:
  type: number
"""
SEGMENTS = """\
leeds:
  filter: city == "Leeds"
  description: People in Leeds
"""


@dataclass
class Desk:
    """What a test needs: `keys` are made as they are asked for; `now` is what the server's clock tells."""

    workspace: Workspace
    database: Database
    app: Starlette
    now: dt.datetime = NOW
    limits: Limits = field(default_factory=lambda: no_limits())

    async def make_key(self, *scopes: ApiScope, until: dt.datetime | None = None) -> tuple[ApiKey, str]:
        """A key for these scopes, all without any."""
        return await add_api_key(self.database, "a test", scopes or ALL_SCOPES, self.now, until)

    def client(self, text: str | None) -> httpx.AsyncClient:
        """A client that shows this key, or none; what the application raises is an answer of its server."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        headers = {"authorization": f"Bearer {text}"} if text else {}
        return httpx.AsyncClient(transport=transport, base_url="http://web/api/v1", headers=headers)

    async def made(self, *scopes: ApiScope) -> httpx.AsyncClient:
        """A client with a new key for these scopes, all without any."""
        return self.client((await self.make_key(*scopes))[1])


def no_limits() -> Limits:
    """Limits that nobody reaches."""
    limits = make_limits(time.monotonic)
    for one in (limits.api, limits.guesses, limits.network):
        one.rate, one.burst = 1e9, 1e9
    return limits


@asynccontextmanager
async def open_desk(folder: Path, url: str, people: Collection[str] = PEOPLE) -> AsyncIterator[Desk]:
    """The desk, with people on the list `news`; `SEND` was planned for them."""
    write_small_issue(folder)
    (folder / "subscribers").mkdir(exist_ok=True)
    (folder / "subscribers" / "attributes.yaml").write_text(ATTRIBUTES, encoding="utf-8")
    (folder / "subscribers" / "segments.yaml").write_text(SEGMENTS, encoding="utf-8")
    async with open_database(url) as database:
        await _fill(database, people)
        desk = Desk(open_workspace(folder), database, Starlette())
        doors = Doors(desk.workspace, LinkKeys((LinkKey(b"a key for tests"),)), lambda: desk.now, limits=desk.limits)
        doors.open(database)
        desk.app = Starlette(routes=api.routes(doors))
        yield desk
        doors.close()


async def _fill(database: Database, people: Collection[str]) -> None:
    for address in people:
        consent = Consent("news", ConsentBasis.WRITTEN, "a test", NOW)
        await add_subscriber(database, parse_address(address), "Reader", {"city": "Leeds"}, "news", NOW, consent)
    await plan(database, make_edition(issue=SEND), "news", NOW)


def problem(answer: httpx.Response, status: int, code: str | None = None) -> dict[str, Any]:
    """The problem that was answered, which is one in every respect (RFC 9457)."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert told["status"] == status
    assert told["type"] == "about:blank"
    assert told["detail"]
    assert told["remedy"]
    assert code is None or told["code"] == code, told
    return told
