"""The deployments on a server, run by workers: in their own workspace, and where one of them is gone in the middle."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from command import plain_environment, run_here, run_process
from faulty_relay import faulty_relay
from gated_relay import gated_relay
from patience import HUNG
from pressrun.delivery.outcome import State
from pressrun.starter import init
from pressrun.store.database import open_database
from pressrun.store.delivery_log import count_open, count_states
from pressrun.store.tables import workers
from pressrun.workspace import Workspace, open_workspace
from small_edition import addresses, fill_list

pytestmark = pytest.mark.prefect

ISSUE = "field-notes/2026-01"
LEASE = 3


async def deploy(folder: Path, environment: dict[str, str]) -> None:
    """What an operator types."""
    ended = await asyncio.to_thread(run_process, folder, "deploy", env=environment)
    assert ended.status == 0, ended.err


@asynccontextmanager
async def working(folder: Path, environment: dict[str, str], log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker of the pool `pressrun`, in a session of its own, ended with all that it began."""
    command = (sys.executable, "-m", "prefect", "worker", "start", "--pool", "pressrun")
    with log.open("ab") as out:
        worker = await asyncio.create_subprocess_exec(
            *command, cwd=folder, env=plain_environment() | environment, stdout=out, stderr=out, start_new_session=True
        )
    try:
        yield worker
    finally:
        with suppress(ProcessLookupError):
            os.killpg(worker.pid, signal.SIGKILL)
        await worker.wait()


async def start(full_name: str, **parameters: Any) -> Any:
    """A run of the deployment, as the UI's button makes it; its id."""
    from prefect import get_client

    async with get_client() as client:
        deployment = await client.read_deployment_by_name(full_name)
        return (await client.create_flow_run_from_deployment(deployment.id, parameters=parameters)).id


async def state_of(run: Any) -> Any:
    """The run's state on the server."""
    from prefect import get_client

    async with get_client() as client:
        return (await client.read_flow_run(run)).state


async def ended(run: Any, log: Path, seconds: float = HUNG) -> Any:
    """The state that a run ended in."""
    await until(lambda: is_final(run), log, seconds)
    return await state_of(run)


async def is_final(run: Any) -> bool:
    return bool((await state_of(run)).is_final())


async def until(is_so: Callable[[], Any], log: Path, seconds: float = HUNG) -> None:
    try:
        async with asyncio.timeout(seconds):
            while not await is_so():
                await asyncio.sleep(0.2)
    except TimeoutError:
        pytest.fail(f"not so after {seconds} s; the worker said:\n{log.read_text()[-4000:]}")


async def test_a_worker_runs_a_deployment_in_its_own_workspace(
    server: str, prefect_environment: dict[str, str], tmp_path: Path
) -> None:
    from prefect import get_client

    deployer, own, log = tmp_path / "deployer", tmp_path / "worker", tmp_path / "worker.log"
    init(deployer)
    init(own)
    added = await asyncio.to_thread(run_here, own, "subscribers", "add", "ann@example.com", "--list", "news")
    assert added.status == 0
    there = {**prefect_environment, "PREFECT_API_URL": server}
    await deploy(deployer, there)
    async with faulty_relay() as relay:
        environment = {**there, "PRESSRUN_WORKSPACE": str(own), "PRESSRUN_SMTP_URL": relay.url}
        async with working(own, environment, log):
            state = await ended(await start("publish-issue/field-notes", issue=ISSUE, lists=["news"]), log)
        assert relay.counts == {"ann@example.com": 1}
    assert (state.type.value, state.message) == ("COMPLETED", "1 of 1 sent")
    async with get_client() as client:
        deployment = await client.read_deployment_by_name("publish-issue/field-notes")
    assert str(deployer) not in json.dumps(deployment.pull_steps)


@pytest.fixture
async def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace whose issue is due, with 12 people on its list."""
    folder = tmp_path / "shared"
    init(folder)
    moment = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=2)
    issue = folder / "issues" / ISSUE / "issue.yaml"
    issue.write_text(
        f'{issue.read_text("utf-8")}\nsend_at: "{moment:%Y-%m-%d %H:%M}"\nlists: [news]\n', encoding="utf-8"
    )
    publication = issue.parents[1] / "publication.yaml"
    lines = [line for line in publication.read_text("utf-8").splitlines() if not line.startswith("timezone:")]
    publication.write_text("\n".join([*lines, "timezone: UTC", ""]), encoding="utf-8")
    workspace = open_workspace(folder)
    async with open_database(workspace.database_url) as database:
        await fill_list(database, "news", addresses(12))
    return workspace


async def pids_at_work(workspace: Workspace) -> list[int]:
    """The processes that deliver, as the store knows them."""
    async with open_database(workspace.database_url) as database, database.read() as connection:
        return list((await connection.scalars(sa.select(workers.c.pid))).all())


async def leases_are_over(workspace: Workspace) -> bool:
    """Whether nobody is at work any more, as the store knows it."""
    async with open_database(workspace.database_url) as database, database.read() as connection:
        until = (await connection.scalars(sa.select(workers.c.lease_until))).all()
    return all(moment < dt.datetime.now(dt.UTC) for moment in until)


async def counts_of(workspace: Workspace) -> dict[State, int]:
    """The issue's rows by state."""
    async with open_database(workspace.database_url) as database:
        return await count_states(database, ISSUE)


async def test_a_delivery_whose_machine_is_gone_goes_on_by_itself_on_another_without_a_double(
    server: str, prefect_environment: dict[str, str], shared: Workspace, tmp_path: Path
) -> None:
    folder, log = shared.root, tmp_path / "worker.log"
    there = {
        **prefect_environment,
        "PREFECT_API_URL": server,
        "PRESSRUN_WORKSPACE": str(folder),
        "PRESSRUN_LEASE_SECONDS": str(LEASE),
        "PRESSRUN_CONNECTIONS": "2",
    }
    await deploy(folder, there)
    async with gated_relay() as relay:
        there |= {"PRESSRUN_SMTP_URL": relay.url}
        relay.let(4)
        async with working(folder, there, log) as first:
            looked = await ended(await start("send-due/send-due"), log)
            assert looked.message == f"started publish-issue {ISSUE}"

            async def stands_still() -> bool:
                return relay.held >= 6  # four have their answer, two wait for it

            await until(stands_still, log)
            sending = await pids_at_work(shared)
            os.killpg(first.pid, signal.SIGKILL)
            for pid in sending:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        relay.let(100)
        async with working(folder, there, log):
            await until(lambda: leases_are_over(shared), log)
            looked = await ended(await start("send-due/send-due"), log)
            assert looked.message == f"started deliver-send {ISSUE}"

            async def all_done() -> bool:
                return not count_open(await counts_of(shared))

            await until(all_done, log)
            looked = await ended(await start("send-due/send-due"), log)
            assert looked.message == "1 finished"
    found = await counts_of(shared)
    assert found[State.SENT] + found[State.IN_DOUBT] == 12
    assert found[State.IN_DOUBT] <= 2  # the connections that were open
    assert len(relay.taken) == len(set(relay.taken))
    assert len(relay.taken) >= found[State.SENT]
