"""Starts: of all who look at a due issue, one starts it, once."""

from __future__ import annotations

import asyncio
import datetime as dt
import multiprocessing
from pathlib import Path
from typing import Any

from pressrun.store.database import Database, open_database
from pressrun.store.start import claim_start, confirm_start, read_start
from small_edition import NOW

ISSUE = "spp/2026-02"
DUE = "all: due 2026-02-20T09:00:00Z"
STALE = dt.timedelta(minutes=3)
MINUTE = dt.timedelta(minutes=1)
SPAWN = multiprocessing.get_context("spawn")


async def claim(database: Database, by: str, now: dt.datetime = NOW, occasion: str = DUE, issue: str = ISSUE) -> bool:
    return await claim_start(database, issue, occasion, by, now, stale=STALE)


async def test_the_first_claim_wins(database: Database) -> None:
    assert await claim(database, "a")
    assert not await claim(database, "b", NOW + MINUTE)
    assert not await claim(database, "a", NOW + MINUTE)  # nor twice by the same
    found = await read_start(database, ISSUE, DUE)
    assert found is not None
    assert (found.claimed_by, found.claimed_at, found.started_at, found.run) == ("a", NOW, None, None)


async def test_another_occasion_or_issue_is_another_claim(database: Database) -> None:
    assert await claim(database, "a")
    assert await claim(database, "b", occasion="all: retry 2026-02-20T10:00:00Z")
    assert await claim(database, "b", issue="spp/2025-02")
    assert await read_start(database, ISSUE, "all: ask") is None


async def test_many_at_once_have_one_winner(database: Database) -> None:
    won = await asyncio.gather(*(claim(database, f"looker {n}") for n in range(12)))
    assert sum(won) == 1


async def test_a_claim_that_nobody_confirmed_is_taken_over_once(database: Database) -> None:
    assert await claim(database, "a")
    assert not await claim(database, "b", NOW + STALE - MINUTE)
    won = await asyncio.gather(*(claim(database, name, NOW + STALE) for name in "bcd"))
    assert sum(won) == 1


async def test_a_confirmed_start_stays_and_is_never_taken_over(database: Database) -> None:
    assert await claim(database, "a")
    assert await confirm_start(database, ISSUE, DUE, "run-1", NOW + MINUTE)
    assert not await confirm_start(database, ISSUE, DUE, "run-2", NOW + 2 * MINUTE)
    assert not await claim(database, "b", NOW + dt.timedelta(days=9))
    found = await read_start(database, ISSUE, DUE)
    assert found is not None
    assert (found.started_at, found.run) == (NOW + MINUTE, "run-1")


async def test_what_was_never_claimed_cannot_be_confirmed(database: Database) -> None:
    assert not await confirm_start(database, ISSUE, DUE, "run-1", NOW)


async def test_a_claim_by_a_clock_that_was_far_ahead_holds_nobody_up(database: Database) -> None:
    assert await claim(database, "a", NOW + dt.timedelta(days=365))
    assert await claim(database, "b")
    assert not await claim(database, "c")
    assert await claim(database, "c", occasion="x")
    assert not await claim(database, "d", NOW - MINUTE, occasion="x")  # clocks that differ a little are no matter


def _race(url: str, barrier: Any, won: Any) -> None:
    async def run() -> bool:
        async with open_database(url) as database:
            barrier.wait(60)
            return await claim(database, multiprocessing.current_process().name)

    won.put(asyncio.run(run()))


async def test_two_schedulers_that_race_start_once(database_url: str, tmp_path: Path) -> None:
    async with open_database(database_url):
        pass
    barrier, won = SPAWN.Barrier(2), SPAWN.Queue()
    racers = [SPAWN.Process(target=_race, args=(database_url, barrier, won)) for _ in range(2)]
    for racer in racers:
        racer.start()
    results = [await asyncio.to_thread(won.get, True, 60) for _ in racers]
    for racer in racers:
        await asyncio.to_thread(racer.join)
    assert sorted(results) == [False, True]
