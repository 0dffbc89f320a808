"""Allowances in the store: workers share them, a restart keeps them, and who has no limits never asks."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest
import sqlalchemy as sa

from pressrun.delivery.allowance import Allowance
from pressrun.delivery.relay import Relay, Warmup
from pressrun.store.allowances import give_back, reserve
from pressrun.store.database import Database, connect_database, open_database
from pressrun.store.tables import allowances

NOW = dt.datetime(2026, 11, 20, 9, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)
DAY = dt.timedelta(days=1)

FAST = Relay("r.example.com", 25, name="fast", rate=100)
WARMING = Relay("r.example.com", 25, name="warming", warmup=Warmup(NOW.date(), (200, 500)))


async def reserve_all(database: Database, relay: Relay, now: dt.datetime) -> int:
    total = 0
    while count := (await reserve(database, relay, 1000, now)).count:
        total += count
    return total


async def test_what_one_reserved_another_does_not_get(database: Database) -> None:
    assert (await reserve(database, FAST, 60, NOW)).count == 60
    assert (await reserve(database, FAST, 60, NOW)).count == 40
    assert (await reserve(database, FAST, 60, NOW)).count == 0
    assert (await reserve(database, FAST, 60, NOW + SECOND)).count == 60


async def test_relays_are_counted_by_name(database: Database) -> None:
    other = Relay("r.example.com", 25, name="other", rate=100)
    assert await reserve_all(database, FAST, NOW) == 100
    assert await reserve_all(database, other, NOW) == 100


@pytest.mark.parametrize(("relay", "most"), [(FAST, 100), (WARMING, 200)])
async def test_workers_that_ask_at_once_get_no_more_than_there_is(database_url: str, relay: Relay, most: int) -> None:
    async with open_database(database_url) as first, open_database(database_url) as second:
        counts = await asyncio.gather(*[reserve_all(each, relay, NOW) for each in (first, second) * 4])
    assert sum(counts) == most


async def test_limits_survive_a_restart(database_url: str) -> None:
    async with open_database(database_url) as database:
        assert await reserve_all(database, FAST, NOW) == 100
        assert await reserve_all(database, WARMING, NOW) == 200
    async with open_database(database_url) as database:
        assert await reserve_all(database, FAST, NOW + SECOND / 10) == 10
        assert await reserve_all(database, WARMING, NOW + SECOND / 10) == 0
        assert await reserve_all(database, WARMING, NOW + DAY) == 500


async def test_what_is_given_back_can_be_reserved_again(database: Database) -> None:
    for relay, wanted in ((FAST, 100), (WARMING, 20)):
        allowance = await reserve(database, relay, wanted, NOW)
        assert allowance.count == wanted
        await give_back(database, relay, allowance, 15)
    assert await reserve_all(database, FAST, NOW) == 15
    assert await reserve_all(database, WARMING, NOW) == 195


async def test_a_relay_without_limits_never_touches_the_store() -> None:
    nowhere = connect_database("postgresql://nobody@127.0.0.1:9/none")
    free = Relay("r.example.com", 25)
    over = Relay("r.example.com", 25, warmup=Warmup(NOW.date() - 9 * DAY, (200, 500)))
    for relay in (free, over):
        allowance = await reserve(nowhere, relay, 70, NOW)
        assert allowance == Allowance(70, NOW)
        await give_back(nowhere, relay, allowance, 5)


async def test_an_answer_of_none_writes_nothing(database: Database) -> None:
    await reserve_all(database, FAST, NOW)
    async with database.read() as connection:
        before = (await connection.execute(sa.select(allowances))).all()
    assert (await reserve(database, FAST, 5, NOW)).count == 0
    async with database.read() as connection:
        assert (await connection.execute(sa.select(allowances))).all() == before
