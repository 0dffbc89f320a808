"""Departures: who asks meanwhile leaves in the next transaction, and nobody is told before it is durable."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
import sqlalchemy as sa

from pressrun.delivery.leave_link import Leave
from pressrun.errors import StoreError
from pressrun.public.departures import Departures
from pressrun.store.database import Database
from pressrun.store.tables import memberships
from small_edition import NOW, addresses, fill_list


@asynccontextmanager
async def working(departures: Departures, database: Database) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(departures.work(database))
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await task


async def count_left(database: Database) -> int:
    async with database.read() as connection:
        return await connection.scalar(sa.select(sa.func.count()).where(memberships.c.left_at.is_not(None))) or 0


async def test_all_who_ask_leave_and_each_is_told_once_it_is_so(database: Database) -> None:
    await fill_list(database, "news", addresses(300))
    departures, durable = Departures(lambda: NOW), []

    async def ask(number: int) -> None:
        await departures.let_go(Leave(number, "news"), "one-click")
        durable.append(await count_left(database))

    async with working(departures, database):
        await asyncio.gather(*(ask(number) for number in range(1, 301)))
    assert min(durable) >= 1 and durable[-1] == 300
    assert await count_left(database) == 300


async def test_many_are_written_together(database: Database) -> None:
    await fill_list(database, "news", addresses(50))
    commits: list[object] = []
    sa.event.listen(database.engine.sync_engine, "commit", commits.append)
    departures = Departures(lambda: NOW)
    asked = [asyncio.create_task(departures.let_go(Leave(number, "news"), "one-click")) for number in range(1, 51)]
    await asyncio.sleep(0)
    async with working(departures, database):
        await asyncio.gather(*asked)
    assert len(commits) == 1


async def test_one_who_went_away_doesnt_keep_the_others(database: Database) -> None:
    await fill_list(database, "news", addresses(3))
    departures = Departures(lambda: NOW)
    asked = [asyncio.create_task(departures.let_go(Leave(number, "news"), "page")) for number in (1, 2, 3)]
    await asyncio.sleep(0)
    asked[1].cancel()
    async with working(departures, database):
        await asyncio.gather(asked[0], asked[2])
    assert await count_left(database) == 3


async def test_where_the_store_fails_all_are_told_and_the_next_ones_leave(database: Database) -> None:
    await fill_list(database, "news", addresses(3))
    departures, fails = Departures(lambda: NOW), [True]

    def fail_once(*_: object) -> None:
        if fails:
            fails.clear()
            raise sa.exc.OperationalError("INSERT", {}, OSError("disk full"))

    sa.event.listen(database.engine.sync_engine, "before_cursor_execute", fail_once)
    async with working(departures, database):
        with pytest.raises(StoreError):
            await departures.let_go(Leave(1, "news"), "page")
        assert await count_left(database) == 0
        await departures.let_go(Leave(2, "news"), "page")
    assert await count_left(database) == 1


async def test_work_that_begins_again_takes_up_who_still_waits(database: Database) -> None:
    await fill_list(database, "news", addresses(1))
    departures = Departures(lambda: NOW)
    async with working(departures, database):
        await asyncio.sleep(0)
    asked = asyncio.create_task(departures.let_go(Leave(1, "news"), "page"))
    async with working(departures, database):
        await asked
    assert await count_left(database) == 1
