"""Lanes on several relays: shares, limits of each, and others that take over where one fails."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from faulty_relay import CLOSE, Accepted, Answer, FaultyRelay, Script, Step, Then, faulty_relay, say
from pressrun.delivery.outcome import Kind, State
from pressrun.delivery.relay import Relay, Starttls, Warmup
from pressrun.errors import RelayError
from pressrun.store.database import Database
from small_edition import NOW, addresses
from small_world import PIPELINING, World, dead, log, pipelined, prepare, prepare_for, relays_of, run, states

REFUSES = {Step.MAIL: say(b"530 5.7.0 authentication required")}
SECOND = dt.timedelta(seconds=1)


def got(*relays: FaultyRelay) -> Counter[str]:
    """How many messages each recipient got, over all relays."""
    return sum((relay.counts for relay in relays), Counter())


async def test_connections_are_shared_by_weight(database: Database) -> None:
    await prepare(database, 120)
    async with pipelined() as first, pipelined() as second:
        heavy, light = replace(first.relay, name="heavy", weight=3), replace(second.relay, name="light")
        await run(database, heavy, light, connections=8)
    assert (first.most_open, second.most_open) == (6, 2)
    assert got(first, second) == dict.fromkeys(addresses(120), 1)
    assert await relays_of(database) == {"heavy": len(first.accepted), "light": len(second.accepted)}


@pytest.mark.parametrize("way", ["dead", "refuses the sender", "closes", "says 421", "throws out"])
async def test_where_one_relay_is_of_no_use_the_others_take_its_rows(database: Database, way: str) -> None:
    await prepare(database, 60)
    scripts: dict[str, Script] = {
        "refuses the sender": REFUSES,
        "closes": {Step.CONNECT: CLOSE},
        "says 421": {Step.CONNECT: say(b"421 4.7.0 no", Then.CLOSE)},
        "throws out": {Step.MAIL: CLOSE},
    }
    async with pipelined(itertools.repeat(scripts.get(way, {}))) as bad, pipelined() as good:
        useless = await dead() if way == "dead" else replace(bad.relay, name="bad")
        await run(database, useless, good.relay)
    assert bad.accepted == []
    assert good.counts == dict.fromkeys(addresses(60), 1)
    assert await states(database) == {"sent": 60}
    assert good.most_open == 4  # it has the other's connections too


async def test_a_relay_that_fails_midway_loses_its_rows_to_the_other_and_nobody_gets_two(database: Database) -> None:
    await prepare(database, 80)
    async with pipelined() as failing, pipelined() as good:
        keep = failing.keep

        def fail_after_ten(accepted: Accepted) -> None:
            keep(accepted)
            if len(failing.accepted) == 10:
                failing.script = itertools.repeat(REFUSES)

        failing.keep = fail_after_ten  # type: ignore[method-assign]
        await run(database, replace(failing.relay, name="failing"), good.relay)
    assert 10 <= len(failing.accepted) < 20
    assert got(failing, good) == dict.fromkeys(addresses(80), 1)
    assert await states(database) == {"sent": 80}


async def test_a_relay_is_tried_again_after_its_rest_and_has_its_share_back(database: Database) -> None:
    """The one that is left has a rate: waiting for it lets the time of the other's rest pass."""
    await prepare(database, 150)
    world = World()
    async with pipelined([{Step.CONNECT: CLOSE}] * 2) as weak, pipelined() as slow:
        relays = replace(weak.relay, name="weak"), replace(slow.relay, name="slow", rate=4)
        await run(database, *relays, world=world)
    assert got(weak, slow) == dict.fromkeys(addresses(150), 1)
    assert len(weak.accepted) > 20 and weak.most_open >= 2
    assert 4 < world.seconds < 40


async def test_a_relay_that_says_421_to_one_more_keeps_what_it_allows(database: Database) -> None:
    await prepare(database, 100)
    async with pipelined(most_connections=1) as narrow, pipelined() as wide:
        await run(database, replace(narrow.relay, name="narrow"), wide.relay, connections=6)
    assert got(narrow, wide) == dict.fromkeys(addresses(100), 1)
    assert await states(database) == {"sent": 100}
    assert {row.attempts for row in await log(database)} == {1}
    assert narrow.accepted and wide.most_open == 5


async def test_when_all_relays_are_down_the_run_ends_soon_and_rows_are_true(database: Database) -> None:
    await prepare(database, 30)
    world = World()
    async with faulty_relay(itertools.repeat(REFUSES)) as refusing:
        with pytest.raises(RelayError):
            await run(database, await dead(), replace(refusing.relay, name="refusing"), world=world)
    assert await states(database) == {"queued": 30}
    assert {row.attempts for row in await log(database)} == {0}
    assert world.seconds < 60  # a rest of five seconds and one of ten, which lanes sleep through one after another


async def test_no_connection_carries_more_messages_than_its_relay_allows(database: Database) -> None:
    await prepare(database, 50)
    async with pipelined() as relay:
        await run(database, replace(relay.relay, messages=4))
    assert relay.counts == dict.fromkeys(addresses(50), 1)
    assert most_on_one_connection(relay) == 4
    assert 13 <= relay.connections <= 16
    assert await states(database) == {"sent": 50}


def most_on_one_connection(relay: FaultyRelay) -> int:
    """By the greetings: each connection of the same lane begins with one, so on average no more than this."""
    mails = sum(command.startswith(b"MAIL") for command in relay.commands)
    return -(-mails // relay.connections)


async def test_a_lane_of_one_renews_its_connection_exactly_after_so_many(database: Database) -> None:
    await prepare(database, 10)
    async with pipelined() as relay:
        await run(database, replace(relay.relay, messages=4), connections=1)
    words = b"".join(command[:1] for command in relay.commands)
    assert words == b"E" + b"MRD" * 4 + b"QE" + b"MRD" * 4 + b"QE" + b"MRD" * 2 + b"Q"


async def test_a_relays_connections_are_never_more_than_it_allows(database: Database) -> None:
    """Also while one that has carried its messages is still saying goodbye."""
    await prepare(database, 80)
    async with SlowFarewell(behind := FaultyRelay(extensions=PIPELINING)) as relay:
        await run(database, replace(relay, connections=2, messages=3), connections=6)
    assert behind.counts == dict.fromkeys(addresses(80), 1)
    assert behind.most_open == 2


async def test_what_one_relay_may_not_take_the_others_do(database: Database) -> None:
    await prepare(database, 60)
    async with pipelined() as narrow, pipelined() as wide:
        await run(database, replace(narrow.relay, name="narrow", connections=1, weight=9), wide.relay, connections=5)
    assert (narrow.most_open, wide.most_open) == (1, 4)
    assert got(narrow, wide) == dict.fromkeys(addresses(60), 1)


async def test_a_run_with_nothing_due_opens_no_connection(database: Database) -> None:
    await prepare(database, 3)
    world = World()
    async with pipelined([{Step.RCPT: say(b"450 4.2.1 later")}] * 3) as relay:
        await run(database, relay.relay, world=world)
        assert await states(database) == {"deferred": 3}
        before = relay.connections
        await run(database, relay.relay, world=world)
        assert relay.connections == before


@pytest.mark.parametrize("rows", [1, 3])
async def test_no_more_connections_are_opened_than_there_are_rows(database: Database, rows: int) -> None:
    await prepare(database, rows)
    async with pipelined() as relay:
        await run(database, relay.relay, connections=8)
    assert relay.connections <= rows
    assert await states(database) == {"sent": rows}


async def test_a_rate_is_kept_over_two_workers_and_a_restart(database: Database) -> None:
    await prepare(database, 90)
    world = World()
    gone: list[dt.datetime] = []
    async with pipelined() as relay:
        keep = relay.keep

        def note(accepted: Accepted) -> None:
            keep(accepted)
            gone.append(world.now)

        relay.keep = note  # type: ignore[method-assign]
        limited = replace(relay.relay, rate=10)
        stop = asyncio.Event()

        async def stop_midway() -> None:
            while len(gone) < 30:
                await asyncio.sleep(0.001)
            stop.set()

        await asyncio.gather(*(run(database, limited, world=world, stop=stop) for _ in range(2)), stop_midway())
        assert set(await states(database)) == {"sent", "queued"}
        await asyncio.gather(*(run(database, limited, world=world) for _ in range(2)))
    assert relay.counts == dict.fromkeys(addresses(90), 1)
    for n, moment in enumerate(gone, start=1):
        assert n <= 10 * (moment - NOW).total_seconds() + 10
    assert world.seconds < 30  # and it is made use of


async def test_a_days_number_ends_the_run_and_the_rest_goes_the_next_day(database: Database) -> None:
    await prepare(database, 40)
    world = World()
    async with pipelined() as relay:
        young = replace(relay.relay, name="young", warmup=Warmup(NOW.date(), (15, 100)))
        done = await run(database, young, world=world)
        assert await states(database) == {"sent": 15, "queued": 25}
        assert {row.attempts for row in await log(database, State.QUEUED)} == {0}
        midnight = dt.datetime(2026, 2, 21, tzinfo=dt.UTC)
        assert done.held_until is not None and abs(done.held_until - midnight) < SECOND
        assert (await run(database, young, world=world)).tried[Kind.ACCEPTED] == 0
        world.now = midnight
        done = await run(database, young, world=world)
        assert done.held_until is None
    assert relay.counts == dict.fromkeys(addresses(40), 1)


@pytest.mark.parametrize("connections", [None, 1])
async def test_when_a_relays_day_is_used_up_one_without_limit_takes_over(
    database: Database, connections: int | None
) -> None:
    """No limit was why the run ended, so none is told."""
    await prepare(database, 40)
    async with pipelined() as young, pipelined() as old:
        relays = (
            replace(young.relay, name="young", warmup=Warmup(NOW.date(), (5,))),
            replace(old.relay, name="old", connections=connections),
        )
        done = await run(database, *relays, lease=dt.timedelta(days=9))  # time flies where lanes wait for tomorrow
    assert (len(young.accepted), len(old.accepted)) == (5, 35)
    assert got(young, old) == dict.fromkeys(addresses(40), 1)
    assert await states(database) == {"sent": 40}
    assert done.held_until is None


async def test_what_did_not_go_uses_up_nothing_of_the_day(database: Database) -> None:
    await prepare(database, 12)
    world = World()
    async with pipelined([REFUSES]) as relay:
        young = replace(relay.relay, name="young", warmup=Warmup(NOW.date(), (12,)))
        await run(database, young, world=world)
    assert await states(database) == {"sent": 12}


async def test_a_message_larger_than_the_relay_takes_fails_no_row(database: Database) -> None:
    await prepare(database, 5)
    async with faulty_relay(extensions=(*PIPELINING, b"SIZE 1000")) as small:
        with pytest.raises(RelayError, match=r"takes messages of up to 1,000 octets"):
            await run(database, small.relay)
        assert await states(database) == {"queued": 5}
        assert {row.attempts for row in await log(database)} == {0}
        assert not any(command.startswith(b"MAIL") for command in small.commands)
        async with pipelined() as roomy:
            await run(database, replace(small.relay, name="small"), roomy.relay)
        assert roomy.counts == dict.fromkeys(addresses(5), 1)


@pytest.mark.parametrize("size", [b"SIZE", b"SIZE 0", b"SIZE 10000000", b"SIZE lots"])
async def test_a_size_that_sets_no_limit_or_a_wide_one_is_none(database: Database, size: bytes) -> None:
    await prepare(database, 2)
    async with faulty_relay(extensions=(size, *PIPELINING)) as relay:
        await run(database, relay.relay)
    assert await states(database) == {"sent": 2}


async def test_an_address_that_needs_smtputf8_waits_for_a_relay_that_offers_it(database: Database) -> None:
    await prepare_for(database, ["用户@example.com", "plain@example.com"])
    world = World()
    async with pipelined(extensions=PIPELINING[:2]) as unable, pipelined() as able:
        relays = replace(unable.relay, name="unable"), replace(able.relay, name="able")
        for _ in range(12):
            await run(database, *relays, world=world, connections=2)
            world.wait(hours=2)
    assert got(unable, able) == {"用户@example.com": 1, "plain@example.com": 1}
    assert able.counts["用户@example.com"] == 1
    assert any(b"SMTPUTF8" in command for command in able.commands)


async def test_an_address_that_no_relay_can_take_fails_and_says_why(database: Database) -> None:
    await prepare_for(database, ["用户@example.com", "plain@example.com"])
    world = World()
    async with pipelined(extensions=PIPELINING[:2]) as first, pipelined(extensions=PIPELINING[:2]) as second:
        relays = replace(first.relay, name="first"), replace(second.relay, name="second")
        for _ in range(3):
            await run(database, *relays, world=world, connections=2)
            world.wait(hours=2)
    assert got(first, second) == {"plain@example.com": 1}
    assert await states(database) == {"sent": 1, "failed": 1}


async def test_stopping_drops_the_envelope_ahead_without_a_message(database: Database) -> None:
    await prepare(database, 60)
    stop = asyncio.Event()
    async with pipelined() as relay:
        keep = relay.keep

        def stop_at_twelve(accepted: Accepted) -> None:
            keep(accepted)
            if len(relay.accepted) == 12:
                stop.set()

        relay.keep = stop_at_twelve  # type: ignore[method-assign]
        await run(database, relay.relay, stop=stop)
        counts = await states(database)
        assert set(counts) == {"sent", "queued"}
        assert 12 <= counts["sent"] == len(relay.accepted) <= 12 + 4
        assert sum(command.startswith(b"MAIL") for command in relay.commands) > counts["sent"]  # some were ahead
        assert {row.attempts for row in await log(database, State.QUEUED)} == {0}
        assert set(await relays_of(database, State.QUEUED)) == {None}
        await run(database, relay.relay)
    assert relay.counts == dict.fromkeys(addresses(60), 1)


class SlowFarewell:
    """The relay behind a door that takes its time to let a connection go once QUIT was said."""

    def __init__(self, relay: FaultyRelay) -> None:
        self._relay = relay
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Relay:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        return Relay("127.0.0.1", self._server.sockets[0].getsockname()[1], starttls=Starttls.NEVER)

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._relay.open += 1
        self._relay.most_open = max(self._relay.most_open, self._relay.open)
        writer.write(b"220 hello\r\n")
        recipient = b""
        try:
            while line := await reader.readline():
                word = line[:4]
                if word == b"EHLO":
                    writer.write(b"250-hello\r\n250-8BITMIME\r\n250 PIPELINING\r\n")
                elif word == b"DATA":
                    writer.write(b"354 go on\r\n")
                    await reader.readuntil(b"\r\n.\r\n")
                    writer.write(b"250 ok\r\n")
                    self._relay.accepted.append(Accepted("", recipient.decode(), b""))
                elif word == b"QUIT":
                    await asyncio.sleep(0.01)
                    return
                else:
                    recipient = line[9:-3] if word == b"RCPT" else recipient
                    writer.write(b"250 ok\r\n")
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._relay.open -= 1
            writer.close()


async def test_early_answers_and_losses_on_two_relays_mail_nobody_twice(database: Database) -> None:
    faults: list[Script] = [
        {}, {Step.DOT: say(b"451 4.3.0 later")}, {Step.RCPT: CLOSE}, {Step.DOT: CLOSE}, {Step.RCPT: say(b"450 no")},
        {Step.DATA: Answer(b"354 go\r\n250 early\r\n")}, {Step.CONNECT: say(b"421 4.7.0 no", Then.CLOSE)},
    ]  # fmt: skip

    def script(step: int) -> Iterator[Script]:
        for n in itertools.count(step):
            yield faults[n * 5 % 7] if n < 60 else {}

    await prepare(database, 60)
    world = World()
    async with pipelined(script(0)) as first, pipelined(script(3)) as second:
        for _ in range(20):
            await run(database, replace(first.relay, name="a"), replace(second.relay, name="b"), world=world)
            if not {"queued", "deferred"} & set(await states(database)):
                break
            world.wait(minutes=80)
    delivered = got(first, second)
    assert max(delivered.values()) == 1
    for row in await log(database):
        assert row.state in (State.SENT, State.IN_DOUBT)
        assert delivered[row.address] == 1 or row.state is State.IN_DOUBT
