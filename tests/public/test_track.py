"""Counted links as browsers, gateways and attackers follow them."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from pressrun.agent import Agent
from pressrun.delivery.outcome import State
from pressrun.store.database import Database, open_database
from pressrun.store.event import EventKind, read_events
from pressrun.store.link import read_link_counts
from pressrun.store.planning import plan
from pressrun.store.tables import deliveries, subscribers
from pressrun.tracking import PURPOSE, LinkKind, link_id, write_id
from pressrun.web import make_web_app
from pressrun.workspace import Workspace, open_workspace
from small_edition import NOW, addresses, fill_list, make_edition
from small_issue import write_small_issue

ISSUE = "spp/2026-02"
URL = "https://example.org/report?a=1&b=2#part"
EDITION = make_edition(clicks="person", opens="total", links=(URL, "https://example.org/other"))
CLICK, OPEN = (write_id(link_id(ISSUE, kind, url)) for kind, url in ((LinkKind.CLICK, URL), (LinkKind.OPEN, "")))
FIREFOX = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
READ = NOW + dt.timedelta(minutes=5)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    for name in ("PRESSRUN_DATABASE_URL", "PRESSRUN_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    write_small_issue(tmp_path)
    return open_workspace(tmp_path)


@pytest.fixture
async def store(workspace: Workspace) -> AsyncIterator[Database]:
    """The edition sent to two people, of whom the first agreed to be counted."""
    async with open_database(workspace.database_url) as database:
        await fill_list(database, "all", addresses(2))
        await plan(database, EDITION, "all", NOW)
        async with database.write() as connection:
            await connection.execute(sa.update(deliveries).values(state=State.SENT.value, updated_at=NOW))
            first = sa.update(subscribers).where(subscribers.c.id == 1)
            await connection.execute(first.values(attributes={"tracking": "yes"}))
        yield database


@asynccontextmanager
async def browser(workspace: Workspace) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application; when it ends, all that waited is counted."""
    app = make_web_app(workspace, lambda: READ)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://web", headers=FIREFOX) as client,
    ):
        yield client


async def counts(store: Database) -> dict[str, dict[Agent, int]]:
    return {one.url: dict(one.counts) for one in await read_link_counts(store, ISSUE) if one.counts}


async def test_a_click_leads_where_the_mail_said_and_is_counted(workspace: Workspace, store: Database) -> None:
    async with browser(workspace) as client:
        answer = await client.get(f"/spp/t/{CLICK}")
    assert (answer.status_code, answer.headers["location"]) == (302, URL)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in answer.headers
    assert await counts(store) == {URL: {Agent.READER: 1}}
    assert await read_events(store, 0, [EventKind.CLICKED]) == []


async def test_an_open_is_answered_with_a_picture_and_counted(workspace: Workspace, store: Database) -> None:
    async with browser(workspace) as client:
        answer = await client.get(f"/spp/t/{OPEN}.gif")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
    assert answer.content.startswith(b"GIF89a")
    assert answer.headers["cache-control"] == "no-store"
    assert await counts(store) == {"": {Agent.READER: 1}}


async def test_a_link_of_somebody_who_agreed_is_counted_by_name(workspace: Workspace, store: Database) -> None:
    token = workspace.link_keys().make_token(PURPOSE, "1")
    async with browser(workspace) as client:
        assert (await client.get(f"/spp/t/{CLICK}/{token}")).headers["location"] == URL
    (one,) = await read_events(store, 0, [EventKind.CLICKED])
    assert (one.event.subscriber_id, one.event.issue, one.event.detail) == (1, ISSUE, {"url": URL})


@pytest.mark.parametrize("made", ["another purpose", "another key", "torn", "somebody who did not agree"])
async def test_a_token_that_proves_nothing_names_nobody(workspace: Workspace, store: Database, made: str) -> None:
    keys = workspace.link_keys()
    right = keys.make_token(PURPOSE, "1")
    token = {
        "another purpose": keys.make_token(b"pressrun unsubscribe v1", "1"),
        "another key": right[:-1] + ("A" if right[-1] != "A" else "Q"),
        "torn": right[:-3],
        "somebody who did not agree": keys.make_token(PURPOSE, "2"),
    }[made]
    async with browser(workspace) as client:
        assert (await client.get(f"/spp/t/{CLICK}/{token}")).headers["location"] == URL
    assert await read_events(store, 0, [EventKind.CLICKED]) == []
    assert await counts(store) == {URL: {Agent.READER: 1}}


@pytest.mark.parametrize(
    "path",
    [
        "/spp/t/https:%2f%2fevil.example",
        "/spp/t/000000000000001",
        f"/spp/t/{CLICK.upper()}x",
        f"/spp/t/{CLICK}.gif",
        f"/spp/t/{OPEN}",
        f"/spp/t/{CLICK}?url=https://evil.example/",
        f"/spp/t/{CLICK}/https:%2f%2fevil.example",
        "/spp/t/..%2f..%2f",
    ],
)
async def test_nobody_makes_a_link_that_leads_elsewhere(workspace: Workspace, store: Database, path: str) -> None:
    async with browser(workspace) as client:
        answer = await client.get(path)
    assert answer.status_code == 404 or answer.headers["location"] == URL


async def test_programs_are_counted_apart(workspace: Workspace, store: Database) -> None:
    async with browser(workspace) as client:
        assert (await client.head(f"/spp/t/{CLICK}")).status_code == 302
        await client.get(f"/spp/t/{CLICK}", headers={"sec-purpose": "prefetch"})
        await client.get(f"/spp/t/{CLICK}", headers={"user-agent": "Mimecast"})
        await client.get(f"/spp/t/{CLICK}", headers={"user-agent": ""})
        assert (await client.post(f"/spp/t/{CLICK}")).status_code == 405
    assert await counts(store) == {URL: {Agent.PREFETCH: 1, Agent.SCANNER: 2, Agent.UNKNOWN: 1}}


async def test_no_network_address_is_kept(workspace: Workspace, store: Database) -> None:
    token = workspace.link_keys().make_token(PURPOSE, "1")
    async with browser(workspace) as client:
        await client.get(f"/spp/t/{CLICK}/{token}", headers={"x-forwarded-for": "198.51.100.77"})
    await store.engine.dispose()
    kept = b"".join(file.read_bytes() for file in workspace.state.glob("pressrun.db*"))
    assert b"198.51.100.77" not in kept and b"Firefox" not in kept
