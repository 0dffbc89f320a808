"""What goes on around a send: a second sender, a clock that is moved, people who leave while it runs."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterator
from functools import partial

from pressrun.address import parse_address
from pressrun.delivery.outcome import State
from pressrun.store.subscribers import remove_subscriber, suppress_address
from torture.account import Account
from torture.arena import Arena, arena, lay_down, readers
from torture.case import Case, Group, Need
from torture.cluster import private_cluster
from torture.fault import Fault, FaultPlan, Kind, Step
from torture.sender import LIST

DAY = 86_400.0
_SLOW = FaultPlan(delay=0.004)
_SLOWER = FaultPlan(delay=0.06)  # a second's worth of claims is few enough that most have not been claimed yet
_DEFERRING = _SLOW.changed(faults=(Fault(Step.RCPT, Kind.TEMPORARY), Fault(Step.DOT, Kind.CLOSE)), rate=0.03)


def list_cases() -> Iterator[Case]:
    """All cases of this group."""
    for store, needs in (("SQLite", frozenset[Need]()), ("PostgreSQL", frozenset({Need.POSTGRES}))):
        for name, run, share in (
            ("two senders, one killed", two_senders, 0.6),
            ("people leave during the send", let_people_leave, 0.4),
        ):
            yield Case(f"{name}, {store}", Group.WORLD, partial(on, store, run), share, needs)
    yield Case("clock a day ahead, back, between runs", Group.WORLD, partial(on, "SQLite", move_between), 0.4)
    yield Case("clock a day ahead, back, during a run", Group.WORLD, partial(on, "SQLite", move_during), 0.4)
    yield Case("two senders, clocks a day apart", Group.WORLD, partial(on, "SQLite", two_clocks), 0.4)


async def on(store: str, run: object, seed: str, recipients: int) -> Account:
    """A case on the store named."""
    plan = _SLOWER if run is let_people_leave else _SLOW
    if store == "SQLite":
        async with arena(seed, recipients, plan=plan) as place:
            return await run(place)  # type: ignore[operator,no-any-return]
    with private_cluster() as cluster:
        await lay_down(cluster.url(), readers(recipients))
        async with arena(seed, recipients, database=cluster.url(), plan=plan) as place:
            return await run(place)  # type: ignore[operator,no-any-return]


async def two_senders(place: Arena) -> Account:
    """Two share the rows; one is killed in the middle, the other finishes what it held."""
    one, two = place.start(), place.start()
    await asyncio.gather(one.ready(), two.ready())
    await place.grow(one, place.chance.randint(len(place.addresses) // 5, len(place.addresses) // 2))
    killed = await one.kill()
    await place.ended(two)
    if not killed or two.status:
        place.faults.append(f"one was {'' if killed else 'not '}killed, the other ended with {two.status}")
    return await place.settle(place.job.connections, of_one=place.job.connections)


async def let_people_leave(place: Arena) -> Account:
    """Some are suppressed, some leave, in the middle of the send: who was not claimed by then gets nothing."""
    sender = place.start()
    await sender.ready()
    await place.grow(sender, len(place.addresses) // 10)
    late = place.chance.sample(list(place.addresses[len(place.addresses) // 2 :]), 40)
    now = dt.datetime.now(dt.UTC)
    async with place.store() as database:
        for number, address in enumerate(late):
            if number % 2:
                await suppress_address(database, parse_address(address), "a complaint", now)
            else:
                await remove_subscriber(database, parse_address(address), LIST, now)
    unclaimed = {row.address for row in await place.rows() if row.state is State.QUEUED} & set(late)
    await place.ended(sender)
    await place.finish()
    place.remarks.append(f"{len(unclaimed)} of {len(late)} had not been claimed when they left")
    if not unclaimed:
        place.faults.append("all had been claimed when they left: the case tested nothing")
    closed = {row.address for row in await place.rows() if row.state is State.SUPPRESSED}
    if missing := unclaimed - closed:
        place.faults.append(f"{len(missing)} who had left are not suppressed")
    return await place.settle(0, unwanted=unclaimed)


async def move_between(place: Arena) -> Account:
    """Killed and taken up again, the clock being a day ahead, then back; at last a day later."""
    await place.receiver.follow(_DEFERRING.changed(seed=place.chance.getrandbits(32)))
    most = len(place.addresses) // 4
    kills = 0
    for clock in (0.0, DAY, -DAY, 0.0):
        sender = place.start(clock=clock)
        await place.reach_some_moment(sender, most)
        kills += await sender.kill()
    back = place.start()  # rows held until tomorrow are nobody's to take today
    await asyncio.sleep(4)
    if not back.has_ended:
        place.remarks.append("with the clock back it waited for rows that are held until tomorrow")
        back.terminate()
    await place.ended(back, 20)
    await place.finish(clock=DAY + 10_000, haste=10)
    stats = await place.receiver.stats()
    return await place.settle(kills * place.job.connections + stats.get("broken", 0))


async def move_during(place: Arena) -> Account:
    """The clock leaps a day ahead and back under a running sender."""
    await place.receiver.follow(_DEFERRING.changed(seed=place.chance.getrandbits(32)))
    third = len(place.addresses) // 3
    await place.run(jumps=((third, DAY), (2 * third, 0.0)))
    await place.finish(clock=DAY + 10_000, haste=10)
    return await place.settle((await place.receiver.stats()).get("broken", 0))


async def two_clocks(place: Arena) -> Account:
    """To the one, the other's lease has always ended: it takes over rows whose worker lives."""
    late, early = place.start(), place.start(clock=DAY)
    await asyncio.gather(place.ended(late), place.ended(early))
    await place.finish(clock=DAY + 10_000, haste=10)
    return await place.settle(2 * place.job.connections)
