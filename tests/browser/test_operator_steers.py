"""An operator steers a delivery by the menu of its run: pauses it, lets it go on, cancels it, and reads the report."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import sqlalchemy as sa

from browser_page import CHROMIUM
from gated_relay import GatedRelay, gated_relay
from operator_desk import ISSUE, PEOPLE, Desk, open_desk
from patience import HUNG
from pressrun.delivery.outcome import State
from pressrun.store.control import Wish, read_wish
from pressrun.store.database import open_database
from pressrun.store.delivery_log import count_states
from pressrun.store.tables import workers
from pressrun.workspace import open_workspace

pytestmark = [
    pytest.mark.prefect,
    pytest.mark.chromium,
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium here"),
    pytest.mark.asyncio(loop_scope="module"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory, prefect_environment: dict[str, str]) -> AsyncIterator[Desk]:
    """The publication wants no approval."""
    async with open_desk(tmp_path_factory.mktemp, prefect_environment, approval=False) as opened:
        yield opened


async def test_a_delivery_is_paused_resumed_and_cancelled_by_its_menu(desk: Desk) -> None:
    page, server = desk.page, desk.server
    async with gated_relay() as relay:
        with desk.working(relay):
            run = await server.run("publish-issue/field-notes", issue=ISSUE)
            await desk.open_run(run)
            await relay.wait_for(2)
            await page.wait_for_label("Running")

            await desk.steer(run, "Pause", "Pause Flow Run")
            await page.wait_for_label("Suspended")
            await wait_for_wish(desk, Wish.PAUSE)
            await let_those_in_flight_end(desk, relay)
            paused_at = len(relay.taken)
            assert 2 <= paused_at == relay.held < PEOPLE

            await desk.steer(run, "Resume", "Resume")
            await relay.wait_for(paused_at + 2)
            await page.wait_for_label("Running")
            await wait_for_wish(desk, Wish.RUN)
            assert len(relay.taken) == paused_at  # it stands at the gate again

            await desk.steer(run, "Cancel", "Cancel Flow Run")
            await wait_for_wish(desk, Wish.CANCEL)
            await let_those_in_flight_end(desk, relay)
            await server.wait_for_state(run, "Cancelled")
            await page.wait_for_label("Cancelled")
            sent = len(relay.taken)
            assert paused_at + 2 <= sent < PEOPLE
            await desk.see_artifact("report", f"{sent} of {PEOPLE} sent")
    async with open_database(open_workspace(desk.workspace).database_url) as database:
        counts = await count_states(database, ISSUE)
    assert {state: count for state, count in counts.items() if count} == {
        State.SENT: sent,
        State.CANCELLED: PEOPLE - sent,
    }
    assert len(set(relay.taken)) == sent


async def wait_for_wish(desk: Desk, wish: Wish) -> None:
    """Until the run has told the store what the operator wants."""
    async with open_database(open_workspace(desk.workspace).database_url) as database, asyncio.timeout(HUNG):
        while await read_wish(database, ISSUE) is not wish:
            await asyncio.sleep(0.1)


async def let_those_in_flight_end(desk: Desk, relay: GatedRelay) -> None:
    """Answer what the run has under way, until it has retired; seldom, as one that has not yet looked begins more."""
    query = sa.select(sa.func.count()).select_from(workers)
    async with open_database(open_workspace(desk.workspace).database_url) as database, asyncio.timeout(HUNG):
        while True:
            async with database.read() as connection:
                if not await connection.scalar(query):
                    return
            relay.let(relay.held - len(relay.taken) - relay.unused)
            await asyncio.sleep(1)
