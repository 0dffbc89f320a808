"""Runs that a worker carries out in processes of their own, on a server that is killed and started again."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import sqlalchemy as sa

from faulty_relay import faulty_relay
from gated_relay import gated_relay
from patience import HUNG
from prefect_server import PrefectServer, prefect_server
from pressrun.delivery.outcome import State
from pressrun.store.control import Wish, read_wish
from pressrun.store.database import open_database
from pressrun.store.delivery_log import count_states
from pressrun.store.tables import starts
from pressrun.workspace import open_workspace
from small_edition import addresses, fill_list
from small_issue import FIRST, PUBLICATION, write_small_issue

pytestmark = pytest.mark.prefect

REPOSITORY = Path(__file__).parents[2]
KEY, PEOPLE = "small/2026-01", 20
LISTED = PUBLICATION + "lists: [news]\n"
REQUIRED = LISTED + "approval: required\n"
APPROVE = {"decision": "approve", "name": "Ann"}


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """A workspace whose issue goes to some people."""
    workspace = make_workspace(tmp_path / "workspace")
    async with open_database(open_workspace(workspace).database_url) as database:
        await fill_list(database, "news", addresses(PEOPLE))
    return workspace


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def machine(
    tmp_path_factory: pytest.TempPathFactory, prefect_environment: dict[str, str]
) -> AsyncIterator[PrefectServer]:
    """A server that has the deployments; whatever workspace a worker has, it runs them there."""
    async with prefect_server(tmp_path_factory.mktemp("prefect"), prefect_environment) as server:
        await server.deploy(make_workspace(tmp_path_factory.mktemp("deployer")))
        yield server


def make_workspace(folder: Path) -> Path:
    """A workspace with flows of its own, as a worker needs them."""
    write_small_issue(folder, publication=LISTED)
    (folder / "flows").symlink_to(REPOSITORY / "flows")
    (folder / "deployments").symlink_to(REPOSITORY / "deployments")
    return folder


async def states(folder: Path) -> dict[str, int]:
    async with open_database(open_workspace(folder).database_url) as database:
        return {str(state): count for state, count in (await count_states(database, KEY)).items() if count}


async def test_an_approval_waits_without_a_process_while_server_and_worker_are_killed(
    machine: PrefectServer, folder: Path
) -> None:
    write_small_issue(folder, publication=REQUIRED)
    async with faulty_relay() as relay:
        mailing = {"PRESSRUN_SMTP_URL": relay.url}
        run = await machine.run("publish-issue/small", issue=KEY)
        await machine.work_once(folder, **mailing)
        assert (await machine.state_of(run))["name"] == "Suspended"

        machine.kill()
        await machine.start()
        write_small_issue(folder, publication=REQUIRED, first=FIRST.replace("The end.", "Another end."))
        await machine.resume(run, **APPROVE)
        await machine.work_once(folder, **mailing)
        assert (await machine.state_of(run))["name"] == "Suspended"  # it changed meanwhile: asked again
        assert await states(folder) == {"queued": PEOPLE}
        assert relay.connections == 0

        machine.kill()
        await machine.start()
        await machine.resume(run, **APPROVE)
        await machine.work_once(folder, **mailing)
    state = await machine.state_of(run)
    assert (state["type"], state["message"]) == ("COMPLETED", f"{PEOPLE} of {PEOPLE} sent")
    assert relay.counts == dict.fromkeys(addresses(PEOPLE), 1)


async def test_cancelled_with_the_runs_button_it_ends_cancelled_with_true_rows(
    machine: PrefectServer, folder: Path
) -> None:
    async with gated_relay() as relay:
        with machine.working(folder, PRESSRUN_SMTP_URL=relay.url, PRESSRUN_CONNECTIONS="2"):
            run = await machine.run("deliver-send/small", issue=KEY)
            await relay.wait_for(2)
            await machine.set_state(run, type="CANCELLING", name="Cancelling")
            await wait_for_wish(folder, Wish.CANCEL)
            relay.let(PEOPLE)
            state = await machine.wait_for_state(run, "Cancelled", "Crashed", "Failed", "Completed")
    assert state["type"] == "CANCELLED"
    counts = await states(folder)
    assert counts == {"sent": len(relay.taken), "cancelled": PEOPLE - len(relay.taken)}
    assert counts["cancelled"] > 0


async def test_a_server_killed_during_a_delivery_costs_nobody_their_mail(machine: PrefectServer, folder: Path) -> None:
    async with gated_relay() as relay:
        mailing = {"PRESSRUN_SMTP_URL": relay.url, "PRESSRUN_CONNECTIONS": "2"}
        patient = {"PREFECT_CLIENT_MAX_RETRIES": "10"}  # as an installation has it: a server may take long to start
        with machine.working(folder, **mailing, **patient):
            run = await machine.run("deliver-send/small", issue=KEY)
            await relay.wait_for(2)
            machine.kill()
            relay.let(PEOPLE)
            async with asyncio.timeout(HUNG):
                while await states(folder) != {"sent": PEOPLE}:
                    await asyncio.sleep(0.05)
            await machine.start()
            await machine.wait_for_state(run, "Completed", "Crashed", "Failed")
        again = await machine.run("deliver-send/small", issue=KEY)
        await machine.work_once(folder, **mailing)
    state = await machine.state_of(again)
    assert (state["type"], state["message"]) == ("COMPLETED", f"{PEOPLE} of {PEOPLE} sent")
    assert sorted(relay.taken) == addresses(PEOPLE)


async def wait_for_wish(folder: Path, wish: Wish) -> None:
    """Until the run has told the store what is wanted of it."""
    async with open_database(open_workspace(folder).database_url) as database, asyncio.timeout(HUNG):
        while await read_wish(database, KEY) is not wish:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("approved", [False, True])
async def test_suspended_with_the_runs_button_it_lets_its_process_go_and_goes_on_when_resumed(
    machine: PrefectServer, folder: Path, approved: bool
) -> None:
    """A run begins at its top: one that had to ask must neither ask anew nor take its own pause for another's."""
    async with gated_relay() as relay:
        if approved:
            write_small_issue(folder, publication=REQUIRED)
        with machine.working(folder, PRESSRUN_SMTP_URL=relay.url, PRESSRUN_CONNECTIONS="2"):
            run = await machine.run(f"{'publish-issue' if approved else 'deliver-send'}/small", issue=KEY)
            if approved:
                await machine.wait_for_state(run, "Suspended", "Failed")
                await machine.resume(run, **APPROVE)
            await relay.wait_for(2)
            later = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=5)
            details = {"pause_timeout": later.isoformat(), "pause_reschedule": True}
            await machine.set_state(run, type="PAUSED", name="Suspended", state_details=details)
            await wait_for_wish(folder, Wish.PAUSE)
            async with asyncio.timeout(HUNG):
                while (await states(folder)).keys() & {State.SENDING, State.DOT}:
                    relay.let(1)
                    await asyncio.sleep(1)  # the process sees the pause a moment after the store says it
            assert (await states(folder))["queued"] > 0
            await machine.resume(run)
            relay.let(PEOPLE)
            state = await machine.wait_for_state(run, "Crashed", "Failed", "Completed")
    assert (state["type"], state["message"]) == ("COMPLETED", f"{PEOPLE} of {PEOPLE} sent")
    assert sorted(relay.taken) == sorted(addresses(PEOPLE))


async def test_a_terminated_worker_leaves_nothing_in_doubt_and_send_due_has_another_run_go_on(
    machine: PrefectServer, folder: Path
) -> None:
    async with gated_relay() as relay:
        mailing = {"PRESSRUN_SMTP_URL": relay.url, "PRESSRUN_CONNECTIONS": "2"}
        with machine.working(folder, **mailing):
            run = await machine.run("deliver-send/small", issue=KEY)
            await relay.wait_for(2)
            pid = int((await machine.call("GET", f"flow_runs/{run}"))["infrastructure_pid"].rpartition(":")[2])
            os.kill(pid, signal.SIGTERM)
            async with asyncio.timeout(HUNG):
                while (await machine.state_of(run))["name"] == "Running":
                    relay.let(1)
                    await asyncio.sleep(0.5)  # nothing more begins once the process has seen the signal
        left = len(relay.taken)
        assert (await machine.state_of(run))["name"] == "Crashed"
        assert await states(folder) == {"sent": left, "queued": PEOPLE - left}
        assert left < PEOPLE

        relay.let(PEOPLE)
        await let_minutes_pass(folder, 10)  # as long as a start that nothing is seen of is waited for
        look = await machine.run("send-due/send-due")
        await machine.work_once(folder, **mailing)
        assert (await machine.state_of(look))["message"].startswith(f"started deliver-send {KEY}")
        await machine.work_once(folder, **mailing)
    assert await states(folder) == {"sent": PEOPLE}
    assert sorted(relay.taken) == sorted(addresses(PEOPLE))


async def let_minutes_pass(folder: Path, minutes: int) -> None:
    """For send-due: what was started was started so much earlier."""
    async with open_database(open_workspace(folder).database_url) as database, database.write() as connection:
        for row in (await connection.execute(sa.select(starts))).all():
            earlier = row.started_at - dt.timedelta(minutes=minutes)
            its = sa.and_(starts.c.issue == row.issue, starts.c.occasion == row.occasion)
            await connection.execute(sa.update(starts).where(its).values(started_at=earlier))


async def test_more_workers_share_one_send(machine: PrefectServer, folder: Path) -> None:
    async with gated_relay() as relay:
        mailing = {"PRESSRUN_SMTP_URL": relay.url, "PRESSRUN_CONNECTIONS": "2"}
        with machine.working(folder, **mailing):
            run = await machine.run("deliver-send/small", issue=KEY, workers=2)
            await relay.wait_for(4)  # two connections each
            relay.let(PEOPLE)
            state = await machine.wait_for_state(run, "Crashed", "Failed", "Completed")
            beside = {"flow_runs": {"parent_flow_run_id": {"any_": [run]}}}
            (child,) = await machine.call("POST", "flow_runs/filter", beside)
            await machine.wait_for_state(child["id"], "Completed")
    assert (state["type"], state["message"]) == ("COMPLETED", f"{PEOPLE} of {PEOPLE} sent")
    assert sorted(relay.taken) == sorted(addresses(PEOPLE))
