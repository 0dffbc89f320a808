"""The ledger: whoever asks waits until it is written, and many share one transaction."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import sqlalchemy as sa

from pressrun.delivery.ledger import Ledger
from pressrun.delivery.outcome import State
from pressrun.store.claim import Claimed, Settled, claim, recover, register_worker
from pressrun.store.database import Database
from pressrun.store.delivery_log import count_states, plan
from pressrun.store.tables import deliveries
from small_edition import NOW, addresses, fill_list, make_edition

ISSUE = "spp/2026-02"
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
async def rows(database: Database) -> list[Claimed]:
    """Twenty rows that the worker `a` holds."""
    await fill_list(database, "all", addresses(20))
    await plan(database, make_edition(), "all", NOW)
    await register_worker(database, "a", "host", 1, NOW, MINUTE)
    return await claim(database, ISSUE, "a", 100, NOW, dt.timedelta(days=3))


@asynccontextmanager
async def running(database: Database) -> AsyncIterator[Ledger]:
    ledger = Ledger(database, "a", lambda: NOW)
    task = asyncio.create_task(ledger.run())
    try:
        yield ledger
    finally:
        ledger.close()
        await task


def sent(row: Claimed) -> Settled:
    return Settled(row.id, State.SENT, row.attempts, 250, None, "ok", NOW, NOW)


async def state_of(database: Database, row: Claimed) -> str | None:
    async with database.read() as connection:
        return await connection.scalar(sa.select(deliveries.c.state).where(deliveries.c.id == row.id))


async def test_a_mark_is_durable_when_it_comes_back(database: Database, rows: list[Claimed]) -> None:
    async with running(database) as ledger:
        assert await ledger.mark_dot(rows[0].id)
        assert await state_of(database, rows[0]) == "dot"
        await ledger.record(sent(rows[0]))
        assert await state_of(database, rows[0]) == "sent"


async def test_a_row_that_is_not_ones_own_may_not_be_sent(database: Database, rows: list[Claimed]) -> None:
    async with running(database) as ledger:
        await recover(database, NOW + MINUTE)
        assert not await ledger.mark_dot(rows[0].id)
        assert not await ledger.mark_dot(10**6)


async def test_what_gathers_is_written_together(database: Database, rows: list[Claimed]) -> None:
    commits = 0

    def count(connection: object) -> None:
        nonlocal commits
        commits += 1

    sa.event.listen(database.engine.sync_engine, "commit", count)
    async with running(database) as ledger:
        assert all(await asyncio.gather(*(ledger.mark_dot(row.id) for row in rows)))
        await asyncio.gather(*(ledger.record(sent(row)) for row in rows))
    assert commits <= 4
    assert (await count_states(database, ISSUE))[State.SENT] == 20


async def test_closing_writes_what_is_asked_for_first(database: Database, rows: list[Claimed]) -> None:
    async with running(database) as ledger:
        asked = [asyncio.create_task(ledger.mark_dot(row.id)) for row in rows]
        await asyncio.sleep(0)
    assert all(await asyncio.gather(*asked))


async def test_an_error_of_the_store_reaches_everyone_who_waits(database: Database, rows: list[Claimed]) -> None:
    ledger = Ledger(database, "a", lambda: NOW.replace(tzinfo=None))  # a naive moment can't be stored
    task = asyncio.create_task(ledger.run())
    marks = await asyncio.gather(*(ledger.mark_dot(row.id) for row in rows[:3]), return_exceptions=True)
    assert all(isinstance(mark, Exception) for mark in marks)
    with pytest.raises(sa.exc.SQLAlchemyError):
        await task
    assert (await count_states(database, ISSUE))[State.SENDING] == 20


async def test_one_who_gave_up_waiting_does_not_disturb_the_others(database: Database, rows: list[Claimed]) -> None:
    async with running(database) as ledger:
        first, second = (asyncio.create_task(ledger.mark_dot(row.id)) for row in rows[:2])
        await asyncio.sleep(0)
        first.cancel()
        assert await second
        assert await ledger.mark_dot(rows[2].id)


@pytest.mark.parametrize("end", ["cancelled", "closed"])
async def test_nobody_waits_for_a_ledger_that_has_ended(database: Database, rows: list[Claimed], end: str) -> None:
    ledger = Ledger(database, "a", lambda: NOW)
    task = asyncio.create_task(ledger.run())
    await asyncio.sleep(0)
    waiting = [asyncio.create_task(ledger.mark_dot(row.id)) for row in rows[:3]]
    if end == "closed":
        assert all(await asyncio.gather(*waiting))
        ledger.close()
    else:
        task.cancel()
    await asyncio.wait([task, *waiting], timeout=5)
    assert task.done() and all(one.done() for one in waiting)
    async with asyncio.timeout(5):
        for late in (ledger.mark_dot(rows[4].id), ledger.record(sent(rows[5]))):
            with pytest.raises(asyncio.CancelledError):
                await late
