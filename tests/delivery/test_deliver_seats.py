"""Workers that share a relay whose connections are limited: never more than it allows, and all get on."""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import dataclass, replace

import pytest

from faulty_relay import FaultyRelay
from pressrun.delivery.deliver import Delivered, deliver
from pressrun.delivery.outcome import Kind, State
from pressrun.delivery.relay import Relay
from pressrun.delivery.seating import Claim
from pressrun.store.claim import recover, register_worker, renew_lease
from pressrun.store.control import pause, resume
from pressrun.store.database import Database, open_database
from pressrun.store.delivery_log import count_states, plan
from pressrun.store.journal import Scope, open_journal
from pressrun.store.seats import exchange
from small_edition import KEY, NOW, addresses, make_edition
from small_world import HUNG, ISSUE, POLICY, World, pipelined, prepare, run, until, when_accepted

OTHER = "spp/2026-03"
LONG = dt.timedelta(days=30)
"""A lease that does not end while a run waits, when time flies."""


@dataclass
class Ticking(World):
    """Looks take time: what is waited for without sleeping comes too."""

    async def tick(self, seconds: float) -> None:
        await super().tick(seconds)
        self.now += dt.timedelta(seconds=seconds)


async def prepare_other(database: Database) -> None:
    """Plan another issue for those who are there."""
    await plan(database, make_edition(issue=OTHER, id="e" + "1" * 63), "all", NOW)


async def run_other(database: Database, relay: Relay, world: World) -> Delivered:
    async with asyncio.timeout(HUNG):
        policy = replace(POLICY, lease=LONG)
        return await deliver(database, OTHER, [relay], KEY, policy, surroundings=world.surroundings)


def limited(relay: FaultyRelay, connections: int) -> Relay:
    return replace(relay.relay, name="limited", connections=connections)


async def hold_all(database: Database, worker_id: str, count: int) -> None:
    """What a worker leaves behind that was killed while it had so many connections."""
    await register_worker(database, worker_id, "host", 1, NOW, POLICY.lease)
    await exchange(database, "limited", NOW, lambda claims: Claim(worker_id, count, count))


@pytest.mark.parametrize("messages", [1000, 7])
async def test_two_runs_share_a_relay_s_connections_and_both_get_on(database_url: str, messages: int) -> None:
    count, world = 300, World()
    async with open_database(database_url) as first, open_database(database_url) as second, pipelined() as relay:
        await prepare(first, count)
        narrow = replace(limited(relay, 3), messages=messages)
        begun = when_accepted(relay, 20)
        ahead = asyncio.create_task(run(first, narrow, world=world, lease=LONG))
        await begun.wait()
        assert relay.most_open == 3  # who is alone has them all
        behind = await run(second, narrow, world=world, lease=LONG)
        await ahead
    assert relay.most_open == 3
    assert relay.counts == dict.fromkeys(addresses(count), 1)
    assert behind.tried[Kind.ACCEPTED] > count // 10


async def test_runs_of_different_issues_share_them_too(database: Database) -> None:
    await prepare(database, 150)
    await prepare_other(database)
    world = World()
    async with pipelined() as relay:
        narrow = limited(relay, 4)
        await asyncio.gather(run(database, narrow, world=world, lease=LONG), run_other(database, narrow, world))
        assert relay.most_open <= 4
    assert relay.counts == dict.fromkeys(addresses(150), 2)


async def test_a_run_that_finds_all_taken_waits_and_loses_nothing(database: Database) -> None:
    await prepare(database, 40)
    await hold_all(database, "busy", 3)
    world = World()
    async with pipelined() as relay:
        task = asyncio.create_task(run(database, limited(relay, 3), world=world))
        await asyncio.sleep(0.05)  # many looks
        assert not task.done() and relay.connections == 0
        await exchange(database, "limited", NOW, lambda claims: Claim("busy", 2, 3))
        await task
    assert relay.most_open == 1
    assert relay.counts == dict.fromkeys(addresses(40), 1)


async def test_the_seats_of_a_worker_that_was_killed_come_free_with_its_lease(database: Database) -> None:
    await prepare(database, 40)
    await hold_all(database, "killed", 3)
    world = Ticking()
    async with pipelined() as relay:
        task = asyncio.create_task(run(database, limited(relay, 3), world=world))
        await until(lambda: relay.connections > 0 or task.done())
        assert POLICY.lease.total_seconds() <= world.seconds <= 2 * POLICY.lease.total_seconds()
        await task
    assert relay.most_open == 3
    assert relay.counts == dict.fromkeys(addresses(40), 1)


async def test_with_one_seat_for_two_runs_both_finish(database: Database) -> None:
    await prepare(database, 60)
    await prepare_other(database)
    world = Ticking()
    async with pipelined() as relay:
        narrow = limited(relay, 1)
        await asyncio.gather(run(database, narrow, world=world, lease=LONG), run_other(database, narrow, world))
        assert relay.most_open == 1
    assert relay.counts == dict.fromkeys(addresses(60), 2)


async def test_a_run_that_waits_for_another_s_rows_gives_up_its_connection(database: Database) -> None:
    await prepare(database, 40)
    await prepare_other(database)
    await register_worker(database, "slow", "host", 1, NOW, POLICY.lease)
    async with open_journal(database) as journal:
        held = await journal.claim(Scope(ISSUE, "slow", expiry=POLICY.expiry), 5, NOW)
    world = World()
    async with pipelined() as relay:
        done = when_accepted(relay, 35)
        waiting = asyncio.create_task(run(database, limited(relay, 1), world=world, lease=LONG))
        await done.wait()
        await renew_lease(database, "slow", NOW + dt.timedelta(days=1))
        await run_other(database, limited(relay, 1), world)
        assert not waiting.done()
        assert (await count_states(database, OTHER))[State.SENT] == 40
        world.wait(days=1)
        await recover(database, world.now)
        await waiting
    assert len(held) == 5
    assert relay.most_open == 1
    assert relay.counts == dict.fromkeys(addresses(40), 2)


async def test_a_paused_run_leaves_its_seats_to_others(database: Database) -> None:
    await prepare(database, 200)
    await prepare_other(database)
    world = World()
    async with pipelined() as relay:
        begun = when_accepted(relay, 20)
        paused = asyncio.create_task(run(database, limited(relay, 3), world=world, lease=LONG))
        await begun.wait()
        await pause(database, ISSUE, NOW)
        await until(lambda: relay.open == 0)
        await run_other(database, limited(relay, 3), world)
        assert (await count_states(database, OTHER))[State.SENT] == 200
        await resume(database, ISSUE, NOW)
        await paused
        assert relay.most_open == 3
    assert relay.counts == dict.fromkeys(addresses(200), 2)


class Stuck(World):
    """Looks never come, as where the store does not answer them."""

    async def tick(self, seconds: float) -> None:
        await asyncio.Event().wait()


async def test_where_looks_do_not_come_nothing_opens_after_the_lease(database: Database) -> None:
    await prepare(database, 600)
    world, stop = Stuck(), asyncio.Event()
    async with pipelined() as relay:
        narrow = replace(limited(relay, 2), messages=5, rate=10)  # waiting for the rate lets time pass
        task = asyncio.create_task(run(database, narrow, world=world, stop=stop))
        await until(lambda: world.seconds >= POLICY.lease.total_seconds() and relay.open == 0)
        opened = relay.connections
        await asyncio.sleep(0.1)
        assert relay.connections == opened and not task.done()
        stop.set()
        await task
    assert world.seconds < POLICY.lease.total_seconds() + 10
    assert 200 < len(relay.accepted) < 400
