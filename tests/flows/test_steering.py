"""What operators do to a run in Prefect, while it delivers by a relay that stands still until it is let."""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest

from gated_relay import GatedRelay, gated_relay
from patience import HUNG
from pressrun.delivery.outcome import State
from pressrun.store.control import Wish, cancel, pause, read_reason, read_wish, resume
from pressrun.store.database import open_database
from pressrun.store.delivery_log import count_states
from pressrun.workspace import open_workspace
from small_edition import NOW, addresses, fill_list
from small_issue import write_small_issue

pytestmark = pytest.mark.prefect

ISSUE, PEOPLE = "small/2026-01", 20


@pytest.fixture
async def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with an issue and some people on the list `news`, delivered over two connections."""
    write_small_issue(tmp_path)
    monkeypatch.setenv("PRESSRUN_WORKSPACE", str(tmp_path))
    monkeypatch.setenv("PRESSRUN_CONNECTIONS", "2")
    async with open_database(open_workspace(tmp_path).database_url) as database:
        await fill_list(database, "news", addresses(PEOPLE))
    return tmp_path


@pytest.fixture
def steering(server: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module; it and the delivery look at what is wished as often as they can."""
    module = importlib.import_module("flows.steering")
    monkeypatch.setattr(module, "LOOK", 0.02)
    monkeypatch.setattr(importlib.import_module("pressrun.delivery.deliver"), "LOOK", 0.02)
    return module


@pytest.fixture
async def relay(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[GatedRelay]:
    async with gated_relay() as opened:
        monkeypatch.setenv("PRESSRUN_SMTP_URL", opened.url)
        yield opened


class Running:
    """A run of deliver-send that goes on beside the test."""

    def __init__(self, task: asyncio.Task[Any], run_id: UUID) -> None:
        self.task, self.run_id = task, run_id

    async def set_state(self, state: Any) -> None:
        """As the UI does it: by force."""
        from prefect.client.orchestration import get_client

        async with get_client() as client:
            await client.set_flow_run_state(self.run_id, state, force=True)

    async def ended(self) -> Any:
        async with asyncio.timeout(HUNG):
            return await self.task


@asynccontextmanager
async def running(deliver: ModuleType) -> AsyncIterator[Running]:
    from prefect.client.orchestration import get_client
    from prefect.states import Pending

    async with get_client() as client:
        run = await client.create_flow_run(deliver.deliver_send, state=Pending())
    task = asyncio.create_task(start(deliver, run))
    try:
        yield Running(task, run.id)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def start(deliver: ModuleType, run: Any) -> Any:
    """What the process does that a worker starts; gives the state the run ends in."""
    from prefect.flow_engine import run_flow_async

    given = {"issue": ISSUE, "list_name": "news", "add_new": True, "workers": 1, "when": "at its time"}
    return await run_flow_async(deliver.deliver_send, flow_run=run, parameters=given, return_type="state")


async def until(check: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(HUNG):
        while not await check():
            await asyncio.sleep(0.01)


async def states(folder: Path) -> dict[str, int]:
    async with open_database(open_workspace(folder).database_url) as database:
        return {str(state): count for state, count in (await count_states(database, ISSUE)).items() if count}


async def wish(folder: Path) -> Wish:
    async with open_database(open_workspace(folder).database_url) as database:
        return await read_wish(database, ISSUE)


async def test_a_run_cancelled_in_prefect_cancels_its_issue_and_finishes_what_is_in_flight(
    deliver: ModuleType, steering: ModuleType, folder: Path, relay: GatedRelay
) -> None:
    from prefect.states import Cancelling

    async with running(deliver) as run:
        await relay.wait_for(2)
        await run.set_state(Cancelling())
        await until(lambda: _is(folder, Wish.CANCEL))
        relay.let(PEOPLE)
        state = await run.ended()
    left = len(relay.taken)
    assert left < PEOPLE
    assert (state.type, state.name) == ("CANCELLED", "Cancelled")
    assert state.message == f"{left} of {PEOPLE} sent, {PEOPLE - left} cancelled"
    assert await states(folder) == {"sent": left, "cancelled": PEOPLE - left}


async def test_cancelled_from_a_terminal_the_run_ends_cancelled_too(
    deliver: ModuleType, steering: ModuleType, folder: Path, relay: GatedRelay
) -> None:
    async with running(deliver) as run:
        await relay.wait_for(2)
        async with open_database(open_workspace(folder).database_url) as database:
            await cancel(database, ISSUE, NOW)
        await until(lambda: _stands_still(folder, relay))
        state = await run.ended()
    left = len(relay.taken)
    assert (state.type, state.message) == ("CANCELLED", f"{left} of {PEOPLE} sent, {PEOPLE - left} cancelled")


async def _is(folder: Path, wanted: Wish) -> bool:
    return await wish(folder) is wanted


async def test_a_run_paused_in_prefect_pauses_its_issue_and_resumed_lets_it_go_on(
    deliver: ModuleType, steering: ModuleType, folder: Path, relay: GatedRelay
) -> None:
    from prefect.states import Paused, Running

    async with running(deliver) as run:
        await relay.wait_for(2)
        await run.set_state(Paused(timeout_seconds=300))
        await until(lambda: _is(folder, Wish.PAUSE))
        await until(lambda: _stands_still(folder, relay))
        assert not run.task.done()
        relay.let(PEOPLE)
        await run.set_state(Running())
        state = await run.ended()
    assert (state.type, state.message) == ("COMPLETED", f"{PEOPLE} of {PEOPLE} sent")
    assert sorted(relay.taken) == sorted(addresses(PEOPLE))
    assert await wish(folder) is Wish.RUN


async def _stands_still(folder: Path, relay: GatedRelay) -> bool:
    """Whether what was in flight has its answers, and nothing more has begun."""
    relay.let(1)
    found = await states(folder)
    return not found.get("sending") and not found.get("dot")


async def test_a_run_suspended_in_prefect_ends_its_process_and_the_resumed_one_goes_on(
    deliver: ModuleType, steering: ModuleType, folder: Path, relay: GatedRelay
) -> None:
    from prefect.client.orchestration import get_client
    from prefect.exceptions import Pause
    from prefect.states import Pending, Suspended

    async with running(deliver) as run:
        await relay.wait_for(2)
        await run.set_state(Suspended(timeout_seconds=300))
        await until(lambda: _is(folder, Wish.PAUSE))
        relay.let(PEOPLE)
        with pytest.raises(Pause):
            await run.ended()
        left = len(relay.taken)
        assert await states(folder) == {"sent": left, "queued": PEOPLE - left}
        async with open_database(open_workspace(folder).database_url) as database:
            assert str(run.run_id) in (await read_reason(database, ISSUE) or "")

        await run.set_state(Pending())
        async with get_client() as client:
            again = await client.read_flow_run(run.run_id)
        state = await start(deliver, again)
    assert (state.type, state.message) == ("COMPLETED", f"{PEOPLE} of {PEOPLE} sent")
    assert sorted(relay.taken) == sorted(addresses(PEOPLE))


async def test_suspended_and_resumed_before_its_process_has_ended_the_old_one_leaves_the_run_to_the_new(
    deliver: ModuleType, steering: ModuleType, folder: Path, relay: GatedRelay
) -> None:
    from prefect.client.orchestration import get_client
    from prefect.exceptions import Abort
    from prefect.states import Running, Suspended

    async with running(deliver) as run:
        await relay.wait_for(2)
        await run.set_state(Suspended(timeout_seconds=300))
        await until(lambda: _is(folder, Wish.PAUSE))
        await run.set_state(Running())  # as the process does that a worker has started meanwhile
        relay.let(PEOPLE)
        with pytest.raises(Abort):
            await run.ended()
        async with get_client() as client:
            assert (await client.read_flow_run(run.run_id)).state_type == "RUNNING"


async def test_what_was_paused_by_hand_is_not_resumed_by_a_run(
    deliver: ModuleType, steering: ModuleType, folder: Path, relay: GatedRelay
) -> None:
    async with running(deliver) as run:
        await relay.wait_for(2)
        async with open_database(open_workspace(folder).database_url) as database:
            await pause(database, ISSUE, NOW)
        await until(lambda: _stands_still(folder, relay))
        relay.let(PEOPLE)
        assert await wish(folder) is Wish.PAUSE
        async with open_database(open_workspace(folder).database_url) as database:
            await resume(database, ISSUE, NOW)
        state = await run.ended()
    assert state.message == f"{PEOPLE} of {PEOPLE} sent"


async def test_sigterm_leaves_nothing_in_doubt_and_is_prefects_after_that(
    deliver: ModuleType, steering: ModuleType, folder: Path, relay: GatedRelay
) -> None:
    from prefect.exceptions import TerminationSignal

    came: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: came.append(number))  # stands for the shell's
    try:
        async with running(deliver) as run:
            await relay.wait_for(2)
            os.kill(os.getpid(), signal.SIGTERM)
            await until(lambda: _settled(run, relay))
            with pytest.raises(TerminationSignal):
                await run.ended()
    finally:
        signal.signal(signal.SIGTERM, before)
    left = len(relay.taken)
    assert 2 <= left < PEOPLE
    assert await states(folder) == {"sent": left, "queued": PEOPLE - left}
    assert came == [signal.SIGTERM]
    assert await wish(folder) is Wish.RUN  # nobody cancelled it: another run goes on

    from prefect.client.orchestration import get_client

    async with get_client() as client:
        assert (await client.read_flow_run(run.run_id)).state_type == "CRASHED"


async def _settled(run: Running, relay: GatedRelay) -> bool:
    relay.let(1)
    return run.task.done()


async def test_a_sigterm_that_comes_with_a_cancel_is_a_cancel(
    deliver: ModuleType, steering: ModuleType, folder: Path, relay: GatedRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prefect's worker sends the signal within a moment of the click, before the run has looked at itself."""
    from prefect.states import Cancelling

    monkeypatch.setattr(steering, "LOOK", 60)
    async with running(deliver) as run:
        await relay.wait_for(2)
        await run.set_state(Cancelling())
        os.kill(os.getpid(), signal.SIGTERM)
        await until(lambda: _is(folder, Wish.CANCEL))
        relay.let(PEOPLE)
        state = await run.ended()
    assert state.type == "CANCELLED"
    counts = await states(folder)
    assert counts.get(State.IN_DOUBT, 0) == 0
    assert counts["sent"] == len(relay.taken)
    assert counts["sent"] + counts["cancelled"] == PEOPLE
