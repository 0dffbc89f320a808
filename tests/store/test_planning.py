"""Planning under approval: proposals, what becomes of them when something changes, and rows that are dated anew."""

from __future__ import annotations

import asyncio
import datetime as dt
import multiprocessing
import tempfile
from contextlib import AsyncExitStack

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from approved_plan import FIRST, HOUR, ISSUE, MENDED, begin, put_up, rows, seal_now
from pressrun.address import parse_address
from pressrun.delivery.outcome import State
from pressrun.errors import UsageError
from pressrun.store.approval import Decision, decide, read_approval, read_seal
from pressrun.store.control import cancel, require_run, resume
from pressrun.store.database import Database, open_database
from pressrun.store.delivery_log import count_states, plan, read_log
from pressrun.store.planning import propose, redate
from pressrun.store.subscribers import remove_subscriber, suppress_address
from pressrun.store.tables import deliveries, sends, subscribers
from small_edition import NOW, addresses, fill_list, make_edition

APPROVED, REJECTED = Decision.APPROVED, Decision.REJECTED
SPAWN = multiprocessing.get_context("spawn")
DAY = dt.timedelta(days=1)
VIENNA, TOKYO = "Europe/Vienna", "Asia/Tokyo"


async def approve(database: Database, seal: str | None = None) -> None:
    await decide(database, ISSUE, APPROVED, "Ann", NOW, seal=seal)


async def editions(database: Database) -> set[tuple[str, bool]]:
    return {(edition, held) for _, _, edition, held in await rows(database)}


async def people(database: Database) -> list[str]:
    return sorted(address for _, address, _, _ in await rows(database))


async def test_a_changed_edition_leaves_nothing_of_the_earlier_proposal(database: Database) -> None:
    first = await put_up(database, 3)
    second = await seal_now(database, MENDED)
    assert first != second
    assert await editions(database) == {(MENDED.id, True)}
    assert len({row.message_id async for row in read_log(database, ISSUE)}) == 3
    assert await seal_now(database, FIRST) == first  # and back again
    assert await editions(database) == {(FIRST.id, True)}


async def test_a_change_after_approval_asks_again_and_holds_all_back(database: Database) -> None:
    await put_up(database, 3)
    await approve(database)
    seal = await seal_now(database, MENDED)
    assert await editions(database) == {(MENDED.id, True)}
    assert await read_approval(database, ISSUE) is None
    assert await begin(database, 9) == []
    await approve(database, seal)
    assert len(await begin(database, 9)) == 3


async def test_what_has_begun_goes_on_as_it_was_approved(database: Database) -> None:
    seal = await put_up(database, 2, "north", "south")
    await approve(database)
    await begin(database, 1)
    assert await seal_now(database, MENDED, "north", "south") == seal
    assert await editions(database) == {(FIRST.id, False)}
    approval = await read_approval(database, ISSUE)
    assert approval is not None and approval.decision is APPROVED
    assert len(await begin(database, 9)) == 3


async def test_who_joins_what_has_begun_waits_for_an_approval_of_their_own(database: Database) -> None:
    await put_up(database, 2)
    await approve(database)
    await begin(database, 1)
    await fill_list(database, "all", addresses(1, 7))
    await seal_now(database, MENDED)
    assert await editions(database) == {(FIRST.id, False), (MENDED.id, True)}
    assert len(await begin(database, 9)) == 1
    await approve(database)
    assert await begin(database, 9) == addresses(1, 7)


async def test_a_row_that_was_claimed_and_given_back_has_not_begun(database: Database) -> None:
    await put_up(database, 2)
    await approve(database)
    assert len(await begin(database, 1, State.QUEUED)) == 1
    async with database.write() as connection:
        await connection.execute(sa.update(deliveries).values(attempts=0, worker_id=None))
    await seal_now(database, MENDED)
    assert await editions(database) == {(MENDED.id, True)}


async def test_proposing_again_adds_nobody_unless_it_is_to_be_fresh(database: Database) -> None:
    before = await put_up(database, 3)
    await remove_subscriber(database, parse_address(addresses(1)[0]), "all", NOW)
    await suppress_address(database, parse_address(addresses(1, 1)[0]), "complained", NOW)
    await fill_list(database, "all", addresses(1, 7))
    assert await seal_now(database, FIRST) == before
    after = await seal_now(database, FIRST, fresh=True)
    assert after != before
    assert await people(database) == [*addresses(2, 1), *addresses(1, 7)]
    assert (await count_states(database, ISSUE))[State.SUPPRESSED] == 1


async def test_a_fresh_proposal_of_one_list_loses_nobody_of_another(database: Database) -> None:
    await fill_list(database, "north", addresses(4))
    await fill_list(database, "south", addresses(4, 2))
    await seal_now(database, FIRST, "north", "south")
    await remove_subscriber(database, parse_address(addresses(1, 3)[0]), "north", NOW)
    await seal_now(database, FIRST, "north", fresh=True)
    assert await people(database) == addresses(6)


async def test_fresh_or_not_what_was_approved_stays(database: Database) -> None:
    seal = await put_up(database, 3)
    await approve(database)
    await fill_list(database, "all", addresses(2, 7))
    assert await seal_now(database, FIRST, fresh=True) == seal
    assert await editions(database) == {(FIRST.id, False)}


async def test_after_a_rejection_people_are_looked_up_anew(database: Database) -> None:
    await put_up(database, 3, "all", "wrong")
    await decide(database, ISSUE, REJECTED, "Ann", NOW, note="not to that list")
    await fill_list(database, "all", addresses(1, 70))
    await seal_now(database, FIRST, "all")
    assert await people(database) == [*addresses(3), *addresses(1, 70)]
    assert await read_approval(database, ISSUE) is None


async def test_a_proposal_is_as_old_as_its_rows(database: Database) -> None:
    await put_up(database, 2)
    await propose(database, FIRST, ["all"], NOW + HOUR)
    await decide(database, ISSUE, REJECTED, "Ann", NOW + 2 * HOUR)
    await propose(database, FIRST, ["all"], NOW + 3 * HOUR)
    async with database.read() as connection:
        made = sa.select(sends.c.created_at, deliveries.c.created_at).join(deliveries)
        assert {tuple(row) for row in await connection.execute(made)} == {(NOW + 3 * HOUR, NOW + 3 * HOUR)}


async def test_a_list_that_is_added_is_part_of_the_proposal(database: Database) -> None:
    first = await put_up(database, 2, "north")
    await fill_list(database, "south", addresses(2, 5))
    second = await propose(database, FIRST, ["south"], NOW)
    assert second.seal is not None and second.seal.text != first
    assert second.seal.lists == ("north", "south")
    assert second.plans["south"].added == 2


async def test_a_list_whose_people_are_all_on_another_changes_nothing(database: Database) -> None:
    await fill_list(database, "all", addresses(4))
    await fill_list(database, "some", addresses(2))
    first = await seal_now(database, FIRST, "all", "some")
    await fill_list(database, "all", addresses(1, 9))
    assert await seal_now(database, FIRST, "all", "some") == first


async def test_a_list_that_fills_later_is_planned_then(database: Database) -> None:
    await fill_list(database, "all", addresses(1))
    await remove_subscriber(database, parse_address(addresses(1)[0]), "all", NOW)
    proposal = await propose(database, FIRST, ["all"], NOW)
    assert (proposal.seal, proposal.plans["all"].audience) == (None, 0)
    await fill_list(database, "all", addresses(2, 5))
    assert (await plan(database, FIRST, "all", NOW, held=True)).added == 2
    assert await editions(database) == {(FIRST.id, True)}


async def test_an_unknown_list_leaves_a_proposal_as_it_is(database: Database) -> None:
    seal = await put_up(database, 2)
    with pytest.raises(UsageError, match="no list 'nobody'"):
        await propose(database, MENDED, ["all", "nobody"], NOW)
    found = await read_seal(database, ISSUE)
    assert found is not None and found.text == seal


async def test_planning_without_approval_can_not_slip_into_what_waits_for_it(database: Database) -> None:
    await put_up(database, 2)
    await fill_list(database, "all", addresses(3))
    for edition in (FIRST, MENDED):
        with pytest.raises(UsageError, match=f"waits for approval — pressrun approve {ISSUE} --by NAME"):
            await plan(database, edition, "all", NOW)
    assert len(await rows(database)) == 2
    other = make_edition(id="a" * 64, issue="spp/2025-02")
    assert (await plan(database, other, "all", NOW)).added == 3


async def test_what_was_proposed_and_taken_back_can_be_planned_without_approval(database: Database) -> None:
    await put_up(database, 2)
    await seal_now(database, MENDED)
    await approve(database)
    await fill_list(database, "all", addresses(3))
    assert (await plan(database, FIRST, "all", NOW)).added == 1  # its send was held, and is empty
    assert await editions(database) == {(FIRST.id, False), (MENDED.id, False)}


async def test_what_was_cancelled_is_taken_back_only_by_name(database: Database) -> None:
    await put_up(database, 2)
    assert await cancel(database, ISSUE, NOW) == 2
    await fill_list(database, "all", addresses(3))
    for refused in (seal_now(database, MENDED), plan(database, FIRST, "all", NOW)):  # rows that no run comes for
        with pytest.raises(UsageError, match="--cancelled"):
            await refused
    assert await editions(database) == {(FIRST.id, True)}
    assert await resume(database, ISSUE, NOW, cancelled=True) == 2
    assert await begin(database, 9) == []
    await seal_now(database, MENDED)
    assert await editions(database) == {(MENDED.id, True)}


async def test_a_row_that_was_cancelled_is_never_taken_back(database: Database) -> None:
    await put_up(database, 2)
    one = sa.update(deliveries).where(deliveries.c.address == addresses(1)[0])
    async with database.write() as connection:
        await connection.execute(one.values(state=State.CANCELLED.value))
    await seal_now(database, MENDED)
    found = [(row.address, row.state) async for row in read_log(database, ISSUE, [State.CANCELLED])]
    assert found == [(addresses(1)[0], State.CANCELLED)]


async def test_a_run_is_refused_while_all_that_is_open_waits(database: Database) -> None:
    await put_up(database, 2, "north", "south")
    for list_name in (None, "north", "south"):
        with pytest.raises(UsageError, match="waits for approval"):
            await require_run(database, ISSUE, list_name)
    await require_run(database, ISSUE, held_too=True)
    await require_run(database, "spp/other")
    await approve(database)
    await require_run(database, ISSUE, "north")
    await fill_list(database, "late", addresses(1, 70))
    await seal_now(database, FIRST, "late")
    await require_run(database, ISSUE)
    with pytest.raises(UsageError, match="waits for approval"):
        await require_run(database, ISSUE, "late")
    await begin(database, 9)
    with pytest.raises(UsageError, match="waits for approval"):
        await require_run(database, ISSUE)
    await require_run(database, ISSUE, "north")  # finished: there is nothing to wait for


async def test_proposals_at_once_end_as_one_of_them(database: Database) -> None:
    await put_up(database, 4, "north", "south")
    made = await asyncio.gather(
        *(
            propose(database, edition, ["north", "south"], NOW, fresh=True)
            for edition in (FIRST, MENDED, FIRST, MENDED)
        ),
    )
    (edition,) = {edition for _, _, edition, _ in await rows(database)}
    assert len(await people(database)) == len(set(await people(database))) == 8
    for proposal, wanted in zip(made, (FIRST, MENDED, FIRST, MENDED), strict=True):
        assert proposal.seal is not None and proposal.seal.edition_ids == (wanted.id,)
    found = await read_seal(database, ISSUE)
    assert found is not None and found.edition_ids == (edition,)


def _propose(url: str, edition_id: str, barrier: object) -> None:
    async def run() -> None:
        async with open_database(url) as database:
            barrier.wait(60)  # type: ignore[attr-defined]
            for _ in range(4):
                await propose(database, make_edition(id=edition_id), ["all"], NOW, fresh=True)

    asyncio.run(run())


async def test_processes_that_propose_at_once_leave_one_proposal(database: Database, database_url: str) -> None:
    await fill_list(database, "all", addresses(20))
    barrier = SPAWN.Barrier(2)
    processes = [SPAWN.Process(target=_propose, args=(database_url, letter * 64, barrier)) for letter in "ab"]
    for process in processes:
        process.start()
    for process in processes:
        await asyncio.to_thread(process.join)
    assert [process.exitcode for process in processes] == [0, 0]
    assert len(await editions(database)) == 1
    assert await people(database) == addresses(20)


async def zoned(database: Database, *zones: str) -> None:
    """People on the list `all`, one in each zone; an empty one is none."""
    await fill_list(database, "all", addresses(len(zones)))
    async with database.write() as connection:
        for address, zone in zip(addresses(len(zones)), zones, strict=True):
            person = sa.update(subscribers).where(subscribers.c.address == address)
            await connection.execute(person.values(attributes={"timezone": zone} if zone else {}))


async def test_rows_of_a_time_zone_wait_for_its_moment(database: Database) -> None:
    await zoned(database, VIENNA, TOKYO, "", "Mars/Base")
    await suppress_address(database, parse_address(addresses(1, 1)[0]), "complained", NOW)
    await plan(database, FIRST, "all", NOW, due_by_zone={VIENNA: NOW + HOUR, TOKYO: NOW + HOUR})
    found = [(row.state, row.due_at, row.created_at, row.attempts) async for row in read_log(database, ISSUE)]
    assert found == [
        (State.DEFERRED, NOW + HOUR, NOW + HOUR, 0),
        (State.SUPPRESSED, NOW + HOUR, NOW + HOUR, 0),
        (State.QUEUED, NOW, NOW, 0),
        (State.QUEUED, NOW, NOW, 0),
    ]
    (waiting,) = [row.reply async for row in read_log(database, ISSUE, [State.DEFERRED])]
    assert waiting == "waits for its time in Europe/Vienna: 2026-02-20 10:00 UTC"


async def test_a_zone_whose_moment_is_past_leaves_at_once(database: Database) -> None:
    await zoned(database, VIENNA, TOKYO)
    await plan(database, FIRST, "all", NOW, due_by_zone={VIENNA: NOW + HOUR, TOKYO: NOW - HOUR})
    assert [row.state async for row in read_log(database, ISSUE)] == [State.DEFERRED, State.QUEUED]
    assert [row.created_at async for row in read_log(database, ISSUE, [State.QUEUED])] == [NOW]


async def test_people_of_no_known_zone_wait_for_the_moment_of_all_others(database: Database) -> None:
    await zoned(database, VIENNA, "", "Mars/Base")
    await plan(database, FIRST, "all", NOW, due_by_zone={VIENNA: NOW - HOUR, "": NOW + HOUR})
    found = [(row.state, row.due_at) async for row in read_log(database, ISSUE)]
    assert found == [(State.QUEUED, NOW), (State.DEFERRED, NOW + HOUR), (State.DEFERRED, NOW + HOUR)]


async def test_messages_that_waited_for_their_approval_are_dated_when_they_leave(database: Database) -> None:
    await put_up(database, 3)
    await approve(database)
    assert len(await begin(database, 1)) == 1
    later = NOW + 2 * DAY
    await redate(database, ISSUE, None, later, {})
    assert [row.created_at async for row in read_log(database, ISSUE)] == [NOW, later, later]
    await redate(database, ISSUE, None, later + HOUR / 2, {})
    assert [row.created_at async for row in read_log(database, ISSUE)] == [NOW, later, later]


async def test_what_was_tried_keeps_its_date(database: Database) -> None:
    await put_up(database, 2)
    await approve(database)
    assert await begin(database, 1, State.QUEUED) == addresses(1)  # its connection broke before the dot
    await redate(database, ISSUE, None, NOW + DAY, {})
    assert [row.created_at async for row in read_log(database, ISSUE)] == [NOW, NOW + DAY]


async def test_what_is_held_is_not_dated_anew(database: Database) -> None:
    await put_up(database, 2)
    await redate(database, ISSUE, None, NOW + DAY, {})
    assert {row.created_at async for row in read_log(database, ISSUE)} == {NOW}


async def test_another_time_moves_the_zones_that_have_not_left(database: Database) -> None:
    await zoned(database, VIENNA, TOKYO, "")
    await propose(database, FIRST, ["all"], NOW, due_by_zone={VIENNA: NOW + HOUR, TOKYO: NOW + HOUR})
    await approve(database)
    await redate(database, ISSUE, "all", NOW, {VIENNA: NOW + DAY, TOKYO: NOW - HOUR})
    found = [(row.state, row.due_at, row.reply) async for row in read_log(database, ISSUE)]
    assert found[0] == (State.DEFERRED, NOW + DAY, "waits for its time in Europe/Vienna: 2026-02-21 09:00 UTC")
    assert found[1][:2] == (State.DEFERRED, NOW - HOUR)
    assert found[2] == (State.QUEUED, NOW, None)
    assert await begin(database, 9) == addresses(2, 1)


async def test_a_row_put_off_for_its_domain_keeps_its_time(database: Database) -> None:
    await zoned(database, VIENNA)
    await plan(database, FIRST, "all", NOW)
    put_off = {"state": "deferred", "due_at": NOW + HOUR, "reply": "put off: the domain rests"}
    async with database.write() as connection:
        await connection.execute(sa.update(deliveries).values(**put_off))
    await redate(database, ISSUE, "all", NOW, {VIENNA: NOW + DAY})
    assert [(row.due_at, row.reply) async for row in read_log(database, ISSUE)] == [(NOW + HOUR, put_off["reply"])]


class Approving(RuleBasedStateMachine):
    """People, editions, approvers and workers in any order, against a model that knows promise 8 and nothing else."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.runner.run(self._set_up())
        self.members = set(addresses(3))
        self.released: set[tuple[str, str]] = set()  # whom somebody's approval was about, and with which edition
        self.begun: set[str] = set()
        self.seal = ""

    async def _set_up(self) -> None:
        self.database = await self.stack.enter_async_context(open_database(self.url))
        await fill_list(self.database, "all", addresses(3))

    def teardown(self) -> None:
        self.runner.run(self._clear())
        self.runner.run(self.stack.aclose())
        self.runner.close()

    async def _clear(self) -> None:
        async with self.database.write() as connection:
            for table in ("deliveries", "approvals", "memberships", "sends"):
                await connection.execute(sa.text(f"DELETE FROM {table}"))

    def _rows(self) -> set[tuple[str, str, bool]]:
        return {tuple(row[1:]) for row in self.runner.run(rows(self.database))}

    @rule(number=st.integers(0, 5))
    def join(self, number: int) -> None:
        self.runner.run(fill_list(self.database, "all", addresses(1, number)))
        self.members.add(addresses(1, number)[0])

    @rule(number=st.integers(0, 5))
    def leave(self, number: int) -> None:
        (address,) = addresses(1, number)
        if address in self.members:
            self.runner.run(remove_subscriber(self.database, parse_address(address), "all", NOW))
            self.members.remove(address)

    @rule(letter=st.sampled_from("abc"), fresh=st.booleans())
    def propose(self, letter: str, fresh: bool) -> None:
        edition = make_edition(id=letter * 64)
        self.seal = self.runner.run(seal_now(self.database, edition, fresh=fresh))
        self.released = {one for one in self.released if one[1] in (edition.id, *self.begun)}

    @rule(seen=st.booleans())
    def approve(self, seen: bool) -> None:
        waiting = {(address, edition) for address, edition, held in self._rows() if held}
        try:
            self.runner.run(approve(self.database, self.seal if seen else None))
        except UsageError:
            return
        self.released |= waiting

    @rule()
    def reject(self) -> None:
        try:
            self.runner.run(decide(self.database, ISSUE, REJECTED, "Bob", NOW))
        except UsageError:
            return
        self.released = {one for one in self.released if one[1] in self.begun}

    @rule(limit=st.integers(1, 3))
    def deliver(self, limit: int) -> None:
        left = self.runner.run(begin(self.database, limit))
        editions = {address: edition for address, edition, _ in self._rows()}
        for address in left:
            assert (address, editions[address]) in self.released
            assert address in self.members
            self.begun.add(editions[address])
        self.released -= {(address, editions[address]) for address in left}

    @rule()
    def compare(self) -> None:
        found = self._rows()
        assert len({address for address, _, _ in found}) == len(found)
        assert {(address, edition) for address, edition, held in found if not held} >= self.released


def test_in_any_order_only_what_was_approved_leaves() -> None:
    with tempfile.TemporaryDirectory() as folder:
        machine = type("ApprovingHere", (Approving,), {"url": f"sqlite:///{folder}/pressrun.db"})
        few = settings(
            max_examples=20, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        )
        run_state_machine_as_test(machine, settings=few)
