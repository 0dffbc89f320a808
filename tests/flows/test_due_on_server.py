"""send-due with a Prefect server: what it starts there, and what it delivers where it runs flows itself."""

from __future__ import annotations

import asyncio
import datetime as dt
import importlib
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import sqlalchemy as sa

from command import run_process
from faulty_relay import faulty_relay
from pressrun.delivery.outcome import State
from pressrun.store.claim import register_worker
from pressrun.store.database import open_database
from pressrun.store.delivery_log import count_states
from pressrun.store.tables import deliveries, starts, workers
from pressrun.workspace import open_workspace
from small_edition import addresses, fill_list
from small_issue import ISSUE, write_small_issue

pytestmark = pytest.mark.prefect

KEY = "small/2026-01"
PEOPLE = addresses(6)


def due_since(minutes: int) -> str:
    """issue.yaml of an issue whose time came so many minutes ago."""
    moment = dt.datetime.now(dt.UTC).replace(second=0) - dt.timedelta(minutes=minutes)
    return f'{ISSUE}send_at: "{moment:%Y-%m-%d %H:%M}"\nlists: [news]\n'


@pytest.fixture
async def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Path]:
    """A workspace with an issue that is due, and its list."""
    write_small_issue(tmp_path, issue=due_since(2))
    publication = tmp_path / "issues" / "small" / "publication.yaml"
    publication.write_text(publication.read_text("utf-8").replace("Europe/Vienna", "UTC"), encoding="utf-8")
    monkeypatch.setenv("PRESSRUN_WORKSPACE", str(tmp_path))
    async with open_database(open_workspace(tmp_path).database_url) as database:
        await fill_list(database, "news", PEOPLE)
    yield tmp_path


@pytest.fixture
def flows_due(server: str) -> ModuleType:
    """The module of send-due."""
    return importlib.import_module("flows.due")


async def confirmed(folder: Path) -> list[Any]:
    """The starts that were confirmed."""
    async with open_database(open_workspace(folder).database_url) as database, database.read() as connection:
        return list((await connection.execute(sa.select(starts).where(starts.c.started_at.is_not(None)))).all())


async def test_what_is_due_goes_out_once_however_often_one_looks(
    flows_due: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with faulty_relay() as relay:
        monkeypatch.setenv("PRESSRUN_SMTP_URL", relay.url)
        first = await flows_due.send_due(return_state=True)
        second = await flows_due.send_due(return_state=True)
    assert (first.type.value, first.message) == ("COMPLETED", f"started publish-issue {KEY}")
    assert second.message == "1 finished"
    assert relay.counts == dict.fromkeys(PEOPLE, 1)
    assert len(await confirmed(folder)) == 1


async def test_two_processes_that_race_start_it_once(server: str, folder: Path) -> None:
    async with faulty_relay() as relay:
        environment = {"PREFECT_API_URL": server, "PRESSRUN_SMTP_URL": relay.url, "PREFECT_HOME": str(folder / "home")}
        ended = await asyncio.gather(
            *(asyncio.to_thread(run_process, folder, "send-due", env=environment) for _ in range(2))
        )
    assert [one.status for one in ended] == [0, 0], ended
    assert sum(one.out.startswith(f"started publish-issue {KEY}") for one in ended) == 1, ended
    assert relay.counts == dict.fromkeys(PEOPLE, 1)
    assert len(await confirmed(folder)) == 1


async def test_what_a_killed_worker_left_goes_on_without_a_double(
    flows_due: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two were sent, one was between its final dot and the answer, one was claimed, two had not begun."""
    workspace = open_workspace(folder)
    async with faulty_relay() as relay:
        monkeypatch.setenv("PRESSRUN_SMTP_URL", relay.url)
        await flows_due.send_due(return_state=True)
    ago = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=1)
    async with open_database(workspace.database_url) as database:
        await register_worker(database, "gone", "elsewhere", 1, ago, dt.timedelta(seconds=30))
        async with database.write() as connection:
            ids = (await connection.scalars(sa.select(deliveries.c.id).order_by(deliveries.c.id))).all()
            for row, state, worker in (
                (ids[2], State.DOT, "gone"),
                (ids[3], State.SENDING, "gone"),
                (ids[4], State.QUEUED, None),
                (ids[5], State.QUEUED, None),
            ):
                lost = {"state": state.value, "worker_id": worker, "attempts": 1}
                await connection.execute(sa.update(deliveries).where(deliveries.c.id == row).values(**lost))
            await connection.execute(sa.delete(workers).where(workers.c.id != "gone"))
            began = ago - dt.timedelta(minutes=5)  # before the worker was lost
            await connection.execute(sa.update(starts).values(started_at=began, claimed_at=began))
    async with faulty_relay() as relay:
        monkeypatch.setenv("PRESSRUN_SMTP_URL", relay.url)
        ended = await flows_due.send_due(return_state=True)
        again = await flows_due.send_due(return_state=True)
    assert ended.message == f"started deliver-send {KEY}"
    assert again.message == "1 finished"
    assert relay.counts == dict.fromkeys(PEOPLE[3:], 1)  # the one in doubt is a person's to decide
    async with open_database(workspace.database_url) as database:
        counts = {state: count for state, count in (await count_states(database, KEY)).items() if count}
    assert counts == {State.SENT: 5, State.IN_DOUBT: 1}


async def test_a_deployment_asked_twice_for_an_occasion_gives_one_run(server: str) -> None:
    from prefect import get_client

    publish = importlib.import_module("flows.publish").publish_issue
    await (await publish.ato_deployment("once", tags=["pressrun"])).aapply()
    start_module = importlib.import_module("flows.start")
    start = start_module.Start(start_module.Step.PUBLISH, KEY, ("news",), "news: due 1")
    later = start_module.Start(start_module.Step.PUBLISH, KEY, ("news",), "news: due 2")
    runs = await asyncio.gather(*(start_module.start_deployment(start, "once") for _ in range(4)))
    assert len({*runs}) == 1
    assert await start_module.start_deployment(later, "once") not in runs
    async with get_client() as client:
        run = await client.read_flow_run(runs[0])
    assert run.parameters == {"issue": KEY, "lists": ["news"]}
    assert run.parent_task_run_id is None  # it can ask for approval by itself


async def test_a_deployment_that_is_not_there_is_told_with_the_remedy(server: str) -> None:
    from pressrun.errors import PressrunError

    start_module = importlib.import_module("flows.start")
    start = start_module.Start(start_module.Step.DELIVER, KEY, ("news",), "news: retry 1")
    with pytest.raises(PressrunError, match="no deployment deliver-send/nowhere — run pressrun deploy"):
        await start_module.start_deployment(start, "nowhere")


async def test_nothing_is_started_or_told_by_a_dry_run(flows_due: ModuleType, folder: Path) -> None:
    ended = await flows_due.send_due(dry_run=True, return_state=True)
    assert ended.message.startswith(f"would start publish-issue {KEY} (its time was ")
    assert await confirmed(folder) == []
