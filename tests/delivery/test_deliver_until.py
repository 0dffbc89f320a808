"""A run that has to end by a moment begins nothing after it, and leaves true rows for the next one."""

from __future__ import annotations

import asyncio
import datetime as dt

from faulty_relay import Accepted, FaultyRelay, faulty_relay
from pressrun.delivery.deliver import Delivered, deliver
from pressrun.store.control import pause
from pressrun.store.database import Database
from small_edition import KEY, NOW, addresses
from small_world import HUNG, ISSUE, POLICY, World, dead, pipelined, prepare, run, states

ROWS = 300
EVENING = NOW + dt.timedelta(hours=1)


async def run_until(database: Database, relay: FaultyRelay, world: World, until: dt.datetime) -> Delivered:
    async with asyncio.timeout(HUNG):
        return await deliver(database, ISSUE, [relay.relay], KEY, POLICY, surroundings=world.surroundings, until=until)


def late_after(relay: FaultyRelay, count: int, world: World) -> None:
    """Let the evening come when the relay has taken so many messages."""
    keep = relay.keep

    def note(accepted: Accepted) -> None:
        keep(accepted)
        if len(relay.accepted) == count:
            world.now = EVENING

    relay.keep = note  # type: ignore[method-assign]


async def test_nothing_begins_after_the_moment_and_the_next_run_does_the_rest(database: Database) -> None:
    await prepare(database, ROWS)
    world = World()
    async with pipelined() as relay:
        late_after(relay, 20, world)
        await run_until(database, relay, world, EVENING)
        taken = len(relay.accepted)
        assert 20 <= taken < ROWS
        assert await states(database) == {"sent": taken, "queued": ROWS - taken}
        await run(database, relay.relay, world=world)
    assert relay.counts == dict.fromkeys(addresses(ROWS), 1)


async def test_a_run_that_comes_too_late_begins_nothing(database: Database) -> None:
    await prepare(database, 5)
    async with pipelined() as relay:
        done = await run_until(database, relay, World(), NOW)
    assert (relay.connections, sum(done.tried.values())) == (0, 0)
    assert await states(database) == {"queued": 5}


async def test_a_run_that_is_done_before_does_not_wait_for_the_moment(database: Database) -> None:
    await prepare(database, 5)
    async with pipelined() as relay:
        await run_until(database, relay, World(), EVENING)
    assert await states(database) == {"sent": 5}


async def test_a_paused_run_ends_at_the_moment_too(database: Database) -> None:
    await prepare(database, ROWS)
    world = World()
    async with pipelined() as relay:
        task = asyncio.create_task(run_until(database, relay, world, EVENING))
        while len(relay.accepted) < 10:
            await asyncio.sleep(0.001)
        await pause(database, ISSUE, NOW)
        while relay.open:
            await asyncio.sleep(0.001)
        assert not task.done()
        world.now = EVENING
        await task
    assert set(await states(database)) == {"sent", "queued"}


async def test_a_clock_that_is_set_back_gives_the_time_back(database: Database) -> None:
    """The moment is one of the clock, however many seconds went by."""
    await prepare(database, 40)
    world = World(EVENING - dt.timedelta(seconds=1))
    async with pipelined() as relay:
        keep = relay.keep

        def note(accepted: Accepted) -> None:
            keep(accepted)
            world.now = NOW

        relay.keep = note  # type: ignore[method-assign]
        await run_until(database, relay, world, EVENING)
    assert await states(database) == {"sent": 40}


async def test_no_relay_at_the_end_of_the_time_is_no_failure(database: Database) -> None:
    await prepare(database, 3)
    gone = await dead()
    async with asyncio.timeout(HUNG), faulty_relay():
        done = await deliver(
            database, ISSUE, [gone], KEY, POLICY, surroundings=World().surroundings, until=NOW + dt.timedelta(seconds=2)
        )
    assert sum(done.tried.values()) == 0
    assert await states(database) == {"queued": 3}
