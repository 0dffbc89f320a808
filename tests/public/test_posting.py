"""The server posts webhooks while it runs."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from patience import HUNG
from pressrun.store.database import open_database
from pressrun.store.event import Event, EventKind, record_events
from pressrun.store.webhook import PostState, add_webhook, read_posts
from pressrun.web import make_web_app
from pressrun.workspace import open_workspace
from small_edition import NOW
from small_issue import write_small_issue
from webhook_receiver import receiver


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PRESSRUN_DATABASE_URL", "PRESSRUN_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pressrun.public.posting.LOOK", 0.05)


@pytest.mark.parametrize("private", [True, False])
async def test_what_happens_is_posted_unless_it_would_lead_into_a_private_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, private: bool
) -> None:
    monkeypatch.setenv("PRESSRUN_WEBHOOK_PRIVATE", str(private))
    write_small_issue(tmp_path)
    workspace = open_workspace(tmp_path)
    async with receiver() as there, open_database(workspace.database_url) as database, asyncio.timeout(HUNG):
        webhook = await add_webhook(database, there.url, [], NOW, random.Random(7))
        async with database.write() as connection:
            await record_events(connection, [Event(EventKind.LEFT, NOW, 1, list="news")])
        app = make_web_app(workspace, lambda: NOW)
        async with app.router.lifespan_context(app):
            while not (rows := await read_posts(database, webhook.id)) or rows[0].attempts == 0 or not rows[0].reply:
                await asyncio.sleep(0.02)
        assert len(there.requests) == int(private)
        assert rows[0].state is (PostState.TAKEN if private else PostState.WAITING)
        assert rows[0].reply == ("ok" if private else "its host is in a private network")
