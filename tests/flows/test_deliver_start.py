"""What runs of a deployment tell send-due, so that it looks after what they leave; what others leave is left alone."""

from __future__ import annotations

import datetime as dt
import importlib
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType

import pytest
import sqlalchemy as sa

from deployed_run import DeployedRun, deploy_run
from faulty_relay import FaultyRelay, faulty_relay
from pressrun.schedule.due import Verdict
from pressrun.send_due import find_due
from pressrun.store.control import pause
from pressrun.store.database import Database, open_database
from pressrun.store.tables import deliveries, starts
from pressrun.workspace import Workspace, open_workspace
from small_edition import NOW, addresses, fill_list
from small_issue import PUBLICATION, write_small_issue

pytestmark = pytest.mark.prefect

KEY = "small/2026-01"
LISTED = PUBLICATION + "lists: [news, board]\n"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace with an issue that has no time, for two lists."""
    write_small_issue(tmp_path, publication=LISTED)
    monkeypatch.setenv("PRESSRUN_WORKSPACE", str(tmp_path))
    return open_workspace(tmp_path)


@pytest.fixture
async def store(workspace: Workspace) -> AsyncIterator[Database]:
    async with open_database(workspace.database_url) as database:
        await fill_list(database, "news", addresses(3))
        await fill_list(database, "board", addresses(2, start=3))
        yield database


@pytest.fixture
async def relay(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FaultyRelay]:
    async with faulty_relay() as opened:
        monkeypatch.setenv("PRESSRUN_SMTP_URL", opened.url)
        yield opened


async def noted(database: Database) -> list[str]:
    """The starts that were confirmed."""
    query = sa.select(starts.c.occasion).where(starts.c.started_at.is_not(None)).order_by(starts.c.occasion)
    async with database.read() as connection:
        return list(await connection.scalars(query))


async def test_send_due_goes_on_with_what_a_run_of_a_deployment_leaves(
    publish: ModuleType, workspace: Workspace, store: Database, relay: FaultyRelay
) -> None:
    run = await deploy_run(publish.publish_issue, issue=KEY, with_site=False)
    assert (await run.carry_out()).message == "5 of 5 sent"
    assert await noted(store) == [f"board: run {run.run_id} 1", f"news: run {run.run_id} 1"]

    async with store.write() as connection:  # as if it had been stopped after a while
        await connection.execute(sa.update(deliveries).where(deliveries.c.id > 2).values(state="queued"))
    found = await find_due(workspace, store, dt.datetime.now(dt.UTC) + dt.timedelta(minutes=10))
    assert [(due.lists, due.judgement.verdict, due.is_to_start) for due in found] == [
        (("board",), Verdict.ABANDONED, True),
        (("news",), Verdict.ABANDONED, True),
    ]


async def test_a_command_is_its_callers_to_go_on_with(deliver: ModuleType, store: Database, relay: FaultyRelay) -> None:
    assert (await deliver.deliver_send(issue=KEY, return_state=True)).message == "5 of 5 sent"
    assert await noted(store) == []


async def test_what_send_due_started_is_no_other_start(
    deliver: ModuleType, store: Database, relay: FaultyRelay
) -> None:
    from prefect.client.orchestration import get_client

    start = importlib.import_module("flows.start")
    key = start.key_of(start.Start(start.Step.DELIVER, KEY, ("news",), f"news: lost {NOW}"))
    by_hand = await deploy_run(deliver.deliver_send, issue=KEY)
    async with get_client() as client:
        deployment = (await by_hand.read()).deployment_id
        run = await client.create_flow_run_from_deployment(
            deployment, parameters=by_hand.parameters, idempotency_key=key
        )
    state = await DeployedRun(deliver.deliver_send, run.id, by_hand.parameters).carry_out()
    assert (state.message, await noted(store)) == ("5 of 5 sent", [])


async def test_what_may_not_leave_is_not_begun(
    deliver: ModuleType, workspace: Workspace, store: Database, relay: FaultyRelay
) -> None:
    write_small_issue(workspace.root, publication=LISTED + "approval: required\n")
    run = await deploy_run(deliver.deliver_send, issue=KEY)
    assert "waits for approval" in (await run.carry_out()).message
    write_small_issue(workspace.root, publication=LISTED)
    await pause(store, KEY, NOW)
    run = await deploy_run(deliver.deliver_send, issue=KEY)
    assert "is paused" in (await run.carry_out()).message
    assert await noted(store) == []
