"""Pausing, resuming and cancelling: what is wanted of an issue, and rows that stay true."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence

import pytest
import sqlalchemy as sa

from pressrun.delivery.outcome import State
from pressrun.errors import UsageError
from pressrun.store.claim import retire_worker
from pressrun.store.control import Wish, cancel, cancel_open, pause, read_reason, read_wish, require_run, resume
from pressrun.store.database import Database, open_database
from pressrun.store.delivery_log import count_states, plan
from pressrun.store.tables import controls, deliveries
from small_edition import NOW, addresses, fill_list, make_edition

ISSUE = "spp/2026-02"
OTHER = "spp/2025-02"
LATER = NOW + dt.timedelta(hours=1)
WORKING = [State.QUEUED, State.QUEUED, State.DEFERRED, State.SENDING, State.DOT, State.SENT, State.IN_DOUBT]


async def put(database: Database, states: Sequence[State], issue: str = ISSUE) -> None:
    """Rows of `issue` in these states, in this order; those in work are a worker's."""
    await fill_list(database, "all", addresses(len(states)))
    await plan(database, make_edition(issue=issue, id=issue.encode().hex()), "all", NOW)
    rows = sa.select(deliveries.c.id).where(deliveries.c.issue == issue).order_by(deliveries.c.id)
    async with database.write() as connection:
        for row_id, state in zip((await connection.scalars(rows)).all(), states, strict=True):
            worker = "w" if state in (State.SENDING, State.DOT) else None
            values = {"state": state.value, "worker_id": worker}
            await connection.execute(sa.update(deliveries).where(deliveries.c.id == row_id).values(**values))


async def counts(database: Database, issue: str = ISSUE) -> dict[State, int]:
    return {state: count for state, count in (await count_states(database, issue)).items() if count}


async def test_an_issue_runs_until_somebody_says_otherwise(database: Database) -> None:
    assert await read_wish(database, ISSUE) is Wish.RUN
    await require_run(database, ISSUE)


async def test_a_paused_issue_keeps_its_rows_and_goes_on_when_resumed(database: Database) -> None:
    await put(database, WORKING)
    before = await counts(database)
    await pause(database, ISSUE, NOW)
    assert await read_wish(database, ISSUE) is Wish.PAUSE
    with pytest.raises(UsageError, match=f"is paused — pressrun resume {ISSUE} "):
        await require_run(database, ISSUE)
    assert await read_wish(database, OTHER) is Wish.RUN
    assert await resume(database, ISSUE, LATER) == 0
    assert await read_wish(database, ISSUE) is Wish.RUN
    await require_run(database, ISSUE)
    assert await counts(database) == before


async def test_saying_it_twice_changes_nothing(database: Database) -> None:
    await put(database, WORKING)
    for _ in range(2):
        await pause(database, ISSUE, NOW)
        assert await read_wish(database, ISSUE) is Wish.PAUSE
    for _ in range(2):
        assert await resume(database, ISSUE, NOW) == 0
    assert [await cancel(database, ISSUE, NOW) for _ in range(2)] == [3, 0]
    async with database.read() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(controls)) == 1


async def test_the_reason_of_a_pause_is_told_and_the_first_one_stays_until_it_is_resumed(database: Database) -> None:
    await put(database, WORKING)
    assert await read_reason(database, ISSUE) is None
    await pause(database, ISSUE, NOW, reason="too much was refused")
    for reason in (None, "another worker saw it too"):
        await pause(database, ISSUE, NOW, reason=reason)
        assert await read_reason(database, ISSUE) == "too much was refused"
    with pytest.raises(UsageError, match=f"is paused: too much was refused — pressrun resume {ISSUE} "):
        await require_run(database, ISSUE)
    await resume(database, ISSUE, LATER)
    assert await read_reason(database, ISSUE) is None
    await pause(database, ISSUE, LATER)
    with pytest.raises(UsageError, match=f"{ISSUE} is paused — pressrun resume"):
        await require_run(database, ISSUE)
    await pause(database, ISSUE, NOW, reason="and then it stopped itself")
    assert await read_reason(database, ISSUE) == "and then it stopped itself"
    await cancel(database, ISSUE, LATER)
    assert await read_reason(database, ISSUE) is None


async def test_cancelling_closes_what_waits_and_leaves_the_workers_rows_to_them(database: Database) -> None:
    await put(database, WORKING)
    await put(database, WORKING, OTHER)
    await pause(database, ISSUE, NOW)
    assert await cancel(database, ISSUE, LATER) == 3
    assert await read_wish(database, ISSUE) is Wish.CANCEL
    assert await counts(database) == {
        State.SENDING: 1,
        State.DOT: 1,
        State.SENT: 1,
        State.IN_DOUBT: 1,
        State.CANCELLED: 3,
    }
    assert State.CANCELLED not in await counts(database, OTHER)
    with pytest.raises(UsageError, match=f"is cancelled — pressrun resume {ISSUE} --cancelled"):
        await require_run(database, ISSUE)


async def test_rows_given_back_under_a_cancel_are_closed_too(database: Database) -> None:
    await put(database, WORKING)
    await put(database, WORKING, OTHER)
    await cancel(database, ISSUE, NOW)
    back = sa.update(deliveries).where(deliveries.c.state == State.SENDING.value).values(state=State.QUEUED.value)
    async with database.write() as connection:
        await connection.execute(back)
        assert await cancel_open(connection, OTHER, LATER) == 0  # nobody cancelled that one
        assert await cancel_open(connection, ISSUE, LATER) == 1
    assert (await counts(database))[State.CANCELLED] == 4
    assert State.CANCELLED not in await counts(database, OTHER)


async def test_rows_of_every_cancelled_issue_can_be_closed_at_once(database: Database) -> None:
    issues = [ISSUE, OTHER, "spp/2024-01"]
    for issue in issues:
        await put(database, [State.QUEUED, State.SENDING], issue)
    for issue in issues[:2]:
        await cancel(database, issue, NOW)
    async with database.write() as connection:
        await connection.execute(sa.update(deliveries).values(state=State.QUEUED.value))
        assert await cancel_open(connection, None, LATER) == 4
    assert [await counts(database, issue) for issue in issues] == [
        {State.CANCELLED: 2},
        {State.CANCELLED: 2},
        {State.QUEUED: 2},
    ]


async def test_a_cancel_is_taken_back_only_by_name(database: Database) -> None:
    await put(database, WORKING)
    with pytest.raises(UsageError, match="not cancelled"):
        await resume(database, ISSUE, NOW, cancelled=True)
    await cancel(database, ISSUE, NOW)
    for refused in (pause(database, ISSUE, NOW), resume(database, ISSUE, NOW)):
        with pytest.raises(UsageError, match="--cancelled"):
            await refused
    assert await read_wish(database, ISSUE) is Wish.CANCEL
    assert await resume(database, ISSUE, LATER, cancelled=True) == 3
    assert await read_wish(database, ISSUE) is Wish.RUN
    assert (await counts(database))[State.QUEUED] == 3
    async with database.read() as connection:
        due = await connection.scalars(sa.select(deliveries.c.due_at).where(deliveries.c.state == "queued"))
        assert set(due) == {LATER}


async def test_what_waits_to_be_sent_a_second_time_stays_in_doubt_when_it_is_cancelled(database: Database) -> None:
    await put(database, [State.QUEUED, State.DEFERRED, State.QUEUED])
    async with database.write() as connection:
        second = sa.update(deliveries).where(deliveries.c.address.in_(addresses(2)))
        await connection.execute(second.values(repeated=True))
    assert await cancel(database, ISSUE, LATER) == 3
    assert await counts(database) == {State.IN_DOUBT: 2, State.CANCELLED: 1}
    assert await resume(database, ISSUE, LATER, cancelled=True) == 1


async def test_what_waited_for_its_moment_waits_for_it_again_when_a_cancel_is_taken_back(database: Database) -> None:
    await put(database, [State.QUEUED, State.DEFERRED, State.DEFERRED])
    moments = [NOW, LATER + dt.timedelta(hours=7), LATER - dt.timedelta(minutes=1)]
    async with database.write() as connection:
        for address, moment in zip(addresses(3), moments, strict=True):
            row = sa.update(deliveries).where(deliveries.c.address == address)
            await connection.execute(row.values(due_at=moment))
    await cancel(database, ISSUE, NOW)
    assert await resume(database, ISSUE, LATER, cancelled=True) == 3
    assert await counts(database) == {State.QUEUED: 2, State.DEFERRED: 1}
    async with database.read() as connection:
        kept = await connection.scalar(sa.select(deliveries.c.due_at).where(deliveries.c.state == "deferred"))
    assert kept == moments[1]


@pytest.mark.postgres
async def test_rows_given_back_while_the_cancel_is_being_written_are_closed(postgres_url: str) -> None:
    """Neither transaction sees what the other has not committed: the rows would wait for a run that never comes."""
    async with open_database(postgres_url) as database:
        await put(database, [State.QUEUED, State.SENDING, State.SENDING])
        async with database.write() as connection:
            queued = sa.select(deliveries.c.id).where(deliveries.c.state == State.QUEUED.value)
            await connection.execute(queued.with_for_update())
            cancelling = asyncio.create_task(cancel(database, ISSUE, LATER))
            await _until_waiting(database, 1, cancelling)  # at that row: it has looked which others there are
            giving = asyncio.create_task(retire_worker(database, "w", LATER))
            await _until_waiting(database, 2, giving)
        await asyncio.gather(cancelling, giving)
        assert await counts(database) == {State.CANCELLED: 3}


async def _until_waiting(database: Database, count: int, task: asyncio.Task[object]) -> None:
    """Until so many transactions wait for others, or the task did not have to."""
    waiting = sa.text("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")
    while not task.done():
        async with database.read() as connection:
            if await connection.scalar(waiting) >= count:
                return


@pytest.mark.parametrize("states", [[State.SENT, State.FAILED], [State.IN_DOUBT]])
async def test_what_is_finished_can_be_neither_paused_nor_cancelled(database: Database, states: list[State]) -> None:
    await put(database, states)
    for refused in (pause(database, ISSUE, NOW), cancel(database, ISSUE, NOW)):
        with pytest.raises(UsageError, match=f"is finished: no row is open — pressrun status {ISSUE}"):
            await refused
    assert await read_wish(database, ISSUE) is Wish.RUN
    assert await resume(database, ISSUE, NOW) == 0


async def test_what_was_never_planned_is_told_so(database: Database) -> None:
    for refused in (pause(database, ISSUE, NOW), resume(database, ISSUE, NOW), cancel(database, ISSUE, NOW)):
        with pytest.raises(UsageError, match=f"nothing of {ISSUE} was planned"):
            await refused
    assert await read_wish(database, ISSUE) is Wish.RUN


async def test_two_operators_at_once_leave_one_wish_and_true_rows(database: Database) -> None:
    await put(database, [State.QUEUED] * 6)
    ended = await asyncio.gather(
        *(pause(database, ISSUE, NOW) for _ in range(3)),
        *(cancel(database, ISSUE, NOW) for _ in range(3)),
        return_exceptions=True,
    )
    assert all(one is None or isinstance(one, int | UsageError) for one in ended)
    assert sum(one for one in ended if isinstance(one, int)) == 6
    assert await counts(database) == {State.CANCELLED: 6}
    assert await read_wish(database, ISSUE) is Wish.CANCEL
