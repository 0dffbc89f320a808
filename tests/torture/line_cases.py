"""Faults on the line: each kind at each step, all of them by chance, relays that don't pipeline."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from torture.account import Account
from torture.arena import Arena, arena, lay_down, readers
from torture.case import Case, Group, Need
from torture.cluster import private_cluster
from torture.fault import Fault, FaultPlan, Kind, Step, all_faults

_STALLING = (Kind.STALL, Kind.STALL_ACCEPTED)
_SHORT = {"timeout": 1.5, "final_reply_timeout": 1.5}
RANDOM_RATE = 0.02


def list_cases() -> Iterator[Case]:
    """All cases of this group."""
    for fault in all_faults():
        yield Case(str(fault), Group.LINE, partial(one_fault, FaultPlan(faults=(fault,))), 0.03)
    for kind in (Kind.TEMPORARY, Kind.PERMANENT):
        plan = FaultPlan(faults=(Fault(Step.RCPT, kind),), takes_data_unasked=True)
        yield Case(f"RCPT: {kind}, DATA gets 354", Group.LINE, partial(one_fault, plan), 0.03)
    by_chance = FaultPlan(faults=tuple(all_faults()), rate=RANDOM_RATE)
    yield Case("2 % at each step", Group.LINE, partial(many_faults, by_chance), 0.4)
    plan = by_chance.changed(takes_data_unasked=True)
    yield Case("2 % at each step, DATA gets 354", Group.LINE, partial(many_faults, plan), 0.4)
    plan = by_chance.changed(pipelining=False)
    yield Case("2 % at each step, no PIPELINING", Group.LINE, partial(many_faults, plan), 0.4)
    yield Case(
        "2 % at each step, PostgreSQL", Group.LINE, partial(on_postgres, by_chance), 0.4, frozenset({Need.POSTGRES})
    )


async def one_fault(plan: FaultPlan, seed: str, recipients: int) -> Account:
    """A fifth of what could go wrong does, up to so many times; of connections and greetings the first ones."""
    stalls = any(fault.kind in _STALLING for fault in plan.faults)
    opening = any(fault.step in (Step.CONNECT, Step.EHLO) for fault in plan.faults)
    plan = plan.changed(most=8 if stalls or opening else 15, rate=1.0 if opening else 0.2)
    async with arena(seed, recipients, 4, plan=plan) as place:
        return await send_through(place, **(_SHORT if stalls else {}))


async def many_faults(plan: FaultPlan, seed: str, recipients: int) -> Account:
    """Everything at every step, now and then."""
    async with arena(seed, recipients, plan=plan) as place:
        return await send_through(place, **_SHORT)


async def on_postgres(plan: FaultPlan, seed: str, recipients: int) -> Account:
    """The same, the log being in PostgreSQL."""
    with private_cluster() as cluster:
        await lay_down(cluster.url(), readers(recipients))
        async with arena(seed, recipients, database=cluster.url(), plan=plan) as place:
            return await send_through(place, **_SHORT)


async def send_through(place: Arena, **changes: object) -> Account:
    """Send until nothing is open; each connection the receiver broke may leave one row in doubt."""
    await place.finish(haste=20, lease=5.0, **changes)
    stats = await place.receiver.stats()
    if not stats.get("faults"):
        place.faults.append("nothing went wrong: the case tested nothing")
    return await place.settle(stats.get("broken", 0))
