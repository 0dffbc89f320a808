"""A run of publish-issue outside of the send window: another one is scheduled, whatever became of earlier ones."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from types import ModuleType
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from deployed_run import DeployedRun, deploy_run
from pressrun.store.database import open_database
from pressrun.workspace import open_workspace
from small_edition import addresses, fill_list
from small_issue import PUBLICATION, write_small_issue

pytestmark = pytest.mark.prefect

KEY = "small/2026-01"


@pytest.fixture
async def list_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An issue whose send window is shut just now, to a list with another name in each test: the server keeps runs."""
    hour = dt.datetime.now(ZoneInfo("Europe/Vienna")).hour
    shut = f"send_window:\n  quiet:\n    - start: '{hour:02}:00'\n      end: '{(hour + 2) % 24:02}:00'\n"
    name = re.sub(r"\W|_", "-", tmp_path.name)
    write_small_issue(tmp_path, publication=f"{PUBLICATION}lists: [{name}]\n{shut}")
    monkeypatch.setenv("PRESSRUN_WORKSPACE", str(tmp_path))
    async with open_database(open_workspace(tmp_path).database_url) as database:
        await fill_list(database, name, addresses(3))
    return name


async def scheduled(list_name: str) -> list[Any]:
    """The runs for this list that are still to come."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterStartTime
    from prefect.client.schemas.sorting import FlowRunSort

    later = FlowRunFilter(start_time=FlowRunFilterStartTime(is_null_=True))
    async with get_client() as client:
        runs = await client.read_flow_runs(flow_run_filter=later, sort=FlowRunSort.START_TIME_DESC)
    return [run for run in runs if list_name in (run.idempotency_key or "") and run.state.is_scheduled()]


async def publish_in_the_evening(publish: ModuleType, list_name: str) -> Any:
    state = await (await deploy_run(publish.publish_issue, issue=KEY, with_site=False)).carry_out()
    assert state.name == "Waiting", state
    return state


async def test_runs_that_wait_for_one_window_schedule_one_run(publish: ModuleType, list_name: str) -> None:
    for _ in range(2):
        await publish_in_the_evening(publish, list_name)
    assert len(await scheduled(list_name)) == 1


async def test_a_scheduled_run_that_was_cancelled_stands_in_nobodys_way(publish: ModuleType, list_name: str) -> None:
    from prefect.client.orchestration import get_client
    from prefect.states import Cancelled

    await publish_in_the_evening(publish, list_name)
    (cancelled,) = await scheduled(list_name)
    async with get_client() as client:
        await client.set_flow_run_state(cancelled.id, Cancelled(), force=True)
    state = await publish_in_the_evening(publish, list_name)
    (run,) = await scheduled(list_name)
    assert f"run {run.name} is scheduled for then" in state.message


async def test_a_scheduled_run_that_was_begun_too_early_schedules_another(publish: ModuleType, list_name: str) -> None:
    """With *Run now* it is itself the run that was scheduled for then."""
    from prefect.client.orchestration import get_client
    from prefect.states import Scheduled

    await publish_in_the_evening(publish, list_name)
    (early,) = await scheduled(list_name)
    async with get_client() as client:
        await client.set_flow_run_state(early.id, Scheduled(), force=True)
    state = await DeployedRun(publish.publish_issue, early.id, early.parameters).carry_out()
    assert state.name == "Waiting"
    (run,) = await scheduled(list_name)
    assert run.id != early.id
    assert f"run {run.name} is scheduled for then" in state.message
