"""What becomes of a row by how its try ended, and what rests, waits or is tried again because of it."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
import sqlalchemy as sa

from faulty_relay import (
    CLOSE,
    GOOD,
    Answer,
    FaultyRelay,
    Script,
    Step,
    Then,
    _ClosedError,
    _Conversation,
    faulty_relay,
    say,
)  # fmt: skip
from pressrun.delivery.destination import INITIAL
from pressrun.delivery.outcome import Kind, Outcome, State
from pressrun.delivery.policy import InDoubt, Policy
from pressrun.delivery.work import IMMEDIATE_TRIES, MOST_WAITING, Work, decide
from pressrun.store.claim import recover, register_worker
from pressrun.store.database import Database
from pressrun.store.journal import Claimed, Mark, Scope, open_journal
from pressrun.store.tables import deliveries
from small_edition import NOW, addresses
from small_world import ISSUE, World, log, pipelined, prepare, prepare_for, run, states

HOLD, RETRY = Policy(in_doubt=InDoubt.HOLD), Policy(in_doubt=InDoubt.RETRY)
ACCEPTS_AND_CLOSES: Script = {Step.DOT: Answer(then=Then.CLOSE, keeps=True)}
LATER: Script = {Step.RCPT: say(b"450 4.2.1 later")}


def row(attempts: int = 1, *, repeated: bool = False) -> Claimed:
    return Claimed(1, 1, "all", 1, "lin@example.com", "", {}, "<1@x>", attempts, NOW, None, repeated)


@pytest.mark.parametrize("repeated", [False, True])
@pytest.mark.parametrize("policy", [HOLD, RETRY], ids=["hold", "retry"])
@pytest.mark.parametrize(
    ("kind", "state"),
    [(Kind.ACCEPTED, State.SENT), (Kind.PERMANENT, State.FAILED), (Kind.TEMPORARY, State.DEFERRED)],
)
def test_a_clear_answer_settles_a_row_whatever_the_policy(
    kind: Kind, state: State, policy: Policy, repeated: bool
) -> None:
    assert decide(row(repeated=repeated), Outcome(kind), policy) == (state, repeated)


@pytest.mark.parametrize(
    ("policy", "repeated", "decided"),
    [
        (HOLD, False, (State.IN_DOUBT, False)),
        (HOLD, True, (State.IN_DOUBT, True)),
        (RETRY, False, (State.DEFERRED, True)),
        (RETRY, True, (State.IN_DOUBT, True)),
    ],
)
def test_in_doubt_is_tried_again_once_and_only_where_that_is_wanted(
    policy: Policy, repeated: bool, decided: tuple[State, bool]
) -> None:
    assert decide(row(repeated=repeated), Outcome(Kind.IN_DOUBT), policy) == decided


@pytest.mark.parametrize("attempts", range(1, IMMEDIATE_TRIES + 2))
def test_what_never_left_is_tried_at_once_a_few_times(attempts: int) -> None:
    state = State.QUEUED if attempts < IMMEDIATE_TRIES else State.DEFERRED
    assert decide(row(attempts), Outcome(Kind.NOT_SENT), HOLD) == (state, False)


async def flags(database: Database) -> Counter[tuple[str, bool]]:
    """How many rows are in which state, flagged as repeated or not."""
    async with database.read() as connection:
        rows = await connection.execute(sa.select(deliveries.c.state, deliveries.c.repeated))
    return Counter((state, repeated) for state, repeated in rows)


async def test_under_retry_a_row_in_doubt_is_sent_once_more_the_same_and_flagged(database: Database) -> None:
    await prepare(database, 5)
    world = World()
    async with pipelined([ACCEPTS_AND_CLOSES] * 3) as relay:
        await run(database, relay.relay, world=world, in_doubt=InDoubt.RETRY, connections=1)
        assert await flags(database) == {("sent", False): 2, ("deferred", True): 3}
        world.wait(hours=1)
        await run(database, relay.relay, world=world, in_doubt=InDoubt.RETRY)
    assert await flags(database) == {("sent", False): 2, ("sent", True): 3}
    assert sorted(relay.counts.values()) == [1, 1, 2, 2, 2]
    for address, count in relay.counts.items():
        copies = [one.content for one in relay.accepted if one.recipient == address]
        assert len(copies) == count and len(set(copies)) == 1


async def test_a_second_doubt_is_held(database: Database) -> None:
    await prepare(database, 1)
    world = World()
    async with pipelined(itertools.repeat(ACCEPTS_AND_CLOSES)) as relay:
        for _ in range(4):
            await run(database, relay.relay, world=world, in_doubt=InDoubt.RETRY)
            world.wait(hours=2)
    assert relay.counts == {addresses(1)[0]: 2}
    assert await flags(database) == {("in_doubt", True): 1}


async def test_under_hold_no_row_in_doubt_is_ever_sent_again_whoever_left_it(database: Database) -> None:
    await prepare(database, 2)
    await leave_in_doubt(database, 1)
    async with pipelined([ACCEPTS_AND_CLOSES]) as relay:
        for hours in range(3):
            await run(database, relay.relay, world=World(NOW + dt.timedelta(hours=hours)))
    assert sum(relay.counts.values()) == 1
    assert await flags(database) == {("in_doubt", False): 2}


async def leave_in_doubt(database: Database, count: int, form: str = "7bit") -> None:
    """Let a worker die between the dots of `count` rows and their answers."""
    await register_worker(database, "dead", "elsewhere", 1, NOW, dt.timedelta(seconds=1))
    async with open_journal(database) as journal:
        rows = await journal.claim(Scope(ISSUE, "dead"), count, NOW)
        await journal.write("dead", (), [Mark(one.id, form, "relay") for one in rows], NOW)
    await recover(database, NOW + dt.timedelta(seconds=1))


async def test_under_retry_what_a_dead_worker_left_in_doubt_is_sent_once_more(database: Database) -> None:
    await prepare(database, 6)
    await leave_in_doubt(database, 4)
    world = World(NOW + dt.timedelta(seconds=2))
    async with pipelined() as relay:
        await run(database, relay.relay, world=world, in_doubt=InDoubt.RETRY)
        await leave_nothing_to_do(database, relay, world)
    assert relay.counts == dict.fromkeys(addresses(6), 1)
    assert await flags(database) == {("sent", True): 4, ("sent", False): 2}


async def leave_nothing_to_do(database: Database, relay: FaultyRelay, world: World) -> None:
    done = await run(database, relay.relay, world=world, in_doubt=InDoubt.RETRY)
    assert not any(done.tried.values())


@pytest.mark.parametrize("first", ["8bit", "7bit"])
async def test_what_is_repeated_goes_in_the_form_it_had_whatever_the_relay_offers_now(
    database: Database, first: str
) -> None:
    """8bit waits for a relay that takes it; 7bit goes as it was though 8bit could be had."""
    await prepare(database, 1, eight_bit=True)
    world = World()
    able, unable = (b"PIPELINING", b"8BITMIME"), (b"PIPELINING",)
    async with (
        faulty_relay([ACCEPTS_AND_CLOSES], extensions=able if first == "8bit" else unable) as before,
        faulty_relay(extensions=unable if first == "8bit" else able) as after,
    ):
        await run(database, before.relay, world=world, in_doubt=InDoubt.RETRY)
        world.wait(hours=1)
        await run(database, after.relay, world=world, in_doubt=InDoubt.RETRY)
        if first == "8bit":
            (waiting,) = await log(database)
            assert (waiting.state, waiting.code) == (State.DEFERRED, 451)
            assert await flags(database) == {("deferred", True): 1}
            assert after.accepted == [] and not any(command.startswith(b"DATA") for command in after.commands)
            world.wait(hours=2)
            await run(database, before.relay, world=world, in_doubt=InDoubt.RETRY)
    copies = [one.content for one in (*before.accepted, *after.accepted)]
    assert len(copies) == 2 and len(set(copies)) == 1
    assert (b"Content-Transfer-Encoding: 8bit" in copies[0]) is (first == "8bit")
    assert await flags(database) == {("sent", True): 1}


async def test_a_row_that_cannot_be_made_again_as_it_was_stays_in_doubt_and_holds_up_nobody(database: Database) -> None:
    """The key that signed it is gone: another signature would make it another message."""
    await prepare(database, 12)
    await leave_in_doubt(database, 2, "7bit dkim=gone")
    world = World(NOW + dt.timedelta(seconds=2))
    async with pipelined() as relay:
        done = await run(database, relay.relay, world=world, in_doubt=InDoubt.RETRY)
        assert done.counts[State.IN_DOUBT] == 2
        await leave_nothing_to_do(database, relay, world)
    assert relay.counts == dict.fromkeys(addresses(10, 2), 1)
    assert await flags(database) == {("in_doubt", True): 2, ("sent", False): 10}
    for one in await log(database, State.IN_DOUBT):
        assert one.reply is not None and "signed with the key gone" in one.reply


class Watched:
    """Counts, for each domain, how many messages a relay has under way: from RCPT to the answer to the dot."""

    def __init__(self, answers: Callable[[str], Script] = lambda domain: GOOD) -> None:
        self.most: Counter[str] = Counter()
        self.tries: Counter[str] = Counter()
        self._busy: Counter[str] = Counter()
        self._answers = answers

    def watch(self, relay: FaultyRelay) -> None:
        watched = self

        class Conversation(_Conversation):
            async def take_or_refuse(self, step: Step, good: bytes) -> None:
                if step is Step.RCPT:
                    domain = self.recipient.rpartition("@")[2]
                    watched.tries[domain] += 1
                    watched._busy[domain] += 1
                    watched.most[domain] = max(watched.most[domain], watched._busy[domain])
                    self.script = watched._answers(domain)
                    await asyncio.sleep(0.001)
                    if Step.RCPT in self.script:
                        watched._busy[domain] -= 1
                await super().take_or_refuse(step, good)

            async def take_message(self) -> None:
                await super().take_message()
                watched._busy[self.recipient.rpartition("@")[2]] -= 1

        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            relay.connections += 1
            try:
                with suppress(OSError, asyncio.IncompleteReadError, _ClosedError):
                    await Conversation(relay, reader, writer).hold()
            finally:
                writer.close()

        relay.take = take  # type: ignore[method-assign]


def people(**domains: int) -> list[str]:
    """So many readers at each domain, in turn as far as they go."""
    each = [[f"r{n}@{domain}.example.com" for n in range(count)] for domain, count in domains.items()]
    return [address for group in itertools.zip_longest(*each) for address in group if address]


async def test_a_domain_never_has_more_under_way_than_its_window(database: Database) -> None:
    await prepare_for(database, people(big=60, small=3))
    watched = Watched()
    async with pipelined() as relay:
        watched.watch(relay)
        await run(database, relay.relay, connections=30)
    assert await states(database) == {"sent": 63}
    assert 2 <= watched.most["big.example.com"] <= 60
    assert watched.most["small.example.com"] <= 3


async def test_a_domain_that_sometimes_says_later_gets_fewer_at_once(database: Database) -> None:
    await prepare_for(database, people(moody=80, well=80))
    moods = itertools.cycle([LATER, GOOD])
    watched = Watched(lambda domain: next(moods) if domain.startswith("moody") else GOOD)
    async with pipelined() as relay:
        watched.watch(relay)
        await run(database, relay.relay, connections=20)
    assert await states(database) == {"sent": 120, "deferred": 40}
    assert watched.most["moody.example.com"] <= 2 * INITIAL
    assert watched.most["well.example.com"] > watched.most["moody.example.com"]


@pytest.mark.parametrize("connections", [1, 4, 20])
@pytest.mark.parametrize("well", [0, 40])
async def test_a_domain_that_says_nothing_but_later_rests_and_the_others_go_on(
    database: Database, connections: int, well: int
) -> None:
    await prepare_for(database, people(slow=200, well=well))
    world = World()
    watched = Watched(lambda domain: LATER if domain.startswith("slow") else GOOD)
    async with pipelined() as relay:
        watched.watch(relay)
        await run(database, relay.relay, world=world, connections=connections)
    expected = {"deferred": 200, "sent": well} if well else {"deferred": 200}
    assert await states(database) == expected
    tried = watched.tries["slow.example.com"]
    assert tried <= 2 * max(2 * INITIAL, 5)
    rows = await log(database, State.DEFERRED)
    assert Counter(one.attempts for one in rows) == {1: tried, 0: 200 - tried}
    for one in rows:
        wait = (one.due_at - world.now).total_seconds()
        assert 230 <= wait <= 365
        assert one.reply is not None and ("put off" in one.reply) is (one.attempts == 0)


async def test_a_domain_that_rested_is_tried_again_and_gets_everything(database: Database) -> None:
    await prepare_for(database, people(slow=60, well=20))
    world = World()
    ill = [True]
    watched = Watched(lambda domain: LATER if domain.startswith("slow") and ill[0] else GOOD)
    async with pipelined() as relay:
        watched.watch(relay)
        await run(database, relay.relay, world=world)
        ill[0] = False
        world.wait(minutes=7)
        await run(database, relay.relay, world=world)
    assert await states(database) == {"sent": 80}
    assert relay.counts == dict.fromkeys(people(slow=60, well=20), 1)


async def test_rows_that_wait_for_one_domain_are_not_claimed_without_end(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A domain whose window is full must neither hide the others' rows nor bring the whole log into memory."""
    monkeypatch.setattr("pressrun.delivery.work.MOST_WAITING", 50)
    monkeypatch.setattr("pressrun.delivery.deliver.MOST_WAITING", 50)
    seen: list[int] = []
    take = Work.take_row

    def note(self: Work) -> Claimed | None:
        seen.append(len(self.backlog))
        return take(self)

    monkeypatch.setattr(Work, "take_row", note)
    await prepare_for(database, [*people(slow=300), *people(other=5)])
    moods = itertools.cycle([LATER, GOOD, GOOD])
    watched = Watched(lambda domain: next(moods) if domain.startswith("slow") else GOOD)
    async with pipelined() as relay:
        watched.watch(relay)
        await run(database, relay.relay, connections=20)
    assert sum((await states(database)).values()) == 305
    assert max(seen) < 50 + 20 * 4 + 20
    assert MOST_WAITING >= 500


async def test_a_broken_connection_says_nothing_about_a_domain(database: Database) -> None:
    """Its rows are tried again at once, a few times; then they wait like others, but the domain does not rest."""
    await prepare(database, 40)

    def script() -> Iterator[Script]:
        for n in itertools.count():
            yield {Step.MAIL: CLOSE} if n % 4 == 1 else GOOD

    world = World()
    async with pipelined(script()) as relay:
        await run(database, relay.relay, world=world)
        assert all("connection lost" in (one.reply or "") for one in await log(database, State.DEFERRED))
        for _ in range(5):
            world.wait(hours=1)
            await run(database, relay.relay, world=world)
    assert relay.counts == dict.fromkeys(addresses(40), 1)


async def test_each_outcome_is_told_once_and_counted(database: Database) -> None:
    await prepare(database, 9)
    script = [LATER, {Step.RCPT: say(b"550 5.1.1 no")}, ACCEPTS_AND_CLOSES]
    async with pipelined(script) as relay:
        done = await run(database, relay.relay, connections=1)
    assert {kind: count for kind, count in done.tried.items() if count} == {
        Kind.ACCEPTED: 6, Kind.TEMPORARY: 1, Kind.PERMANENT: 1, Kind.IN_DOUBT: 1
    }  # fmt: skip
    assert done.counts[State.SENT] == 6 and sum(done.counts.values()) == 9
    assert len(relay.accepted) == 7
