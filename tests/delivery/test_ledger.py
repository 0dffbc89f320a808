"""The ledger: whoever asks waits until it is written, and many share one transaction."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
import sqlalchemy as sa

from pressrun.delivery.ledger import Ledger
from pressrun.delivery.outcome import State
from pressrun.store.claim import recover, register_worker
from pressrun.store.database import Database
from pressrun.store.delivery_log import count_states, plan
from pressrun.store.journal import Claimed, Journal, Mark, Scope, Settled, open_journal
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
    async with open_journal(database) as journal:
        return await journal.claim(Scope(ISSUE, "a"), 100, NOW)


class Counting:
    """A journal that counts its transactions."""

    def __init__(self, journal: Journal) -> None:
        self._journal, self.writes = journal, 0

    async def claim(self, scope: Scope, limit: int, now: dt.datetime) -> list[Claimed]:
        return await self._journal.claim(scope, limit, now)

    async def write(
        self, worker_id: str, settled: Sequence[Settled], marks: Sequence[Mark], now: dt.datetime
    ) -> frozenset[int]:
        self.writes += 1
        return await self._journal.write(worker_id, settled, marks, now)


@asynccontextmanager
async def running(database: Database) -> AsyncIterator[tuple[Ledger, Counting]]:
    async with open_journal(database) as journal:
        counting = Counting(journal)
        ledger = Ledger(counting, "a", lambda: NOW)
        task = asyncio.create_task(ledger.run())
        try:
            yield ledger, counting
        finally:
            ledger.close()
            await task


def mark(row: Claimed) -> Mark:
    return Mark(row.id, "7bit", "relay.example.com:25")


def sent(row: Claimed) -> Settled:
    return Settled(row.id, State.SENT, row.attempts, 250, None, "ok", NOW, NOW)


async def state_of(database: Database, row: Claimed) -> str | None:
    async with database.read() as connection:
        return await connection.scalar(sa.select(deliveries.c.state).where(deliveries.c.id == row.id))


async def test_a_mark_is_durable_when_it_comes_back(database: Database, rows: list[Claimed]) -> None:
    async with running(database) as (ledger, _):
        assert await ledger.mark_dot(mark(rows[0]))
        assert await state_of(database, rows[0]) == "dot"
        ledger.record(sent(rows[0]))
        await ledger.drain()
        assert await state_of(database, rows[0]) == "sent"


async def test_a_row_that_is_not_ones_own_may_not_be_sent(database: Database, rows: list[Claimed]) -> None:
    async with running(database) as (ledger, _):
        await recover(database, NOW + MINUTE)
        assert not await ledger.mark_dot(mark(rows[0]))
        assert not await ledger.mark_dot(Mark(10**6, "7bit", "relay"))


async def test_of_two_who_ask_for_one_row_at_once_only_one_may_send_it(database: Database, rows: list[Claimed]) -> None:
    async with running(database) as (ledger, _):
        assert await asyncio.gather(ledger.mark_dot(mark(rows[0])), ledger.mark_dot(mark(rows[0]))) == [True, False]


async def test_what_gathers_is_written_together(database: Database, rows: list[Claimed]) -> None:
    async with running(database) as (ledger, counting):
        assert all(await asyncio.gather(*(ledger.mark_dot(mark(row)) for row in rows)))
        for row in rows:
            ledger.record(sent(row))
    assert counting.writes <= 4
    assert (await count_states(database, ISSUE))[State.SENT] == 20


async def test_an_outcome_is_written_with_the_next_mark_at_the_latest(database: Database, rows: list[Claimed]) -> None:
    async with running(database) as (ledger, _):
        for row in rows:
            assert await ledger.mark_dot(mark(row))
            counts = await count_states(database, ISSUE)
            assert counts[State.DOT] == 1  # so that a crash leaves one row a connection in doubt
            ledger.record(sent(row))


async def test_outcomes_that_could_not_be_written_can_be_flushed_later(database: Database, rows: list[Claimed]) -> None:
    async with open_journal(database) as journal:
        ledger = Ledger(journal, "a", lambda: NOW)
        task = asyncio.create_task(ledger.run())
        for row in rows[:5]:
            await ledger.mark_dot(mark(row))
            ledger.record(sent(row))
        task.cancel()
        await asyncio.wait([task])
        await ledger.flush()
        await ledger.flush()
    counts = await count_states(database, ISSUE)
    assert (counts[State.SENT], counts[State.SENDING]) == (5, 15)


async def test_closing_writes_what_is_asked_for_first(database: Database, rows: list[Claimed]) -> None:
    async with running(database) as (ledger, _):
        asked = [asyncio.ensure_future(ledger.mark_dot(mark(row))) for row in rows]
        await asyncio.sleep(0)
    assert all(await asyncio.gather(*asked))


async def test_an_error_of_the_store_reaches_everyone_who_waits(database: Database, rows: list[Claimed]) -> None:
    async with open_journal(database) as journal:
        ledger = Ledger(journal, "a", lambda: NOW.replace(tzinfo=None))  # a naive moment can't be stored
        task = asyncio.create_task(ledger.run())
        marks = await asyncio.gather(*(ledger.mark_dot(mark(row)) for row in rows[:3]), return_exceptions=True)
        assert all(isinstance(one, ValueError) for one in marks)
        with pytest.raises(ValueError, match="zone"):
            await task
    assert (await count_states(database, ISSUE))[State.SENDING] == 20


async def test_one_who_gave_up_waiting_does_not_disturb_the_others(database: Database, rows: list[Claimed]) -> None:
    async with running(database) as (ledger, _):
        first, second = (asyncio.ensure_future(ledger.mark_dot(mark(row))) for row in rows[:2])
        await asyncio.sleep(0)
        first.cancel()
        assert await second
        assert await ledger.mark_dot(mark(rows[2]))


@pytest.mark.parametrize("end", ["cancelled", "closed"])
async def test_nobody_waits_for_a_ledger_that_has_ended(database: Database, rows: list[Claimed], end: str) -> None:
    async with open_journal(database) as journal:
        ledger = Ledger(journal, "a", lambda: NOW)
        task = asyncio.create_task(ledger.run())
        await asyncio.sleep(0)
        waiting = [asyncio.ensure_future(ledger.mark_dot(mark(row))) for row in rows[:3]]
        if end == "closed":
            assert all(await asyncio.gather(*waiting))
            ledger.close()
        else:
            task.cancel()
        await asyncio.wait([task, *waiting], timeout=5)
        assert task.done() and all(one.done() for one in waiting)
        async with asyncio.timeout(5):
            with pytest.raises(asyncio.CancelledError):
                await ledger.drain()
        for ask in (lambda: ledger.mark_dot(mark(rows[4])), lambda: ledger.record(sent(rows[5]))):
            with pytest.raises(asyncio.CancelledError):
                ask()
