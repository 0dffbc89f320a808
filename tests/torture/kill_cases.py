"""Kill -9 and SIGTERM against the sender; the same kills against the baseline."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AsyncExitStack
from functools import partial

from pressrun.delivery.outcome import State
from torture.account import Account
from torture.arena import Arena, arena, lay_down, readers
from torture.case import Case, Group, Need
from torture.cluster import private_cluster
from torture.fault import Fault, FaultPlan, Kind, Step, all_faults
from torture.line_cases import RANDOM_RATE

KILLS = 25
_TERMS = 8
_SLOW = FaultPlan(delay=0.004)
_FAULTY = _SLOW.changed(faults=tuple(all_faults()), rate=RANDOM_RATE)
_CUT = FaultPlan(faults=(Fault(Step.DOT, Kind.CLOSE_ACCEPTED),), rate=0.02)
_SHORT = {"timeout": 1.5, "final_reply_timeout": 1.5}


def list_cases() -> Iterator[Case]:
    """All cases of this group, and the baseline's."""
    postgres = frozenset({Need.POSTGRES})
    yield Case(f"kill -9, {KILLS} times", Group.KILL, partial(kill_often, _SLOW))
    yield Case(f"kill -9, {KILLS} times, 2 % faults", Group.KILL, partial(kill_often, _FAULTY))
    yield Case(f"kill -9, {KILLS} times, PostgreSQL", Group.KILL, kill_often_on_postgres, 1.0, postgres)
    yield Case(f"kill -9, {KILLS} times, in doubt: retry", Group.KILL, partial(kill_often, _SLOW, in_doubt="retry"))
    yield Case(f"SIGTERM, {_TERMS} times", Group.KILL, terminate_often, 0.6)
    yield Case("close, accepted, at 2 % of dots", Group.KILL, partial(cut_often, False))
    yield Case(f"kill -9, {KILLS} times", Group.BASELINE, partial(kill_often, _SLOW, baseline=True))
    yield Case("close, accepted, at 2 % of dots", Group.BASELINE, partial(cut_often, True))


async def kill_often(
    plan: FaultPlan, seed: str, recipients: int, *, kills: int = KILLS, baseline: bool = False, database: str = "",
    in_doubt: str = "hold",
) -> Account:  # fmt: skip
    """Kill the sender at moments by chance, then let one finish."""
    async with AsyncExitStack() as stack:
        place = await stack.enter_async_context(
            arena(seed, recipients, plan=plan, baseline=baseline, database=database)
        )
        changes: dict[str, object] = {**_SHORT, "in_doubt": in_doubt}
        done = await kill_senders(place, kills, recipients, **changes)
        await place.finish(**changes)
        broken = (await place.receiver.stats()).get("broken", 0)
        of_one = None if plan.faults else place.job.connections
        return await place.settle(done * place.job.connections + broken, of_one=of_one)


async def kill_senders(place: Arena, kills: int, recipients: int, **changes: object) -> int:
    """Kill one sender after another; how many were alive when they were hit."""
    done = 0
    for number in range(kills):
        sender = place.start(**changes)
        left = recipients - place.receiver.journal.count()
        await place.reach_some_moment(sender, max(1, 2 * left // (kills - number + 4)))
        done += await sender.kill()
    place.remarks.append(f"{done} kills")
    if done < kills * 0.8:
        place.faults.append(f"only {done} of {kills} senders were alive when they were killed")
    return done


async def kill_often_on_postgres(seed: str, recipients: int) -> Account:
    """The same kills, the log being in PostgreSQL."""
    with private_cluster() as cluster:
        await lay_down(cluster.url(), readers(recipients))
        return await kill_often(_SLOW, seed, recipients, database=cluster.url())


async def terminate_often(seed: str, recipients: int) -> Account:
    """SIGTERM at moments by chance: what is in flight is finished, so nothing may be in doubt and nothing held."""
    async with arena(seed, recipients, plan=_SLOW) as place:
        for _ in range(_TERMS):
            sender = place.start()
            await sender.ready()
            await place.grow(sender, place.chance.randint(1, max(1, recipients // (_TERMS + 2))))
            sender.terminate()
            await place.ended(sender)
            held = sum(row.state in (State.SENDING, State.DOT) for row in await place.rows())
            if held:
                place.faults.append(f"{held} rows were still held after SIGTERM")
        await place.finish()
        return await place.settle(0)


async def cut_often(baseline: bool, seed: str, recipients: int) -> Account:
    """Now and then the receiver takes the message and is gone before it says so."""
    async with arena(seed, recipients, plan=_CUT, baseline=baseline) as place:
        await place.finish(**_SHORT)
        return await place.settle((await place.receiver.stats()).get("broken", 0))
