"""A small delivery in a world whose clock moves only by what is slept, for tests of the engine."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import sqlalchemy as sa

from faulty_relay import Accepted, FaultyRelay, Script, faulty_relay
from pressrun.delivery.deliver import Delivered, deliver
from pressrun.delivery.outcome import State
from pressrun.delivery.policy import Policy, Surroundings
from pressrun.delivery.relay import Relay
from pressrun.store.database import Database
from pressrun.store.delivery_log import Row, count_states, plan, read_log
from pressrun.store.tables import deliveries
from small_edition import KEY, NOW, addresses, fill_list, make_edition

ISSUE = "spp/2026-02"
EDITION = make_edition()
POLICY = Policy(connections=4, timeout=2, final_reply_timeout=2)
PIPELINING = (b"PIPELINING", b"8BITMIME", b"SMTPUTF8")
HUNG = 180
"""Real seconds after which a test that should take a blink has hung."""


@dataclass
class World:
    """Time passes only while something sleeps; looks at wishes come every few milliseconds of real time."""

    now: dt.datetime = NOW
    slept: list[float] = field(default_factory=list)
    seed: int = 7

    async def sleep(self, seconds: float) -> None:
        self.now += dt.timedelta(seconds=seconds)
        self.slept.append(seconds)
        await asyncio.sleep(0.003)  # what goes over the line takes a moment: time must not fly past it

    async def tick(self, seconds: float) -> None:
        await asyncio.sleep(0.002)

    def wait(self, **times: float) -> None:
        """Let time pass with nothing going on."""
        self.now += dt.timedelta(**times)

    @property
    def seconds(self) -> float:
        """How long the world has been going on."""
        return (self.now - NOW).total_seconds()

    @property
    def surroundings(self) -> Surroundings:
        chance = random.Random(self.seed)
        return Surroundings(lambda: self.now, self.sleep, chance, lambda: self.now.timestamp(), self.tick)


async def prepare(database: Database, count: int, **changes: object) -> None:
    """Plan the edition for `count` people."""
    await fill_list(database, "all", addresses(count))
    await plan(database, make_edition(**changes), "all", NOW)


async def prepare_for(database: Database, people: Sequence[str], **changes: object) -> None:
    """Plan the edition for `people`."""
    await fill_list(database, "all", people)
    await plan(database, make_edition(**changes), "all", NOW)


async def run(
    database: Database, *relays: Relay, world: World | None = None, stop: asyncio.Event | None = None, **changes: object
) -> Delivered:
    """Deliver once; fails where it hangs."""
    policy = replace(POLICY, **changes)  # type: ignore[arg-type]
    async with asyncio.timeout(HUNG):
        return await deliver(
            database, ISSUE, relays, KEY, policy, surroundings=(world or World()).surroundings, stop=stop
        )


async def states(database: Database) -> dict[str, int]:
    """How many rows are in which state, those that are in none left out."""
    return {str(state): count for state, count in (await count_states(database, ISSUE)).items() if count}


async def log(database: Database, *wanted: State) -> list[Row]:
    """The rows, or those in the states wanted."""
    return [row async for row in read_log(database, ISSUE, wanted)]


@asynccontextmanager
async def pipelined(script: Iterable[Script] = (), **changes: object) -> AsyncIterator[FaultyRelay]:
    """A relay that takes pipelined commands."""
    async with faulty_relay(script, **({"extensions": PIPELINING} | changes)) as relay:
        yield relay


async def dead() -> Relay:
    """A relay where nobody listens."""
    async with faulty_relay() as gone:
        return replace(gone.relay, name="dead")


async def relays_of(database: Database, state: State = State.SENT) -> Counter[str | None]:
    """How many rows in `state` each relay had last."""
    query = sa.select(deliveries.c.relay).where(deliveries.c.state == state.value)
    async with database.read() as connection:
        return Counter((await connection.scalars(query)).all())


def when_accepted(relay: FaultyRelay, count: int) -> asyncio.Event:
    """Is set when the relay has taken so many messages."""
    reached, keep = asyncio.Event(), relay.keep

    def note(accepted: Accepted) -> None:
        keep(accepted)
        if len(relay.accepted) >= count:
            reached.set()

    relay.keep = note  # type: ignore[method-assign]
    return reached


async def until(holds: Callable[[], bool]) -> None:
    """Look again and again until it holds."""
    async with asyncio.timeout(HUNG):
        while not holds():
            await asyncio.sleep(0.001)
