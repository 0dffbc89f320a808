"""send: what it plans, what it lets leave under approval, and what it refuses."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa

from approved_plan import FIRST, ISSUE, MENDED, rows
from faulty_relay import FaultyRelay, Step, faulty_relay, say
from pressrun.delivery.outcome import State
from pressrun.delivery.send import SendReport, send
from pressrun.errors import FencedError, UsageError
from pressrun.render.edition import Edition
from pressrun.store.approval import Decision, decide
from pressrun.store.control import pause
from pressrun.store.database import Database
from pressrun.store.delivery_log import count_states, read_log
from pressrun.store.fence import read_witness
from pressrun.store.tables import subscribers
from small_edition import KEY, NOW, addresses, fill_list
from small_world import POLICY, World

DAY = dt.timedelta(days=1)


async def go(
    database: Database, relay: FaultyRelay, edition: Edition = FIRST, world: World | None = None, **how: object
) -> SendReport:
    surroundings = (world or World()).surroundings
    return await send(database, edition, "all", [relay.relay], KEY, POLICY, surroundings=surroundings, **how)  # type: ignore[arg-type]


async def approve(database: Database) -> None:
    await decide(database, ISSUE, Decision.APPROVED, "Ann", NOW)


async def test_a_send_under_approval_plans_waits_and_then_delivers(database: Database) -> None:
    await fill_list(database, "all", addresses(3))
    async with faulty_relay() as relay:
        for _ in range(2):
            with pytest.raises(UsageError, match=f"waits for approval — pressrun approve {ISSUE} --by NAME"):
                await go(database, relay, held=True)
        assert (relay.connections, len(await rows(database))) == (0, 3)
        await approve(database)
        report = await go(database, relay, held=True)
        assert report.is_finished and not report.fell_short
        assert relay.counts == dict.fromkeys(addresses(3), 1)


async def test_what_was_changed_after_approval_does_not_leave(database: Database) -> None:
    await fill_list(database, "all", addresses(3))
    async with faulty_relay() as relay:
        with pytest.raises(UsageError):
            await go(database, relay, held=True)
        await approve(database)
        with pytest.raises(UsageError, match="waits for approval"):
            await go(database, relay, MENDED, held=True)
        assert relay.connections == 0
        await approve(database)
        report = await go(database, relay, MENDED, held=True)
        assert report.counts[State.SENT] == 3
        assert {edition for _, _, edition, _ in await rows(database)} == {MENDED.id}


async def test_who_joined_after_approval_is_not_added(database: Database) -> None:
    await fill_list(database, "all", addresses(2))
    async with faulty_relay() as relay:
        with pytest.raises(UsageError):
            await go(database, relay, held=True)
        await approve(database)
        await fill_list(database, "all", addresses(3))
        report = await go(database, relay, held=True)
        assert (report.plan.added, report.plan.audience) == (0, 3)
        assert relay.counts == dict.fromkeys(addresses(2), 1)


async def test_without_adding_only_what_is_planned_goes_on_in_its_own_edition(database: Database) -> None:
    await fill_list(database, "all", addresses(3))
    async with faulty_relay([{Step.RCPT: say(b"450 4.2.1 later")}]) as relay:
        world = World()
        with pytest.raises(UsageError, match=f"nothing of {ISSUE} was planned for all"):
            await go(database, relay, add=False)
        first = await go(database, relay, world=world)
        assert first.counts[State.DEFERRED] == 1
        await fill_list(database, "all", addresses(5))
        world.wait(hours=1)
        report = await go(database, relay, MENDED, world, add=False)
        assert (report.plan.added, report.plan.audience, report.is_finished) == (0, 5, True)
        assert {edition for _, _, edition, _ in await rows(database)} == {FIRST.id}
        assert relay.counts == dict.fromkeys(addresses(3), 1)


async def test_a_message_that_waited_for_days_is_dated_when_it_leaves_and_does_not_expire(database: Database) -> None:
    await fill_list(database, "all", addresses(2))
    world = World()
    async with faulty_relay([{Step.RCPT: say(b"450 4.2.1 later")}]) as relay:
        with pytest.raises(UsageError):
            await go(database, relay, held=True)
        await approve(database)
        world.wait(days=4)
        left = world.now
        first = await go(database, relay, world=world, held=True)
        assert first.counts[State.DEFERRED] == 1
        world.wait(hours=2)
        second = await go(database, relay, world=world, held=True)
        assert second.counts[State.SENT] == 2
        assert {row.created_at async for row in read_log(database, ISSUE)} == {left}
        assert all(f"Date: {left:%a, %d %b %Y}".encode() in one.content for one in relay.accepted)


async def test_rows_of_a_time_zone_leave_at_its_moment(database: Database) -> None:
    await fill_list(database, "all", addresses(2))
    async with database.write() as connection:
        there = sa.update(subscribers).where(subscribers.c.address == addresses(1)[0])
        await connection.execute(there.values(attributes={"timezone": "Asia/Tokyo"}))
    world, moment = World(), NOW + DAY
    async with faulty_relay() as relay:
        first = await go(database, relay, world=world, due_by_zone={"Asia/Tokyo": moment})
        assert (first.counts[State.SENT], first.next_due) == (1, moment)
        world.wait(days=1)
        second = await go(database, relay, world=world, add=False, due_by_zone={"Asia/Tokyo": moment})
        assert second.is_finished
        assert relay.counts == dict.fromkeys(addresses(2), 1)


async def test_nothing_begins_after_its_time(database: Database) -> None:
    await fill_list(database, "all", addresses(3))
    async with faulty_relay() as relay:
        report = await go(database, relay, until=NOW)
        assert (report.counts[State.QUEUED], relay.accepted) == (3, [])


async def test_a_paused_issue_is_not_even_planned(database: Database) -> None:
    await fill_list(database, "all", addresses(1))
    async with faulty_relay() as relay:
        with pytest.raises(UsageError):
            await go(database, relay, held=True)
        await pause(database, ISSUE, NOW)
        await fill_list(database, "more", addresses(2, 5))
        for held in (True, False):
            with pytest.raises(UsageError, match="is paused"):
                await send(database, FIRST, "more", [relay.relay], KEY, POLICY, held=held)
    assert len(await rows(database)) == 1


async def test_a_fenced_store_plans_and_sends_nothing(database: Database, tmp_path: Path) -> None:
    witness = tmp_path / "fence.json"
    await fill_list(database, "all", addresses(2))
    async with faulty_relay() as relay:
        await go(database, relay, witness=witness)
        assert list(read_witness(witness).values()) == [1]
        await fill_list(database, "all", addresses(4))
        async with database.write() as connection:
            await connection.execute(sa.text("UPDATE fence SET epoch = 0"))
        with pytest.raises(FencedError):
            await go(database, relay, witness=witness)
        assert sum((await count_states(database, ISSUE)).values()) == 2
        assert relay.counts == dict.fromkeys(addresses(2), 1)


async def test_a_finished_list_is_done_while_another_waits_for_approval(database: Database) -> None:
    await fill_list(database, "all", addresses(2))
    await fill_list(database, "late", addresses(2, 5))
    async with faulty_relay() as relay:
        await go(database, relay)
        with pytest.raises(UsageError, match="waits for approval"):
            await send(database, FIRST, "late", [relay.relay], KEY, POLICY, held=True)
        assert (await go(database, relay)).is_finished
