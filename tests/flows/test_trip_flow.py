"""What becomes of a run that stopped or was suspended, and is resumed: it does first what it was told meanwhile."""

from __future__ import annotations

import datetime as dt
import importlib
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from deployed_run import DeployedRun, deploy_run
from faulty_relay import FaultyRelay, Script, Step, faulty_relay, say
from pressrun.store.control import Wish, pause, read_wish
from pressrun.store.database import open_database
from pressrun.store.delivery_log import count_states
from pressrun.workspace import open_workspace
from small_edition import NOW, addresses, fill_list
from small_issue import PUBLICATION, SECOND, write_small_issue

pytestmark = pytest.mark.prefect

KEY = "small/2026-01"
LISTED = PUBLICATION + "lists: [news]\n"
REQUIRED = LISTED + "approval: required\n"
APPROVE = {"decision": "approve", "name": "Ann"}
BLOCKED: Script = {Step.RCPT: say(b"554 5.7.1 your address is on a blocking list")}
BUSY: Script = {Step.RCPT: say(b"451 4.3.0 try again later")}


class Desk:
    """A workspace with an issue that goes to three people, and the two flows that deliver it."""

    def __init__(self, folder: Path, publish: ModuleType, deliver: ModuleType) -> None:
        self.folder = folder
        self.flows = {"publish": publish.publish_issue, "deliver": deliver.deliver_send}

    def write(self, publication: str = LISTED, second: str = "") -> None:
        """The issue; in each test it is another one."""
        write_small_issue(self.folder, publication=publication, second=second or f"{SECOND}\n{self.folder.name}\n")

    async def run(self, flow: str) -> DeployedRun:
        given: dict[str, Any] = {"with_site": False} if flow == "publish" else {}
        return await deploy_run(self.flows[flow], issue=KEY, **given)

    async def wish(self) -> Wish:
        async with open_database(open_workspace(self.folder).database_url) as database:
            return await read_wish(database, KEY)

    async def states(self) -> dict[str, int]:
        async with open_database(open_workspace(self.folder).database_url) as database:
            return {str(state): count for state, count in (await count_states(database, KEY)).items() if count}


@pytest.fixture
async def desk(
    publish: ModuleType, deliver: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Desk]:
    monkeypatch.setattr(importlib.import_module("flows.approval"), "find_chromium", lambda: None)
    monkeypatch.setenv("PRESSRUN_WORKSPACE", str(tmp_path))
    monkeypatch.setenv("PRESSRUN_CONNECTIONS", "1")
    opened = Desk(tmp_path, publish, deliver)
    opened.write()
    async with open_database(open_workspace(tmp_path).database_url) as database:
        await fill_list(database, "news", addresses(3))
    yield opened


@pytest.fixture
async def relay(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FaultyRelay]:
    async with faulty_relay() as opened:
        monkeypatch.setenv("PRESSRUN_SMTP_URL", opened.url)
        yield opened


def shut() -> str:
    """A send window that is shut just now."""
    hour = dt.datetime.now(ZoneInfo("Europe/Vienna")).hour
    return f"send_window:\n  quiet:\n    - start: '{hour:02}:00'\n      end: '{(hour + 2) % 24:02}:00'\n"


async def tripped(desk: Desk, relay: FaultyRelay, flow: str, monkeypatch: pytest.MonkeyPatch) -> DeployedRun:
    """A run that has stopped itself at the first refusal, and asks."""
    monkeypatch.setenv("PRESSRUN_BREAKER_AFTER", "1")
    relay.script = iter([BLOCKED])
    run = await desk.run(flow)
    state = await run.carry_out()
    if "has approved" in (state.message or "") or "approval-" in str(state.state_details.run_input_keyset):
        state = await run.answer(**APPROVE)
    assert "stopped itself" in await run.question()
    assert (state.name, await desk.wish()) == ("Suspended", Wish.PAUSE)
    return run


async def test_an_approved_issue_that_stopped_itself_goes_on_when_told_so(
    desk: Desk, relay: FaultyRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.write(REQUIRED)
    run = await tripped(desk, relay, "publish", monkeypatch)
    state = await run.answer(decision="go on", name="Ann")
    assert (state.type, state.message) == ("FAILED", "2 of 3 sent, 1 failed")


async def test_an_approved_issue_that_stopped_itself_can_be_cancelled(
    desk: Desk, relay: FaultyRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.write(REQUIRED)
    run = await tripped(desk, relay, "publish", monkeypatch)
    desk.write(REQUIRED, second="no title any more")  # what is wrong with the source by now stops no decision
    state = await run.answer(decision="cancel the rest", name="Bob")
    assert (state.type, await desk.wish()) == ("CANCELLED", Wish.CANCEL)
    assert await desk.states() == {"failed": 1, "cancelled": 2}


@pytest.mark.parametrize("flow", ["publish", "deliver"])
async def test_what_is_decided_outside_of_the_send_window_is_done(
    desk: Desk, relay: FaultyRelay, monkeypatch: pytest.MonkeyPatch, flow: str
) -> None:
    run = await tripped(desk, relay, flow, monkeypatch)
    desk.write(LISTED + shut())
    state = await run.answer(decision="go on", name="Ann")
    assert (state.name, await desk.wish()) == ("Waiting", Wish.RUN)
    assert await desk.states() == {"failed": 1, "queued": 2}


@pytest.mark.parametrize("flow", ["publish", "deliver"])
async def test_what_is_resumed_outside_of_the_send_window_goes_on_when_it_opens(
    desk: Desk, relay: FaultyRelay, flow: str
) -> None:
    relay.script = iter([BUSY])
    assert (await desk.flows["deliver"](issue=KEY, return_state=True)).name == "Deferred"
    run = await desk.run(flow)
    reason = importlib.import_module("flows.steering").reason_of(run.run_id)
    async with open_database(open_workspace(desk.folder).database_url) as database:
        await pause(database, KEY, NOW, reason=reason)  # as a run that is suspended notes it
    desk.write(LISTED + shut())
    state = await run.carry_out()
    assert (state.name, await desk.wish()) == ("Waiting", Wish.RUN)


async def test_a_pause_of_somebody_elses_outlives_a_run_outside_of_the_send_window(
    desk: Desk, relay: FaultyRelay
) -> None:
    relay.script = iter([BUSY])
    await desk.flows["deliver"](issue=KEY, return_state=True)
    async with open_database(open_workspace(desk.folder).database_url) as database:
        await pause(database, KEY, NOW)
    desk.write(LISTED + shut())
    run = await desk.run("deliver")
    await run.carry_out()
    assert await desk.wish() is Wish.PAUSE
