"""Claims: a row is one worker's at a time, and a worker that is gone loses nothing and hides nothing."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest
import sqlalchemy as sa

from pressrun.address import parse_address
from pressrun.delivery.outcome import State
from pressrun.store.claim import (
    give_back,
    has_due,
    held_until,
    put_off,
    recover,
    register_worker,
    renew_lease,
    repeat_in_doubt,
    retire_worker,
)
from pressrun.store.control import cancel
from pressrun.store.database import Database
from pressrun.store.delivery_log import count_states, plan, read_log
from pressrun.store.journal import Claimed, Mark, Scope, Settled, open_journal
from pressrun.store.subscribers import remove_subscriber, suppress_address
from pressrun.store.tables import deliveries
from small_edition import NOW, addresses, fill_list, make_edition

ISSUE = "spp/2026-02"
LEASE = dt.timedelta(seconds=30)
EXPIRY = dt.timedelta(days=3)
SECOND = dt.timedelta(seconds=1)


@pytest.fixture
async def planned(database: Database) -> Database:
    """Ten rows planned."""
    await fill_list(database, "all", addresses(10))
    await plan(database, make_edition(), "all", NOW)
    return database


async def worker(database: Database, name: str, now: dt.datetime = NOW) -> None:
    await register_worker(database, name, "host", 1, now, LEASE)


async def take(database: Database, name: str, limit: int = 100, now: dt.datetime = NOW) -> list[Claimed]:
    async with open_journal(database) as journal:
        return await journal.claim(Scope(ISSUE, name, expiry=EXPIRY), limit, now)


async def mark(database: Database, name: str, *ids: int) -> frozenset[int]:
    async with open_journal(database) as journal:
        return await journal.write(name, (), [Mark(row_id, "7bit", "relay") for row_id in ids], NOW)


async def write_down(database: Database, name: str, *rows: Settled) -> None:
    async with open_journal(database) as journal:
        await journal.write(name, rows, (), NOW)


def settled(row: Claimed, state: State, due_at: dt.datetime = NOW, code: int | None = 250) -> Settled:
    return Settled(row.id, state, row.attempts, code, "2.0.0", "2.0.0 ok", due_at, NOW + SECOND)


async def states(database: Database) -> dict[str, int]:
    counts = await count_states(database, ISSUE)
    assert sum(counts.values()) == 10
    return {str(state): count for state, count in counts.items() if count}


async def test_a_claim_gives_rows_in_the_order_planned_as_they_were_planned(planned: Database) -> None:
    await worker(planned, "a")
    rows = await take(planned, "a", 4)
    assert [row.address for row in rows] == addresses(4)
    assert [(row.name, row.list, row.attempts, row.created_at) for row in rows[:1]] == [("读者2", "all", 1, NOW)]
    assert await states(planned) == {"queued": 6, "sending": 4}


async def test_two_workers_never_hold_the_same_row(planned: Database) -> None:
    for name in "abcd":
        await worker(planned, name)
    taken = await asyncio.gather(*(take(planned, name, 3) for name in "abcd"))
    ids = [row.id for rows in taken for row in rows]
    assert len(ids) == len(set(ids)) == 10
    assert await states(planned) == {"sending": 10}


async def test_nothing_is_claimed_twice_or_before_it_is_due(planned: Database) -> None:
    await worker(planned, "a")
    first, second, *_ = await take(planned, "a")
    assert await take(planned, "a") == []
    later = NOW + dt.timedelta(minutes=5)
    await write_down(planned, "a", settled(first, State.DEFERRED, later), settled(second, State.QUEUED))
    assert [row.id for row in await take(planned, "a")] == [second.id]
    assert not await has_due(planned, ISSUE, later - SECOND)
    assert await take(planned, "a", now=later - SECOND) == []
    assert await has_due(planned, ISSUE, later)
    again = await take(planned, "a", now=later)
    assert [(row.id, row.attempts) for row in again] == [(first.id, 2)]


@pytest.mark.parametrize("before", [State.QUEUED, State.DEFERRED])
async def test_who_is_suppressed_or_left_since_planning_is_not_claimed(planned: Database, before: State) -> None:
    await worker(planned, "a")
    if before is State.DEFERRED:
        rows = await take(planned, "a")
        await write_down(planned, "a", *(settled(row, State.DEFERRED, code=451) for row in rows))
    suppressed, left = (parse_address(text) for text in addresses(2))
    await suppress_address(planned, suppressed, "bounced", NOW)
    await remove_subscriber(planned, left, "all", NOW)
    assert [row.address for row in await take(planned, "a")] == addresses(8, 2)
    assert await states(planned) == {"suppressed": 2, "sending": 8}
    closed = [row async for row in read_log(planned, ISSUE, [State.SUPPRESSED])]
    assert [(row.code, row.enhanced, row.reply) for row in closed] == [
        (None, None, "the address is suppressed"),
        (None, None, "the person has left the list"),
    ]


async def test_a_claim_looks_past_rows_that_it_only_closes(planned: Database) -> None:
    for text in addresses(9):
        await suppress_address(planned, parse_address(text), "bounced", NOW)
    await worker(planned, "a")
    assert [row.address for row in await take(planned, "a", 2)] == addresses(1, 9)


async def test_leaving_another_list_closes_nothing(planned: Database) -> None:
    await fill_list(planned, "other", addresses(10))
    for text in addresses(10):
        await remove_subscriber(planned, parse_address(text), "other", NOW)
    await worker(planned, "a")
    assert len(await take(planned, "a")) == 10


async def test_rows_past_their_expiry_are_closed_and_keep_their_last_reply(planned: Database) -> None:
    await worker(planned, "a")
    rows = await take(planned, "a")
    await write_down(planned, "a", *(settled(row, State.DEFERRED, code=451) for row in rows[:3]))
    assert await take(planned, "a", now=NOW + EXPIRY) == []
    assert await states(planned) == {"expired": 3, "sending": 7}
    assert {row.code async for row in read_log(planned, ISSUE, [State.EXPIRED])} == {451}


async def test_a_dot_is_marked_only_for_a_row_one_holds(planned: Database) -> None:
    await worker(planned, "a")
    await worker(planned, "b")
    mine, theirs = (await take(planned, "a", 1))[0], (await take(planned, "b", 1))[0]
    assert await mark(planned, "a", mine.id, theirs.id, theirs.id + 1, 10**6) == {mine.id}
    assert await mark(planned, "a", mine.id) == frozenset()  # not twice
    assert await states(planned) == {"queued": 8, "sending": 1, "dot": 1}


async def test_when_a_lease_ends_unbegun_rows_are_queued_and_dots_are_in_doubt(planned: Database) -> None:
    await worker(planned, "a")
    rows = await take(planned, "a", 4)
    await mark(planned, "a", rows[0].id)
    assert await recover(planned, NOW + LEASE - SECOND) == (0, 0)
    assert await recover(planned, NOW + LEASE) == (3, 1)
    assert await states(planned) == {"queued": 9, "in_doubt": 1}
    assert await recover(planned, NOW + LEASE) == (0, 0)


async def test_a_renewed_lease_keeps_the_rows(planned: Database) -> None:
    await worker(planned, "a")
    await take(planned, "a", 4)
    await renew_lease(planned, "a", NOW + 2 * LEASE)
    assert await recover(planned, NOW + LEASE) == (0, 0)
    assert await recover(planned, NOW + 2 * LEASE) == (4, 0)


async def test_a_zombie_can_neither_mark_nor_settle_what_was_taken_from_it(planned: Database) -> None:
    await worker(planned, "zombie")
    rows = await take(planned, "zombie", 3)
    await recover(planned, NOW + LEASE)
    await worker(planned, "heir", NOW + LEASE)
    assert [row.id for row in await take(planned, "heir", 2)] == [rows[0].id, rows[1].id]
    assert await mark(planned, "zombie", *(row.id for row in rows)) == frozenset()
    await write_down(planned, "zombie", *(settled(row, State.FAILED) for row in rows))
    assert await states(planned) == {"sending": 2, "queued": 8}


async def test_a_zombies_late_reply_tells_the_truth_about_a_row_in_doubt(planned: Database) -> None:
    await worker(planned, "zombie")
    accepted, refused, silent = await take(planned, "zombie", 3)
    await mark(planned, "zombie", accepted.id, refused.id, silent.id)
    await recover(planned, NOW + LEASE)
    assert await states(planned) == {"queued": 7, "in_doubt": 3}
    await write_down(planned, "zombie", settled(accepted, State.SENT), settled(refused, State.FAILED, code=550))
    assert await states(planned) == {"queued": 7, "sent": 1, "failed": 1, "in_doubt": 1}
    await write_down(planned, "zombie", settled(accepted, State.FAILED))  # settled is settled
    assert (await states(planned))["sent"] == 1


async def test_nobody_else_settles_a_row_in_doubt(planned: Database) -> None:
    await worker(planned, "a")
    (row,) = await take(planned, "a", 1)
    await mark(planned, "a", row.id)
    await recover(planned, NOW + LEASE)
    await write_down(planned, "b", settled(row, State.SENT))
    assert (await states(planned))["in_doubt"] == 1


async def test_a_worker_that_retires_gives_back_only_its_own(planned: Database) -> None:
    await worker(planned, "a")
    await worker(planned, "b")
    begun = (await take(planned, "a", 3))[0]
    await take(planned, "b", 3)
    await mark(planned, "a", begun.id)
    await retire_worker(planned, "a", NOW)
    assert await states(planned) == {"queued": 6, "in_doubt": 1, "sending": 3}


async def test_a_row_given_back_unsent_counts_no_try(planned: Database) -> None:
    await worker(planned, "a")
    await take(planned, "a")
    await retire_worker(planned, "a", NOW)
    await worker(planned, "b")
    assert {row.attempts for row in await take(planned, "b")} == {1}
    assert await recover(planned, NOW + LEASE) == (10, 0)
    assert {row.attempts async for row in read_log(planned, ISSUE)} == {0}


async def test_a_row_in_doubt_shows_no_code_of_an_earlier_try(planned: Database) -> None:
    await worker(planned, "a")
    (row,) = await take(planned, "a", 1)
    await write_down(planned, "a", settled(row, State.DEFERRED, code=451))
    (row,) = await take(planned, "a", 1)
    await mark(planned, "a", row.id)
    await retire_worker(planned, "a", NOW)
    (doubtful,) = [row async for row in read_log(planned, ISSUE, [State.IN_DOUBT])]
    assert (doubtful.code, doubtful.enhanced, doubtful.attempts) == (None, None, 2)
    assert doubtful.reply


async def test_what_others_hold_is_known_with_the_first_end_of_a_lease(planned: Database) -> None:
    assert await held_until(planned, ISSUE, "a") == (0, None)
    await worker(planned, "a")
    await worker(planned, "b", NOW + SECOND)
    await take(planned, "a", 3)
    await take(planned, "b", 2)
    assert await held_until(planned, ISSUE, "a") == (2, NOW + SECOND + LEASE)
    assert await held_until(planned, ISSUE, "b") == (3, NOW + LEASE)
    assert await held_until(planned, "spp/other", "b") == (0, None)


async def test_rows_of_a_worker_nobody_knows_are_taken_back(planned: Database) -> None:
    await worker(planned, "a")
    await take(planned, "a", 2)
    async with planned.write() as connection:
        await connection.execute(
            sa.update(deliveries).values(worker_id="nobody").where(deliveries.c.state == "sending")
        )
    assert await held_until(planned, ISSUE, "b") == (2, None)
    assert await recover(planned, NOW) == (2, 0)


async def test_rows_given_back_by_name_leave_the_others_held(planned: Database) -> None:
    await worker(planned, "a")
    await worker(planned, "b")
    first, second, begun, *_ = await take(planned, "a", 5)
    (theirs,) = await take(planned, "b", 1)
    await mark(planned, "a", begun.id)
    await give_back(planned, "a", NOW, [first.id, begun.id, theirs.id])
    assert await states(planned) == {"queued": 5, "sending": 4, "dot": 1}
    again = await take(planned, "b", 1)
    assert [(row.id, row.attempts) for row in again] == [(first.id, 1)]
    assert await mark(planned, "a", second.id) == {second.id}


async def test_rows_put_off_wait_until_due_and_count_no_try(planned: Database) -> None:
    await worker(planned, "a")
    await worker(planned, "b")
    first, begun = await take(planned, "a", 2)
    (theirs,) = await take(planned, "b", 1)
    await mark(planned, "a", begun.id)
    later = NOW + dt.timedelta(minutes=5)
    await put_off(planned, "a", [first.id, begun.id, theirs.id], later, "the domain rests", NOW)
    assert await states(planned) == {"queued": 7, "deferred": 1, "dot": 1, "sending": 1}
    (row,) = [row async for row in read_log(planned, ISSUE, [State.DEFERRED])]
    assert (row.id, row.due_at, row.reply, row.attempts) == (first.id, later, "the domain rests", 0)
    assert first.id not in {row.id for row in await take(planned, "b", now=later - SECOND)}
    assert [row.id for row in await take(planned, "b", now=later)] == [first.id]


@pytest.mark.parametrize("way", ["given back", "put off", "retired", "recovered"])
async def test_what_comes_back_after_the_cancelling_is_cancelled(planned: Database, way: str) -> None:
    await worker(planned, "a")
    rows = await take(planned, "a", 4)
    assert await cancel(planned, ISSUE, NOW) == 6
    match way:
        case "given back":
            await give_back(planned, "a", NOW)
        case "put off":
            await put_off(planned, "a", [row.id for row in rows], NOW + SECOND, "the domain rests", NOW)
        case "retired":
            await retire_worker(planned, "a", NOW)
        case _:
            await recover(planned, NOW + LEASE)
    assert await states(planned) == {"cancelled": 10}


async def test_what_is_in_doubt_is_repeated_once_through_its_list_alone(planned: Database) -> None:
    await worker(planned, "a")
    rows = await take(planned, "a", 3)
    await mark(planned, "a", *(row.id for row in rows))
    await recover(planned, NOW + LEASE)
    assert await repeat_in_doubt(planned, ISSUE, NOW, "other") == 0
    assert await repeat_in_doubt(planned, "spp/other", NOW) == 0
    assert await repeat_in_doubt(planned, ISSUE, NOW, "all") == 3
    await worker(planned, "b", NOW + LEASE)
    again = await take(planned, "b", 3, NOW + LEASE)
    assert {(row.repeated, row.form, row.message_id) for row in again} == {
        (True, "7bit", row.message_id) for row in rows
    }
    await write_down(planned, "a", *(settled(row, State.SENT) for row in rows))  # a zombie's, and too late
    await mark(planned, "b", *(row.id for row in again))
    await recover(planned, NOW + 2 * LEASE)
    assert await repeat_in_doubt(planned, ISSUE, NOW) == 0
    assert await states(planned) == {"queued": 7, "in_doubt": 3}
