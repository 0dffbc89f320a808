"""Delivering: nobody twice, nobody lost, and the log says what happened, whatever the relay and the workers do."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

import pytest
import sqlalchemy as sa

from faulty_relay import CLOSE, GOOD, STALL, Answer, FaultyRelay, Script, Step, Then, faulty_relay, say
from pressrun.address import parse_address
from pressrun.delivery.deliver import Delivered, deliver
from pressrun.delivery.leave_link import read_leave_token
from pressrun.delivery.message import wire_address
from pressrun.delivery.outcome import Kind, Outcome, State
from pressrun.delivery.policy import Policy, Surroundings
from pressrun.delivery.relay import Relay, Starttls
from pressrun.delivery.send import send
from pressrun.errors import RelayError
from pressrun.store.claim import register_worker
from pressrun.store.database import Database
from pressrun.store.delivery_log import Row, count_states, plan, read_log
from pressrun.store.journal import Mark, Scope, open_journal
from pressrun.store.subscribers import remove_subscriber, suppress_address
from pressrun.store.tables import deliveries
from small_edition import KEY, NOW, addresses, fill_list, make_edition

ISSUE = "spp/2026-02"
EDITION = make_edition()
POLICY = Policy(connections=4, timeout=0.2, final_reply_timeout=0.2)


@dataclass
class World:
    """A clock that moves only by what is slept, or by hand."""

    now: dt.datetime = NOW

    async def sleep(self, seconds: float) -> None:
        self.now += dt.timedelta(seconds=seconds)
        await asyncio.sleep(0.001)

    @property
    def surroundings(self) -> Surroundings:
        return Surroundings(lambda: self.now, self.sleep, random.Random(7), lambda: self.now.timestamp())


WORLD = World().surroundings


def real_time() -> Surroundings:
    """A clock that begins at NOW and runs as ours does."""
    begun = time.monotonic()
    return Surroundings(lambda: NOW + dt.timedelta(seconds=time.monotonic() - begun))


async def prepare(database: Database, count: int) -> None:
    await fill_list(database, "all", addresses(count))
    await plan(database, EDITION, "all", NOW)


async def run(database: Database, relay: FaultyRelay, world: World | None = None, **changes: object) -> Delivered:
    policy = replace(POLICY, **changes)  # type: ignore[arg-type]
    return await deliver(database, ISSUE, [relay.relay], KEY, policy, surroundings=(world or World()).surroundings)


async def states(database: Database, planned: int) -> dict[str, int]:
    counts = await count_states(database, ISSUE)
    assert sum(counts.values()) == planned
    return {str(state): count for state, count in counts.items() if count}


async def log(database: Database, *wanted: State) -> list[Row]:
    return [row async for row in read_log(database, ISSUE, wanted)]


def nobody_twice(relay: FaultyRelay) -> bool:
    return all(count == 1 for count in relay.counts.values())


async def test_everyone_gets_one_message_and_a_row_with_the_reply(database: Database) -> None:
    await prepare(database, 30)
    told: list[Outcome] = []
    async with faulty_relay() as relay:
        done = await deliver(database, ISSUE, [relay.relay], KEY, POLICY, surroundings=WORLD, progress=told.append)
        assert (await run(database, relay)).tried[Kind.ACCEPTED] == 0
    assert relay.counts == dict.fromkeys(addresses(30), 1)
    assert await states(database, 30) == {"sent": 30}
    assert done.tried[Kind.ACCEPTED] == len(told) == 30
    rows = await log(database)
    assert {(row.code, row.enhanced, row.reply, row.attempts) for row in rows} == {(250, "2.0.0", "2.0.0 taken", 1)}
    assert {one.recipient: one.message_id for one in relay.accepted} == {row.address: row.message_id for row in rows}
    assert relay.most_open <= 4


async def test_each_message_carries_its_own_persons_leave_link(database: Database) -> None:
    await prepare(database, 5)
    async with faulty_relay() as relay:
        await run(database, relay)
    for one in relay.accepted:
        url = str(one.message["List-Unsubscribe"]).partition(">")[0].strip("<")
        leave = read_leave_token(url.rpartition("/")[2], KEY)
        assert leave is not None and leave.list_name == "all"
        assert one.message_id.partition("@")[0].endswith(f".{leave.subscriber_id}")
        assert one.message["To"].addresses[0].addr_spec == one.recipient
        text = one.message.get_body(("plain",))
        assert text is not None and url in text.get_content()


async def test_two_lists_that_overlap_mail_nobody_twice(database: Database) -> None:
    await fill_list(database, "north", addresses(20))
    await fill_list(database, "south", addresses(20, 10))
    async with faulty_relay() as relay:
        for name in ("north", "south", "north"):
            await send(database, EDITION, name, [relay.relay], KEY, POLICY, surroundings=WORLD)
    assert relay.counts == dict.fromkeys(addresses(30), 1)
    assert await states(database, 30) == {"sent": 30}


async def test_two_sends_at_once_of_overlapping_lists_mail_nobody_twice(database: Database) -> None:
    await fill_list(database, "north", addresses(60))
    await fill_list(database, "south", addresses(60, 30))
    mended = make_edition(id="f" * 64)
    async with faulty_relay() as relay:
        reports = await asyncio.gather(
            send(database, EDITION, "north", [relay.relay], KEY, POLICY, surroundings=WORLD),
            send(database, mended, "south", [relay.relay], KEY, POLICY, surroundings=WORLD),
        )
    assert relay.counts == dict.fromkeys(addresses(90), 1)
    assert await states(database, 90) == {"sent": 90}
    assert sum(report.tried[Kind.ACCEPTED] for report in reports) == 90
    assert all(report.is_finished and not report.fell_short for report in reports)


async def test_a_running_delivery_takes_rows_of_a_send_planned_meanwhile(database: Database) -> None:
    await prepare(database, 1)
    await fill_list(database, "late", addresses(3, 1))

    async def plan_late(relay: FaultyRelay) -> None:
        while b"DATA" not in relay.commands:
            await asyncio.sleep(0.001)
        await plan(database, make_edition(id="f" * 64, subject="改正"), "late", NOW)

    # The answer to the first message takes its time, byte by byte.
    async with faulty_relay([{Step.DOT: Answer(b"250 " + b"x" * 2_000 + b"\r\n", bytewise=True)}]) as relay:
        done, _ = await asyncio.gather(run(database, relay, connections=1, final_reply_timeout=5), plan_late(relay))
    assert done.tried[Kind.ACCEPTED] == 4
    assert [str(one.message["Subject"]) for one in relay.accepted] == [EDITION.subject, *["改正"] * 3]


async def test_two_workers_at_once_share_the_rows(database: Database) -> None:
    await prepare(database, 230)
    async with faulty_relay() as relay:
        one, two = await asyncio.gather(run(database, relay), run(database, relay))
    assert nobody_twice(relay)
    assert await states(database, 230) == {"sent": 230}
    assert one.tried[Kind.ACCEPTED] + two.tried[Kind.ACCEPTED] == 230


FAULTS: list[Script] = [
    GOOD, GOOD, GOOD, GOOD,
    {Step.CONNECT: CLOSE}, {Step.MAIL: CLOSE}, {Step.RCPT: CLOSE}, {Step.DATA: CLOSE}, {Step.BODY: CLOSE},
    {Step.DOT: CLOSE}, {Step.DOT: Answer(then=Then.CLOSE, keeps=True)}, {Step.RCPT: say(b"450 4.2.1 later")},
    {Step.RCPT: say(b"550 5.1.1 no such user")}, {Step.DOT: say(b"451 4.3.0 later")}, {Step.RSET: CLOSE},
    {Step.MAIL: say(b"421 4.3.2 closing", Then.CLOSE)}, {Step.DATA: say(b"hm")}, {Step.DOT: say(b"hm\xff")},
    {Step.DATA: Answer(b"354 go\r\n250 early\r\n")},
]  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2])
async def test_under_random_faults_nobody_is_lost_and_every_duplicate_risk_is_flagged(
    database: Database, seed: int
) -> None:
    chance = random.Random(seed)

    def script() -> Iterator[Script]:
        while True:
            yield chance.choice(FAULTS)

    await prepare(database, 80)
    world = World()
    async with faulty_relay(script()) as relay:
        for _ in range(40):
            with suppress(RelayError):
                await run(database, relay, world)
            if not {"queued", "deferred"} & set(await states(database, 80)):
                break
            world.now += dt.timedelta(minutes=30)
    assert nobody_twice(relay)
    for row in await log(database):
        match row.state:
            case State.SENT:
                assert relay.counts[row.address] == 1
                assert row.code is not None and 200 <= row.code < 300
            case State.FAILED:
                assert relay.counts[row.address] == 0
                assert (row.code, row.enhanced) == (550, "5.1.1")
            case State.IN_DOUBT:
                assert row.reply
            case _:
                raise AssertionError(row)


async def test_a_deferred_row_is_tried_when_due_and_not_before(database: Database) -> None:
    await prepare(database, 1)
    world = World()
    async with faulty_relay([{Step.RCPT: say(b"450 4.2.1 greylisted")}]) as relay:
        done = await run(database, relay, world)
        assert (done.tried[Kind.TEMPORARY], await states(database, 1)) == (1, {"deferred": 1})
        (row,) = await log(database)
        assert (row.code, row.enhanced, row.reply, row.attempts) == (450, "4.2.1", "4.2.1 greylisted", 1)
        assert dt.timedelta(minutes=4) <= row.due_at - world.now <= dt.timedelta(minutes=6)
        world.now = row.due_at - dt.timedelta(seconds=1)
        assert (await run(database, relay, world)).tried[Kind.ACCEPTED] == 0
        world.now = row.due_at
        assert (await run(database, relay, world)).tried[Kind.ACCEPTED] == 1
    assert [row.attempts for row in await log(database, State.SENT)] == [2]


async def test_a_row_deferred_past_its_expiry_ends(database: Database) -> None:
    await prepare(database, 2)
    world = World()
    async with faulty_relay([{Step.RCPT: say(b"450 4.2.1 later")}] * 2) as relay:
        await run(database, relay, world)
        world.now += POLICY.expiry
        await run(database, relay, world)
    assert await states(database, 2) == {"expired": 2}
    assert relay.accepted == []
    assert {row.reply for row in await log(database)} == {"4.2.1 later"}


async def test_a_message_is_the_same_at_every_try(database: Database) -> None:
    await prepare(database, 1)
    world = World()
    drop = {Step.DOT: say(b"451 4.3.0 later")}
    async with faulty_relay([drop, drop]) as relay:
        for _ in range(3):
            await run(database, relay, world)
            world.now += dt.timedelta(hours=2)
    assert len(relay.raw) == 3
    assert len(set(relay.raw)) == 1


async def test_a_connection_lost_before_the_dot_is_tried_again_at_once_then_deferred(database: Database) -> None:
    await prepare(database, 1)
    async with faulty_relay([{Step.MAIL: CLOSE}] * 2) as relay:
        done = await run(database, relay, connections=1)
        assert (done.tried[Kind.NOT_SENT], done.tried[Kind.ACCEPTED]) == (2, 1)
    await fill_list(database, "more", addresses(1, 1))
    await plan(database, EDITION, "more", NOW)
    async with faulty_relay([{Step.DATA: CLOSE}] * 3) as relay:
        done = await run(database, relay, connections=1)
    assert (done.tried[Kind.NOT_SENT], relay.accepted) == (3, [])
    assert await states(database, 2) == {"sent": 1, "deferred": 1}


async def test_a_row_in_doubt_is_never_sent_again(database: Database) -> None:
    await prepare(database, 3)
    world = World()
    async with faulty_relay([{Step.DOT: Answer(then=Then.CLOSE, keeps=True)}] * 3) as relay:
        for _ in range(3):
            await run(database, relay, world)
            world.now += dt.timedelta(hours=1)
    assert relay.counts == dict.fromkeys(addresses(3), 1)
    assert await states(database, 3) == {"in_doubt": 3}


async def test_who_is_suppressed_or_left_after_planning_gets_nothing(database: Database) -> None:
    await prepare(database, 6)
    suppressed, left = (parse_address(text) for text in addresses(2))
    await suppress_address(database, suppressed, "bounced", NOW)
    await remove_subscriber(database, left, "all", NOW)
    async with faulty_relay() as relay:
        await run(database, relay)
    assert set(relay.counts) == set(addresses(4, 2))
    assert await states(database, 6) == {"suppressed": 2, "sent": 4}


@pytest.mark.parametrize("rows", [1, 3, 40])
async def test_an_unreachable_relay_is_an_error_soon_and_costs_no_row(database: Database, rows: int) -> None:
    await prepare(database, rows)
    async with faulty_relay() as relay:
        pass
    world = World()
    with pytest.raises(RelayError):
        await run(database, relay, world, connections=8)
    assert await states(database, rows) == {"queued": rows}
    assert {row.attempts for row in await log(database)} == {0}
    # One rest of five seconds, give or take a fifth; each connection may sleep through the last second of it.
    assert world.now - NOW < dt.timedelta(seconds=6 + 8)


async def test_a_relay_that_allows_two_connections_of_eight_does_the_work(database: Database) -> None:
    await prepare(database, 60)
    async with faulty_relay(most_connections=2) as relay:
        await run(database, relay, connections=8)
    assert relay.counts == dict.fromkeys(addresses(60), 1)
    assert await states(database, 60) == {"sent": 60}


async def test_a_relay_that_dies_and_comes_back_gets_the_rest_in_a_second_run(database: Database) -> None:
    await prepare(database, 40)
    first: list[str] = []
    async with faulty_relay() as relay:
        real = relay.keep

        def keep_and_die(accepted: object) -> None:
            real(accepted)  # type: ignore[arg-type]
            if len(relay.accepted) == 12:
                relay.most_connections = 0
                relay.script = iter([{Step.MAIL: CLOSE}] * 10_000)

        relay.keep = keep_and_die  # type: ignore[method-assign]
        with pytest.raises(RelayError):
            await run(database, relay)
        first = [one.recipient for one in relay.accepted]
    counts = await states(database, 40)
    assert not {"sending", "dot"} & set(counts)
    async with faulty_relay() as back:
        world = World(NOW + dt.timedelta(hours=2))
        await run(database, back, world)
    assert sorted(first + [one.recipient for one in back.accepted]) == addresses(40)
    assert await states(database, 40) == {"sent": 40}


async def test_stopping_ends_after_the_messages_in_flight_and_leaves_nothing_in_doubt(database: Database) -> None:
    await prepare(database, 120)
    stop = asyncio.Event()
    seen = 0

    def stop_after_twenty(outcome: Outcome) -> None:
        nonlocal seen
        seen += 1
        if seen == 20:
            stop.set()

    async with faulty_relay() as relay:
        await deliver(
            database, ISSUE, [relay.relay], KEY, POLICY,
            surroundings=World().surroundings, progress=stop_after_twenty, stop=stop,
        )  # fmt: skip
        counts = await states(database, 120)
        assert set(counts) == {"sent", "queued"}
        assert 20 <= counts["sent"] < 20 + 4
        assert {row.attempts for row in await log(database, State.QUEUED)} == {0}
        await run(database, relay)
    assert relay.counts == dict.fromkeys(addresses(120), 1)


def _has_come_to(relay: FaultyRelay, step: Step | None) -> bool:
    """Whether all connections stand at the step; without one, whether some messages were taken."""
    match step:
        case None:
            return len(relay.accepted) >= 5
        case Step.MAIL:
            return sum(command.startswith(b"MAIL") for command in relay.commands) >= 4
        case Step.DOT:
            return len(relay.raw) >= 4
    return relay.connections >= 4


@pytest.mark.parametrize("step", [Step.CONNECT, Step.MAIL, Step.DOT, None])
async def test_a_cancelled_delivery_leaves_true_rows(database: Database, step: Step | None) -> None:
    await prepare(database, 30)
    script: list[Script] = [{step: STALL}] * 4 if step else []
    async with faulty_relay(script) as relay:
        task = asyncio.create_task(run(database, relay, timeout=30, final_reply_timeout=30))
        while not _has_come_to(relay, step):
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        counts = await states(database, 30)
        assert not {"sending", "dot"} & set(counts)
        assert counts.get("in_doubt", 0) <= 4
        if step is Step.DOT:
            assert counts == {"in_doubt": 4, "queued": 26}
        elif step:
            assert counts == {"queued": 30}
        relay.script = iter(())
        await run(database, relay)
    assert nobody_twice(relay)
    doubtful = {row.address for row in await log(database, State.IN_DOUBT)}
    assert set(relay.counts) | doubtful == set(addresses(30))


async def test_a_relay_that_refuses_the_sender_ends_the_run_and_fails_nobody(database: Database) -> None:
    await prepare(database, 30)
    refusal = {Step.MAIL: say(b"530 5.7.0 authentication required")}
    async with faulty_relay([refusal] * 100) as relay:
        with pytest.raises(RelayError, match="refuses the sender"):
            await run(database, relay)
        assert await states(database, 30) == {"queued": 30}
        relay.script = iter(())
        await run(database, relay)
    assert await states(database, 30) == {"sent": 30}
    assert nobody_twice(relay)


async def test_a_worker_that_died_is_waited_for_and_its_rows_are_taken_over(database: Database) -> None:
    await prepare(database, 6)
    await register_worker(database, "dead", "elsewhere", 1, NOW, dt.timedelta(seconds=4))
    async with open_journal(database) as journal:
        begun, *_ = await journal.claim(Scope(ISSUE, "dead"), 3, NOW)
        await journal.write("dead", (), [Mark(begun.id, "7bit", "elsewhere")], NOW)
    world = World()
    async with faulty_relay() as relay:
        await run(database, relay, world)
    assert world.now - NOW >= dt.timedelta(seconds=4)
    assert begun.address not in relay.counts
    assert await states(database, 6) == {"sent": 5, "in_doubt": 1}


async def test_a_zombie_sends_no_dot_for_a_row_that_was_taken_from_it(database: Database) -> None:
    """Rows are handed to another worker while the first still has them in its queue."""
    await prepare(database, 10)
    async with faulty_relay() as relay:
        real = relay.keep
        stolen: list[str] = []

        def keep(accepted: object) -> None:
            real(accepted)  # type: ignore[arg-type]
            relay.steal.set()  # type: ignore[attr-defined]

        relay.steal = asyncio.Event()  # type: ignore[attr-defined]
        relay.keep = keep  # type: ignore[method-assign]

        async def steal() -> None:
            await relay.steal.wait()  # type: ignore[attr-defined]
            async with database.write() as connection:
                rows = await connection.scalars(
                    sa.update(deliveries)
                    .where(deliveries.c.state == "sending")
                    .values(worker_id="heir")
                    .returning(deliveries.c.address)
                )
                stolen.extend(rows.all())
            await register_worker(database, "heir", "elsewhere", 1, NOW, dt.timedelta(seconds=3))

        await asyncio.gather(run(database, relay, connections=1), steal())
    assert stolen
    assert nobody_twice(relay)
    assert relay.counts == dict.fromkeys(addresses(10), 1)
    assert await states(database, 10) == {"sent": 10}


async def test_the_lease_is_renewed_while_a_reply_is_awaited(database: Database) -> None:
    await prepare(database, 1)
    slow: Callable[[bytes], Script] = lambda reply: {Step.DOT: Answer(reply, bytewise=True)}  # noqa: E731
    policy = replace(POLICY, lease=dt.timedelta(seconds=0.2), final_reply_timeout=5)
    async with faulty_relay([slow(b"250 2.0.0 " + b"x" * 500 + b"\r\n")]) as relay:
        await asyncio.gather(
            *(deliver(database, ISSUE, [relay.relay], KEY, policy, surroundings=real_time()) for _ in range(2))
        )
    assert await states(database, 1) == {"sent": 1}
    assert relay.counts == {"reader0000@example.com": 1}


async def test_a_bad_reply_of_any_bytes_does_not_stop_the_others(database: Database) -> None:
    await prepare(database, 20)
    script = [{Step.RCPT: say(b"550 5.2.2 bo\xeete \x00\x1b[31mpleine")}, {Step.DOT: say(b"250 \xff\xfe\x00ok")}]
    async with faulty_relay(script) as relay:
        await run(database, relay)
    assert await states(database, 20) == {"sent": 19, "failed": 1}
    (failed,) = await log(database, State.FAILED)
    assert failed.reply is not None and failed.reply.isprintable()


async def test_an_address_that_needs_smtputf8_fails_alone_and_says_why(database: Database) -> None:
    await fill_list(database, "all", ["用户@example.com", "user@采购.example.com", "plain@example.com"])
    await plan(database, EDITION, "all", NOW)
    async with faulty_relay(extensions=(b"8BITMIME",)) as relay:
        await run(database, relay, connections=1)
    assert set(relay.counts) == {"plain@example.com", wire_address("user@采购.example.com")}
    (failed,) = await log(database, State.FAILED)
    assert failed.address == "用户@example.com"
    assert failed.reply is not None and "SMTPUTF8" in failed.reply


async def test_a_wrong_password_is_a_relay_error_and_costs_no_row(database: Database) -> None:
    await prepare(database, 3)
    async with faulty_relay() as relay:
        login = Relay("127.0.0.1", relay.port, starttls=Starttls.NEVER, username="me", password="geheim-4711")
        with pytest.raises(RelayError):
            await deliver(database, ISSUE, [login], KEY, POLICY, surroundings=World().surroundings)
    assert await states(database, 3) == {"queued": 3}
    assert not any("geheim" in (row.reply or "") for row in await log(database))


async def test_a_send_reports_what_is_left(database: Database) -> None:
    await fill_list(database, "all", addresses(3))
    told: list[tuple[int, int]] = []
    async with faulty_relay([{Step.RCPT: say(b"450 4.2.1 later")}]) as relay:
        report = await send(
            database, EDITION, "all", [relay.relay], KEY, POLICY,
            surroundings=World().surroundings, planned=lambda plan, open_rows: told.append((plan.added, open_rows)),
        )  # fmt: skip
    assert told == [(3, 3)]
    assert not report.is_finished and report.fell_short
    assert report.next_due is not None and report.next_due > NOW
    assert (report.counts[State.SENT], report.counts[State.DEFERRED]) == (2, 1)


async def test_a_send_to_one_list_leaves_the_open_rows_of_another_alone(database: Database) -> None:
    await prepare(database, 10)
    await fill_list(database, "trial", ["trial@example.com", addresses(10)[0]])
    async with faulty_relay() as relay:
        report = await send(database, EDITION, "trial", [relay.relay], KEY, POLICY, surroundings=World().surroundings)
        assert set(relay.counts) == {"trial@example.com"}
        assert report.is_finished and sum(report.counts.values()) == 1
        assert await states(database, 11) == {"queued": 10, "sent": 1}
        await run(database, relay)
    assert await states(database, 11) == {"sent": 11}
    assert nobody_twice(relay)
