"""A relay's gate: within any time no more than the rate and a burst, whoever shares it, and no day's number lost."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from pressrun.delivery.allowance import burst_of
from pressrun.delivery.gate import Gate
from pressrun.delivery.relay import Relay, Warmup
from pressrun.store.allowances import reserve
from pressrun.store.database import Database
from small_edition import NOW

RELAY = Relay("relay.example.com", 25)
SECOND = dt.timedelta(seconds=1)


@dataclass
class Clock:
    now: dt.datetime = NOW

    def __call__(self) -> dt.datetime:
        return self.now


def most_beyond(moments: Sequence[dt.datetime], rate: float) -> float:
    """By how many messages the busiest span between any two moments is above what the rate lets through in it."""
    times = sorted((moment - NOW).total_seconds() for moment in moments)
    # The most of (n - m + 1) - rate * (t[n] - t[m]) over all m <= n, in one pass.
    least, most = float("inf"), 0.0
    for n, time in enumerate(times):
        least = min(least, n - rate * time)
        most = max(most, n - rate * time - least + 1)
    return most


async def test_without_limits_everything_passes_and_the_store_is_not_asked() -> None:
    gate = Gate(None, RELAY, Clock())  # type: ignore[arg-type]
    assert all(gate.pass_now() for _ in range(1_000))
    assert await gate.wait_for() is None
    gate.put_back()
    await gate.close()


async def test_a_limited_relay_passes_nothing_that_was_not_reserved(database: Database) -> None:
    gate = Gate(database, replace(RELAY, rate=10), Clock())
    assert not gate.pass_now()
    assert await gate.wait_for() is None
    assert [gate.pass_now() for _ in range(10)] == [True] * 9 + [False]
    until = await gate.wait_for()
    assert until is not None and NOW < until <= NOW + SECOND


@pytest.mark.parametrize("rate", [0.2, 3, 10, 250])
@pytest.mark.parametrize("workers", [1, 3])
async def test_no_span_of_time_has_more_than_the_rate_and_a_burst(
    database: Database, rate: float, workers: int
) -> None:
    """Also when workers fall silent with a lot in hand, go on much later, or start anew."""
    chance, clock = random.Random(int(rate) + workers), Clock()
    relay = replace(RELAY, rate=rate)
    gates = [Gate(database, relay, clock) for _ in range(workers)]
    gone: list[dt.datetime] = []
    begun = clock.now
    for _ in range(60):
        at = chance.randrange(workers)
        for _ in range(chance.choice([1, 2, int(rate) + 1, 2 * int(rate) + 2])):
            if await gates[at].wait_for() is not None:
                break
            gone.append(clock.now)
        if chance.random() < 0.1:
            await gates[at].close()
            gates[at] = Gate(database, relay, clock)
        clock.now += SECOND * chance.choice([0, 0.1, 0.3, 1, 7]) / min(rate, 1)
    seconds = (clock.now - begun).total_seconds()
    assert len(gone) <= rate * seconds + burst_of(rate)
    assert len(gone) > 10
    assert most_beyond(gone, rate) <= burst_of(rate) + workers * max(1, burst_of(rate) / 4) + 1


@pytest.mark.parametrize("rate", [1, 20])
async def test_a_lot_whose_time_is_over_is_not_sent_on_top(database: Database, rate: int) -> None:
    clock = Clock()
    gate = Gate(database, replace(RELAY, rate=rate), clock)
    assert await gate.wait_for() is None  # a second's worth is reserved, and then nothing happens for long
    gone = []
    for _ in range(3):
        clock.now += 100 * SECOND
        while await gate.wait_for() is None:
            gone.append(clock.now)
    assert len(gone) == 3 * rate


async def test_those_who_wait_together_reserve_once(database: Database) -> None:
    gate = Gate(database, replace(RELAY, rate=8), Clock())
    passed = await asyncio.gather(*(gate.wait_for() for _ in range(12)))
    assert [until is None for until in passed].count(True) == 8


async def test_what_was_let_through_and_did_not_go_may_go_later(database: Database) -> None:
    gate = Gate(database, replace(RELAY, rate=2), Clock())
    assert await gate.wait_for() is None
    gate.put_back()
    assert gate.pass_now() and gate.pass_now() and not gate.pass_now()


@pytest.mark.parametrize("warmup", [False, True])
async def test_what_was_reserved_and_not_used_is_there_for_the_next(database: Database, warmup: bool) -> None:
    relay = replace(RELAY, warmup=Warmup(NOW.date(), (50,))) if warmup else replace(RELAY, rate=50)
    gone = 0
    for _ in range(5):
        gate = Gate(database, relay, Clock())
        for _ in range(7):
            assert await gate.wait_for() is None
            gone += 1
        await gate.close()
    gate = Gate(database, relay, Clock())
    while await gate.wait_for() is None:
        gone += 1
    assert gone == 50


async def test_a_days_number_is_exact_also_where_lots_grow_late(database: Database) -> None:
    clock = Clock()
    relay = replace(RELAY, rate=20, warmup=Warmup(NOW.date(), (90, 10)))
    gate, gone = Gate(database, relay, clock), 0
    for _ in range(400):
        if await gate.wait_for() is None:
            gone += 1
        clock.now += SECOND * 2
    assert gone == 90
    until = await gate.wait_for()
    assert until == dt.datetime.combine(NOW.date() + dt.timedelta(days=1), dt.time(), dt.UTC)
    clock.now = until
    while await gate.wait_for() is None:
        gone += 1
        clock.now += SECOND
    assert gone == 100


async def test_two_gates_share_a_day(database: Database) -> None:
    relay = replace(RELAY, warmup=Warmup(NOW.date(), (30,)))
    gates, gone = [Gate(database, relay, Clock()) for _ in range(2)], 0
    open_gates = list(gates)
    while open_gates:
        for gate in tuple(open_gates):
            if await gate.wait_for() is None:
                gone += 1
            else:
                open_gates.remove(gate)
    assert gone == 30


async def test_a_relay_that_was_used_by_others_is_waited_for(database: Database) -> None:
    relay = replace(RELAY, rate=5)
    await reserve(database, relay, 5, NOW)
    until = await Gate(database, relay, Clock()).wait_for()
    assert until is not None and until > NOW
    assert await Gate(database, relay, Clock(until)).wait_for() is None
