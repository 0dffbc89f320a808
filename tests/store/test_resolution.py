"""Rows in doubt in the store: only they change, and only once."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from pressrun.delivery.outcome import State
from pressrun.store.claim import recover
from pressrun.store.database import Database
from pressrun.store.delivery_log import Row, count_states, plan, read_log
from pressrun.store.journal import Settled, open_journal
from pressrun.store.resolution import InDoubt, list_in_doubt, queue_again, settle_in_doubt, state_of
from pressrun.store.tables import deliveries
from small_edition import NOW, addresses, fill_list, make_edition

ISSUE = "spp/2026-02"
LATER = NOW + dt.timedelta(hours=1)


async def leave_in_doubt(database: Database, count: int) -> list[InDoubt]:
    """Rows whose worker stopped behind the dot, and one more that is queued."""
    await fill_list(database, "all", addresses(count + 1))
    await plan(database, make_edition(), "all", NOW)
    worked_on = sa.update(deliveries).where(deliveries.c.address.in_(addresses(count)))
    async with database.write() as connection:
        await connection.execute(worked_on.values(state=State.DOT.value, worker_id="w", attempts=1))
    await recover(database, LATER)
    async with database.read() as connection:
        return await list_in_doubt(connection, ISSUE)


async def log(database: Database) -> list[Row]:
    return [row async for row in read_log(database, ISSUE)]


async def test_rows_in_doubt_are_listed_in_the_order_they_were_planned(database: Database) -> None:
    rows = await leave_in_doubt(database, 3)
    assert [row.address for row in rows] == addresses(3)
    assert {(row.list, row.repeated, row.relay, row.updated_at) for row in rows} == {("all", False, None, LATER)}
    async with database.write() as connection:
        assert await list_in_doubt(connection, ISSUE, lock=True) == rows
        assert await list_in_doubt(connection, "spp/2025-02") == []
        assert await state_of(connection, ISSUE, addresses(4)[3]) is State.QUEUED
        assert await state_of(connection, ISSUE, "nobody@example.com") is None


async def test_a_settled_row_is_sent_and_says_how_that_is_known(database: Database) -> None:
    rows = await leave_in_doubt(database, 2)
    async with database.write() as connection:
        await settle_in_doubt(connection, {rows[0].id: "settled by hand: 好"}, LATER)
        await settle_in_doubt(connection, {}, LATER)
    settled, other, queued = await log(database)
    assert (settled.state, settled.code, settled.enhanced, settled.reply) == (
        State.SENT,
        250,
        None,
        "settled by hand: 好",
    )
    assert (other.state, queued.state) == (State.IN_DOUBT, State.QUEUED)


async def test_a_row_queued_again_is_flagged_and_keeps_its_message(database: Database) -> None:
    rows = await leave_in_doubt(database, 2)
    before = (await log(database))[0]
    async with database.write() as connection:
        await queue_again(connection, [rows[0].id], LATER)
        await queue_again(connection, [], LATER)
        flagged = dict((await connection.execute(sa.select(deliveries.c.id, deliveries.c.repeated))).all())
    after = (await log(database))[0]
    assert flagged == {row.id: row.id == rows[0].id for row in await log(database)}
    assert (after.state, after.due_at) == (State.QUEUED, LATER)
    assert (after.message_id, after.created_at) == (before.message_id, before.created_at)


async def test_what_is_no_longer_in_doubt_is_left_alone(database: Database) -> None:
    rows = await leave_in_doubt(database, 2)
    truth = [Settled(row.id, State.SENT, 1, 250, "2.0.0", "2.0.0 taken", NOW, LATER) for row in rows]
    async with open_journal(database) as journal:
        await journal.write("w", truth, [], LATER)  # the worker wasn't gone after all
    async with database.write() as connection:
        await queue_again(connection, [rows[0].id], LATER)
        await settle_in_doubt(connection, {rows[1].id: "settled by hand"}, LATER)
    assert [row.reply for row in (await log(database))[:2]] == ["2.0.0 taken"] * 2


async def test_a_worker_back_from_the_dead_cant_undo_what_was_decided(database: Database) -> None:
    rows = await leave_in_doubt(database, 2)
    async with database.write() as connection:
        await settle_in_doubt(connection, {rows[0].id: "settled by hand"}, LATER)
        await queue_again(connection, [rows[1].id], LATER)
    late = [Settled(row.id, State.FAILED, 1, 550, None, "no", NOW, LATER) for row in rows]
    async with open_journal(database) as journal:
        await journal.write("w", late, [], LATER)
    counts = await count_states(database, ISSUE)
    assert (counts[State.SENT], counts[State.QUEUED], counts[State.FAILED]) == (1, 2, 0)
