"""Pausing, resuming, cancelling and stopping while messages are under way: soon, and with true rows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import sqlalchemy as sa

from faulty_relay import Answer, FaultyRelay, Script, Step, say
from gated_relay import gated_relay
from pressrun.delivery.deliver import Delivered
from pressrun.delivery.outcome import State
from pressrun.delivery.policy import InDoubt
from pressrun.delivery.relay import parse_relays
from pressrun.delivery.send import send
from pressrun.errors import UsageError
from pressrun.store.control import cancel, pause, resume
from pressrun.store.database import Database
from pressrun.store.tables import deliveries
from small_edition import KEY, NOW, addresses
from small_world import EDITION, ISSUE, POLICY, World, log, pipelined, prepare, run, states, until, when_accepted

ROWS = 400


@asynccontextmanager
async def paused_midway(
    database: Database, relay: FaultyRelay, stop: asyncio.Event | None = None, **changes: object
) -> AsyncIterator[asyncio.Task[Delivered]]:
    """A run that was paused after some messages and has let go of its connections."""
    await prepare(database, ROWS)
    reached = when_accepted(relay, 20)
    task = asyncio.create_task(run(database, relay.relay, stop=stop, **changes))
    try:
        await reached.wait()
        await pause(database, ISSUE, NOW)
        await until(lambda: relay.open == 0)
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def until_queued(database: Database) -> None:
    """Until the run has given back all that it held."""
    while set(await states(database)) != {"sent", "queued"}:
        await asyncio.sleep(0.001)


async def test_a_paused_run_waits_with_no_connection_open_and_its_rows_queued(database: Database) -> None:
    async with pipelined() as relay, paused_midway(database, relay) as task:
        await until_queued(database)
        counts = await states(database)
        taken, connections = len(relay.accepted), relay.connections
        assert counts["sent"] == taken < ROWS
        await asyncio.sleep(0.02)  # ten looks
        assert not task.done()
        assert (len(relay.accepted), relay.connections, await states(database)) == (taken, connections, counts)
        assert {row.attempts for row in await log(database, State.QUEUED)} == {0}


async def test_a_resumed_run_goes_on_by_itself(database: Database) -> None:
    async with pipelined() as relay, paused_midway(database, relay) as task:
        await resume(database, ISSUE, NOW)
        done = await task
    assert relay.counts == dict.fromkeys(addresses(ROWS), 1)
    assert await states(database) == {"sent": ROWS}
    assert sum(done.tried.values()) == ROWS


async def test_a_paused_run_that_is_told_to_stop_ends(database: Database) -> None:
    stop = asyncio.Event()
    async with pipelined() as relay, paused_midway(database, relay, stop) as task:
        stop.set()
        await task
        assert set(await states(database)) == {"sent", "queued"}
        await resume(database, ISSUE, NOW)
        await run(database, relay.relay)
    assert relay.counts == dict.fromkeys(addresses(ROWS), 1)


async def test_a_paused_run_that_is_cancelled_ends(database: Database) -> None:
    async with pipelined() as relay, paused_midway(database, relay) as task:
        await cancel(database, ISSUE, NOW)
        await task
        taken = len(relay.accepted)
    assert await states(database) == {"sent": taken, "cancelled": ROWS - taken}


async def test_nobody_in_doubt_is_mailed_again_when_a_paused_run_is_cancelled(database: Database) -> None:
    async with pipelined() as relay, paused_midway(database, relay, in_doubt=InDoubt.RETRY) as task:
        await until_queued(database)
        some = sa.select(deliveries.c.id).where(deliveries.c.state == State.QUEUED.value).limit(5)
        async with database.write() as connection:
            doubtful = sa.update(deliveries).where(deliveries.c.id.in_(some))
            await connection.execute(doubtful.values(state=State.IN_DOUBT.value))
        taken = len(relay.accepted)
        await cancel(database, ISSUE, NOW)
        await task
        assert len(relay.accepted) == taken
    assert await states(database) == {"sent": taken, "in_doubt": 5, "cancelled": ROWS - taken - 5}


async def test_a_run_that_is_resumed_while_the_last_message_is_on_its_way_goes_on(database: Database) -> None:
    await prepare(database, 4)
    async with gated_relay() as relay:
        [there] = parse_relays(relay.url)
        task = asyncio.create_task(run(database, there, connections=1))
        await relay.wait_for(1)
        await pause(database, ISSUE, NOW)
        await asyncio.sleep(0.05)  # many looks
        await resume(database, ISSUE, NOW)
        await asyncio.sleep(0.05)
        assert not task.done()
        relay.let(4)
        await task
    assert await states(database) == {"sent": 4}


async def test_cancelling_finishes_what_is_in_flight_and_closes_the_rest(database: Database) -> None:
    await prepare(database, ROWS)
    async with pipelined() as relay:
        reached = when_accepted(relay, 20)
        task = asyncio.create_task(run(database, relay.relay))
        await reached.wait()
        await cancel(database, ISSUE, NOW)
        await task
        taken = len(relay.accepted)
        assert await states(database) == {"sent": taken, "cancelled": ROWS - taken}
        assert 20 <= taken < ROWS
        with pytest.raises(UsageError, match="cancelled"):
            await run(database, relay.relay)
        assert await resume(database, ISSUE, NOW, cancelled=True) == ROWS - taken
        await run(database, relay.relay)
    assert relay.counts == dict.fromkeys(addresses(ROWS), 1)


async def test_what_the_relay_puts_off_after_the_cancelling_is_cancelled_too(database: Database) -> None:
    """The answer comes after the row has been looked at by `cancel`, which only closes rows that wait."""
    await prepare(database, 4)
    slow: Script = {Step.DOT: Answer(b"451 4.3.0 " + b"x" * 3_000 + b"\r\n", bytewise=True)}
    async with pipelined([slow] * 4) as relay:
        task = asyncio.create_task(run(database, relay.relay))
        await until(lambda: sum(command == b"DATA" for command in relay.commands) == 4)
        await until(lambda: len(relay.raw) == 4)
        assert await cancel(database, ISSUE, NOW) == 0
        await task
    assert await states(database) == {"cancelled": 4}
    assert relay.accepted == []


async def test_a_row_in_doubt_stays_so_when_the_issue_is_cancelled(database: Database) -> None:
    await prepare(database, 30)
    async with pipelined([{Step.DOT: say(b"999 what")}]) as relay:
        reached = when_accepted(relay, 5)
        task = asyncio.create_task(run(database, relay.relay, connections=1))
        await reached.wait()
        await cancel(database, ISSUE, NOW)
        await task
    counts = await states(database)
    assert counts.pop("in_doubt") == 1
    assert set(counts) <= {"sent", "cancelled"} and sum(counts.values()) == 29


@pytest.mark.parametrize("wish", [pause, cancel])
async def test_an_issue_that_is_paused_or_cancelled_is_not_sent(
    database: Database, wish: Callable[..., object]
) -> None:
    await prepare(database, 3)
    await wish(database, ISSUE, NOW)  # type: ignore[misc]
    before = await states(database)
    async with pipelined() as relay:
        with pytest.raises(UsageError, match="pressrun resume"):
            await run(database, relay.relay)
        with pytest.raises(UsageError, match="pressrun resume"):
            await send(database, EDITION, "all", [relay.relay], KEY, POLICY, surroundings=World().surroundings)
    assert relay.connections == 0
    assert await states(database) == before


async def test_two_workers_pause_and_go_on_together(database: Database) -> None:
    await prepare(database, ROWS)
    async with pipelined() as relay:
        reached = when_accepted(relay, 20)
        tasks = [asyncio.create_task(run(database, relay.relay)) for _ in range(2)]
        await reached.wait()
        await pause(database, ISSUE, NOW)
        await until(lambda: relay.open == 0)
        taken = len(relay.accepted)
        await asyncio.sleep(0.01)
        assert len(relay.accepted) == taken < ROWS
        await resume(database, ISSUE, NOW)
        await asyncio.gather(*tasks)
    assert relay.counts == dict.fromkeys(addresses(ROWS), 1)
    assert await states(database) == {"sent": ROWS}
