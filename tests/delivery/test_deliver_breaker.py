"""A send that goes badly stops itself, for all workers, tells why, and goes on when somebody lets it."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from faulty_relay import Answer, Script, Step, Then, say
from pressrun.delivery.breaker import Thresholds, Trouble
from pressrun.delivery.outcome import Kind, State
from pressrun.errors import UsageError
from pressrun.store.control import Wish, cancel, read_reason, read_wish, require_run, resume
from pressrun.store.database import Database
from small_edition import NOW, addresses
from small_world import ISSUE, World, pipelined, prepare, run, states

SMALL = Thresholds(after=20, refused=0.5, in_doubt=0.25, policy=0.5)
GONE: Script = {Step.RCPT: say(b"550 5.1.1 no such user")}
BLOCKED: Script = {Step.DOT: say(b"554 5.7.1 blocked")}
NO_ANSWER: Script = {Step.DOT: Answer(then=Then.CLOSE, keeps=True)}


@pytest.mark.parametrize(
    ("script", "trouble", "code"),
    [(GONE, Trouble.REFUSED, 550), (BLOCKED, Trouble.POLICY, 554), (NO_ANSWER, Trouble.IN_DOUBT, None)],
)
async def test_a_send_that_goes_badly_ends_and_leaves_the_issue_paused_with_the_reason(
    database: Database, script: Script, trouble: Trouble, code: int | None
) -> None:
    await prepare(database, 200)
    async with pipelined(itertools.repeat(script)) as relay:
        done = await run(database, relay.relay, breaker=SMALL)
    assert done.tripped is not None
    assert (done.tripped.trouble, done.tripped.examples[0].code) == (trouble, code)
    # The connections' messages in flight end as they end.
    assert SMALL.after <= sum(done.tried.values()) <= SMALL.after + 4
    assert done.counts[State.QUEUED] == 200 - sum(done.tried.values())
    assert not any(done.counts[state] for state in (State.SENDING, State.DOT))
    assert await read_wish(database, ISSUE) is Wish.PAUSE
    assert await read_reason(database, ISSUE) == done.tripped.reason
    with pytest.raises(UsageError, match=r"is paused: .* is the limit — pressrun resume"):
        await run(database, relay.relay, breaker=SMALL)


async def test_after_resuming_it_counts_anew(database: Database) -> None:
    await prepare(database, 100)
    async with pipelined([GONE] * 30) as relay:
        assert (await run(database, relay.relay, breaker=SMALL, connections=1)).tripped is not None
        await resume(database, ISSUE, NOW)
        assert await read_reason(database, ISSUE) is None
        await require_run(database, ISSUE)
        done = await run(database, relay.relay, breaker=SMALL, connections=1)
    assert done.tripped is None
    assert await states(database) == {"sent": 70, "failed": 30}


async def test_the_other_workers_wait_and_go_on_when_resumed(database: Database) -> None:
    await prepare(database, 300)
    async with pipelined() as well, pipelined(itertools.repeat(GONE)) as ill:
        # Its answers take their time, so that there is something left to do for both.
        well.script = itertools.repeat({Step.DOT: Answer(b"250 " + b"x" * 300 + b"\r\n", bytewise=True)})
        other = asyncio.create_task(run(database, well.relay, breaker=SMALL))
        done = await run(database, ill.relay, breaker=SMALL)
        assert done.tripped is not None
        while well.open:
            await asyncio.sleep(0.001)
        taken = len(well.accepted)
        assert not other.done() and taken < 300 - sum(done.tried.values())
        await asyncio.sleep(0.02)  # ten looks
        assert len(well.accepted) == taken
        await resume(database, ISSUE, NOW)
        assert (await other).tripped is None
    counts = await states(database)
    assert counts == {"sent": len(well.accepted), "failed": done.tried[Kind.PERMANENT]}
    assert set(well.counts.values()) == {1}


async def test_a_trip_at_the_last_row_pauses_nothing(database: Database) -> None:
    await prepare(database, 20)
    async with pipelined(itertools.repeat(GONE)) as relay:
        done = await run(database, relay.relay, breaker=SMALL, connections=1)
    assert done.tripped is not None
    assert await states(database) == {"failed": 20}


async def test_a_trip_takes_no_cancel_back(database: Database) -> None:
    await prepare(database, 60)
    slow: Script = {Step.RCPT: Answer(b"550 5.1.1 " + b"x" * 500 + b"\r\n", bytewise=True)}
    async with pipelined(itertools.chain([GONE] * 18, itertools.repeat(slow))) as relay:
        task = asyncio.create_task(run(database, relay.relay, breaker=SMALL))
        while (await states(database)).get("failed", 0) < 15:
            await asyncio.sleep(0.001)
        await cancel(database, ISSUE, NOW)
        await task
    assert await read_wish(database, ISSUE) is Wish.CANCEL
    assert set(await states(database)) == {"failed", "cancelled"}


async def test_without_a_breaker_a_send_goes_on_to_its_end(database: Database) -> None:
    await prepare(database, 60)
    async with pipelined(itertools.repeat(GONE)) as relay:
        done = await run(database, relay.relay, breaker=None)
    assert (done.tripped, done.counts[State.FAILED]) == (None, 60)


async def test_a_relay_that_breaks_all_connections_once_stops_nothing(database: Database) -> None:
    await prepare(database, 100)
    async with pipelined([*[{}] * 40, *[NO_ANSWER] * 4]) as relay:
        done = await run(database, relay.relay, breaker=Thresholds(after=20, in_doubt=0.01), world=World())
    assert (done.tripped, done.counts[State.IN_DOUBT], done.counts[State.SENT]) == (None, 4, 96)
    assert relay.counts == dict.fromkeys(addresses(100), 1)
