"""Health and metrics: who may have them, and what they tell."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa

from pressrun.public import metrics
from pressrun.store.claim import register_worker
from pressrun.store.database import Database, open_database
from pressrun.store.delivery_log import plan
from pressrun.store.gauge import read_gauges
from pressrun.store.people_tables import confirmations
from pressrun.workspace import Workspace
from small_edition import NOW, addresses, fill_list, make_edition
from small_web import browser, make_workspace, served

ISSUE = "spp/2026-02"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    return make_workspace(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("peer", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("198.51.100.7", {}, 403),
        ("198.51.100.7", {"x-forwarded-for": "127.0.0.1"}, 403),
        ("127.0.0.1", {"x-forwarded-for": "198.51.100.7"}, 403),  # a proxy here, that asks for somebody else
        ("127.0.0.1", {"x-forwarded-for": "127.0.0.1"}, 403),
        ("127.0.0.1", {"via": "1.1 proxy"}, 403),
        ("", {}, 403),
    ],
)
async def test_without_a_token_only_this_machine_gets_metrics(
    workspace: Workspace, peer: str, headers: dict[str, str], status: int
) -> None:
    async with browser(workspace, peer=peer) as client:
        answer = await client.get("/metrics", headers=headers)
    assert answer.status_code == status
    assert ("pressrun_" in answer.text) is (status == 200)


@pytest.mark.parametrize(
    ("authorization", "status"),
    [("Bearer s3cret-of-ours", 200), ("bearer  s3cret-of-ours", 200), ("Bearer s3cret", 401), ("", 401),
     ("s3cret-of-ours", 401), ("Basic s3cret-of-ours", 401), ("Bearer é", 401)],
)  # fmt: skip
async def test_with_a_token_whoever_bears_it_gets_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, authorization: str, status: int
) -> None:
    workspace = make_workspace(tmp_path, monkeypatch, metrics_token="s3cret-of-ours")
    async with browser(workspace, peer="198.51.100.7") as client:
        answer = await client.get("/metrics", headers={"authorization": authorization.encode("latin-1")})  # type: ignore[dict-item]
    assert answer.status_code == status
    if status == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert "s3cret-of-ours" not in answer.text


async def test_they_tell_how_sends_stand_and_are_kept_for_a_while(workspace: Workspace) -> None:
    async with open_database(workspace.database_url) as store:
        await fill_list(store, "all", addresses(4))
        await plan(store, make_edition(), "all", NOW)
        await register_worker(store, "w1", "host", 1, NOW, dt.timedelta(seconds=30))
    async with served(workspace) as (client, database):
        first = (await client.get("/metrics")).text
        assert f'pressrun_deliveries{{issue="{ISSUE}",state="queued"}} 4.0' in first
        assert "pressrun_workers_alive 1.0" in first
        assert 'pressrun_confirmations{stage="asked"} 0.0' in first
        async with database.write() as connection:
            await connection.execute(sa.text("DELETE FROM deliveries"))
        assert "pressrun_deliveries{" in (await client.get("/metrics")).text
    assert "reader0" not in first and "example.com" not in first


async def test_gauges_count_what_is_recent(database: Database) -> None:
    await fill_list(database, "all", addresses(3))
    await plan(database, make_edition(), "all", NOW)
    await plan(database, make_edition(issue="spp/2025-01", id="f" * 64), "all", NOW - dt.timedelta(days=30))
    await register_worker(database, "dead", "host", 1, NOW - dt.timedelta(hours=1), dt.timedelta(seconds=30))
    asked = {
        "publication": "small", "address": "a@example.com", "address_key": "a@example.com", "attributes": {},
        "lists": [], "language": "en", "wording": "", "form_version": "", "requested_at": NOW, "mailed_at": NOW,
    }  # fmt: skip
    async with database.write() as connection:
        await connection.execute(sa.insert(confirmations), [asked | {"confirmed_at": moment} for moment in (None, NOW)])
    gauges = await read_gauges(database, NOW)
    assert gauges.deliveries == {(ISSUE, "queued"): 3}
    assert gauges.confirmations == {"asked": 2, "mailed": 2, "confirmed": 1}
    assert (gauges.workers, gauges.posts) == (0, {})


async def test_health_says_when_the_store_is_gone(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(workspace) as (client, database):
        assert (await client.get("/health")).text == "ok\n"

        def fail(*_: object) -> None:
            raise sa.exc.OperationalError("SELECT", {}, OSError("gone: password"))

        sa.event.listen(database.engine.sync_engine, "before_cursor_execute", fail)
        answer = await client.get("/health")
        assert answer.status_code == 503 and "password" not in answer.text
        sa.event.remove(database.engine.sync_engine, "before_cursor_execute", fail)
        assert (await client.get("/health")).status_code == 200


async def test_health_waits_for_the_store_no_longer_than_a_monitor_does(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "HEALTH_SECONDS", 0)
    async with browser(workspace) as client:
        assert (await client.get("/health")).status_code == 503
