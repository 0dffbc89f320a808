"""How an issue stands: counts of open rows, who is at them, what was decided and started."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import sqlalchemy as sa

from pressrun.delivery.outcome import State
from pressrun.schedule.due import Standing
from pressrun.store.approval import Decision
from pressrun.store.claim import register_worker
from pressrun.store.control import Wish, cancel, pause
from pressrun.store.database import Database
from pressrun.store.delivery_log import plan
from pressrun.store.standing import occasion_for, read_sends, read_standing
from pressrun.store.start import claim_start, confirm_start
from pressrun.store.tables import approvals, deliveries, sends
from small_edition import NOW, addresses, fill_list, make_edition

ISSUE = "spp/2026-02"
MINUTE = dt.timedelta(minutes=1)
LEASE = dt.timedelta(seconds=30)


async def put(
    database: Database, states: Mapping[State, int], list_name: str = "all", start: int = 0, worker: str = "w"
) -> None:
    """Plan the issue for a list with rows in these states; those in work are `worker`'s."""
    wanted = [state for state, count in states.items() for _ in range(count)]
    await fill_list(database, list_name, addresses(len(wanted), start))
    send_id = (await plan(database, make_edition(), list_name, NOW)).send_id
    rows = sa.select(deliveries.c.id).where(deliveries.c.send_id == send_id).order_by(deliveries.c.id)
    async with database.write() as connection:
        for n, (row_id, state) in enumerate(zip((await connection.scalars(rows)).all(), wanted, strict=True)):
            held_by = worker if state in (State.SENDING, State.DOT) else None
            values = {"state": state.value, "worker_id": held_by, "due_at": NOW + n * MINUTE}
            await connection.execute(sa.update(deliveries).where(deliveries.c.id == row_id).values(values))


async def hold(database: Database, list_name: str = "all") -> None:
    async with database.write() as connection:
        await connection.execute(sa.update(sends).where(sends.c.list == list_name).values(held=True))


async def decide(database: Database, decision: Decision, at: dt.datetime, send_at: dt.datetime | None = None) -> None:
    row = {"issue": ISSUE, "seal": "s", "decision": decision, "decided_by": "Lin", "send_at": send_at, "created_at": at}
    async with database.write() as connection:
        await connection.execute(sa.insert(approvals), row)


async def start(database: Database, occasion: str, at: dt.datetime) -> None:
    assert await claim_start(database, ISSUE, occasion, "looker", at, stale=MINUTE)
    assert await confirm_start(database, ISSUE, occasion, "run", at)


async def read(database: Database, *lists: str, now: dt.datetime = NOW) -> Standing:
    return await read_standing(database, ISSUE, lists or ("all",), now)


async def test_what_was_never_planned(database: Database) -> None:
    assert await read(database) == Standing()
    assert await read_sends(database) == {}


async def test_open_rows_are_counted_and_settled_ones_are_not(database: Database) -> None:
    await put(database, {State.SENT: 2, State.QUEUED: 3, State.DEFERRED: 2, State.IN_DOUBT: 1, State.FAILED: 1})
    standing = await read(database)
    assert (standing.planned, standing.open, standing.queued, standing.held_back) == (True, 5, 3, 0)
    assert standing.next_due == NOW + 5 * MINUTE
    assert (standing.abandoned, standing.working) == (0, 0)  # nobody ever started them
    assert await read_sends(database) == {ISSUE: {"all": True}}


async def test_a_settled_issue_has_no_open_rows(database: Database) -> None:
    await put(database, {State.SENT: 2, State.SUPPRESSED: 1})
    assert await read(database) == Standing(planned=True)
    assert await read_sends(database) == {ISSUE: {"all": False}}


async def test_only_the_lists_asked_for_count(database: Database) -> None:
    await put(database, {State.QUEUED: 2})
    assert (await read(database, "press")).open == 0
    both = await read(database, "all", "press")
    assert (both.planned, both.partly, both.open) == (False, True, 2)
    await put(database, {State.DOT: 1}, "press", start=50)
    assert (await read(database, "all", "press")).planned
    assert (await read(database, "press")).open == 1
    assert await read_sends(database) == {ISSUE: {"all": True, "press": True}}


async def test_rows_of_held_sends_may_not_leave(database: Database) -> None:
    await put(database, {State.QUEUED: 2, State.DEFERRED: 1})
    await put(database, {State.QUEUED: 4}, "press", start=50)
    await hold(database)
    standing = await read(database, "all", "press")
    assert (standing.open, standing.queued, standing.held_back, standing.next_due) == (7, 4, 3, None)


async def test_rows_in_work_are_a_live_workers_or_lost(database: Database) -> None:
    await put(database, {State.SENDING: 2, State.DOT: 1, State.QUEUED: 4}, worker="a")
    await put(database, {State.DOT: 2}, "press", start=50, worker="b")
    await register_worker(database, "a", "host", 1, NOW, LEASE)
    await register_worker(database, "b", "host", 2, NOW, 2 * LEASE)
    alive = await read(database, "all", "press")
    assert (alive.open, alive.working, alive.abandoned, alive.lost_at) == (9, 5, 0, None)
    one_dead = await read(database, "all", "press", now=NOW + LEASE)
    assert (one_dead.working, one_dead.abandoned, one_dead.lost_at) == (2, 3, NOW + LEASE)
    both_dead = await read(database, "all", "press", now=NOW + 2 * LEASE)
    assert (both_dead.working, both_dead.abandoned, both_dead.lost_at) == (0, 5, NOW + 2 * LEASE)


async def test_rows_of_a_worker_that_nobody_knows_are_lost_since_they_changed(database: Database) -> None:
    await put(database, {State.SENDING: 2})
    standing = await read(database)
    assert (standing.abandoned, standing.lost_at) == (2, NOW)


async def test_queued_rows_are_abandoned_where_a_start_was_confirmed_and_nobody_works(database: Database) -> None:
    await put(database, {State.QUEUED: 3, State.DOT: 1}, worker="a")
    await register_worker(database, "a", "host", 1, NOW, LEASE)
    await start(database, "all: due x", NOW)
    assert (await read(database)).abandoned == 0
    async with database.write() as connection:
        await connection.execute(sa.update(deliveries).where(deliveries.c.state == "dot").values(state="sent"))
    assert (await read(database)).abandoned == 3


async def test_starts_are_told_by_lists_and_by_what_they_are_for(database: Database) -> None:
    await start(database, occasion_for(("all",), "ask 1"), NOW - 3 * MINUTE)
    await start(database, occasion_for(("all",), "ask 2"), NOW - 2 * MINUTE)
    await start(database, occasion_for(("all",), "due 1"), NOW - MINUTE)
    await start(database, occasion_for(("all",), "retry 1"), NOW)
    await start(database, occasion_for(("al",), "due 1"), NOW + MINUTE)
    assert await claim_start(database, ISSUE, "all: lost 1", "looker", NOW, stale=MINUTE)  # not confirmed
    standing = await read(database)
    assert (standing.started, standing.starts) == (NOW, 4)
    assert (standing.asked, standing.asked_for) == (NOW - 2 * MINUTE, "ask 2")
    assert (await read(database, now=NOW + dt.timedelta(days=1, minutes=-2))).starts == 2
    assert (await read(database, "all", "al")).started is None


def test_an_occasion_that_is_none_stays_none() -> None:
    assert occasion_for(("all", "press"), "due 1") == "all+press: due 1"
    assert occasion_for(("all",), "") == ""


async def test_a_list_whose_name_holds_wildcards_is_itself_only(database: Database) -> None:
    await start(database, occasion_for(("abc",), "due 1"), NOW)
    assert (await read(database, "a%")).started is None
    assert (await read(database, "a_c")).started is None


async def test_the_newest_decision_counts(database: Database) -> None:
    await put(database, {State.QUEUED: 2})
    await decide(database, Decision.REJECTED, NOW)
    assert (await read(database)).approval is Decision.REJECTED
    await decide(database, Decision.APPROVED, NOW + MINUTE, send_at=NOW + 5 * MINUTE)
    standing = await read(database)
    assert (standing.approval, standing.approved_at) == (Decision.APPROVED, NOW + MINUTE)
    assert standing.approved_send_at == NOW + 5 * MINUTE


async def test_what_is_held_after_a_decision_is_something_else(database: Database) -> None:
    await put(database, {State.QUEUED: 2})
    await decide(database, Decision.APPROVED, NOW + MINUTE, send_at=NOW + 5 * MINUTE)
    await hold(database)
    changed = await read(database)
    assert (changed.approval, changed.approved_send_at) == (None, None)
    await decide(database, Decision.REJECTED, NOW - MINUTE)  # before what is planned now
    assert (await read(database)).approval is None
    await decide(database, Decision.REJECTED, NOW + 2 * MINUTE)
    assert (await read(database)).approval is Decision.REJECTED


async def test_what_operators_want_is_in_it(database: Database) -> None:
    await put(database, {State.QUEUED: 2})
    await pause(database, ISSUE, NOW, reason="too many refusals")
    paused = await read(database)
    assert (paused.wish, paused.paused_because) == (Wish.PAUSE, "too many refusals")
    await cancel(database, ISSUE, NOW)
    assert (await read(database)).wish is Wish.CANCEL


async def test_what_live_workers_do_through_other_lists_is_told(database: Database) -> None:
    await put(database, {State.DOT: 2, State.QUEUED: 1}, worker="a")
    await put(database, {State.QUEUED: 2}, "press", start=50)
    await register_worker(database, "a", "host", 1, NOW, LEASE)
    assert (await read(database, "press")).elsewhere == 2
    assert (await read(database, "all")).elsewhere == 0
    assert (await read(database, "press", now=NOW + LEASE)).elsewhere == 0
