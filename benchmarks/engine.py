"""Runs pressrun's own engine on a planned send: in processes that do nothing else, started at one moment."""

from __future__ import annotations

import asyncio
import datetime as dt
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path

from benchmarks.edition import KEY, LIST
from benchmarks.measure import Sample, begin
from benchmarks.receiver import HOST
from benchmarks.store import Store, copied_store
from pressrun.render.edition import Edition

_READY_SECONDS = 60
_barrier: Barrier


@dataclass(frozen=True)
class Run:
    """A planned send and how to deliver it; `connections` are those of all `processes` together."""

    url: str
    issue: str
    port: int
    connections: int
    processes: int = 1
    signing_keys: str = ""


@dataclass(frozen=True)
class Work:
    """What one process did: from when to when by the clock, its CPU, how many messages the relay took from it, and the
    most memory it ever held, in octets.
    """

    started: float
    ended: float
    cpu: float
    taken: int
    peak: int


@contextmanager
def planned_store(store: Store, edition: Edition) -> Iterator[Store]:
    """A copy of `store` in which a row is planned for each reader; gone at the end of the block."""
    with copied_store(store) as copy:
        asyncio.run(plan_send(copy, edition))
        yield copy


async def plan_send(store: Store, edition: Edition) -> Sample:
    """Plan a row for each reader; how long that took."""
    from pressrun.store.database import open_database
    from pressrun.store.delivery_log import plan

    async with open_database(store.url) as database:
        started = begin()
        planned = await plan(database, edition, LIST, dt.datetime.now(dt.UTC))  # not NOW: it has expired
        return started.until_now(planned.added)


def deliver_planned(run: Run, recipients: int) -> tuple[Sample, int]:
    """Deliver all that is planned: the sample of all processes together, and the highest peak of memory among them.

    Raises RuntimeError where somebody of the `recipients` is not `sent` afterwards, or processes shared a row.
    """
    works = deliver_apart(run)
    asyncio.run(_check(run, recipients))
    if (taken := sum(work.taken for work in works)) != recipients:
        raise RuntimeError(f"{taken} messages for {recipients} recipients: processes shared rows")
    wall = max(work.ended for work in works) - min(work.started for work in works)
    return Sample(wall, sum(work.cpu for work in works), recipients), max(work.peak for work in works)


def deliver_apart(run: Run) -> list[Work]:
    """Deliver all that is planned: what each process did."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(run.processes)
    with ProcessPoolExecutor(
        run.processes, mp_context=context, initializer=_share_barrier, initargs=(barrier,)
    ) as pool:
        return [future.result() for future in [pool.submit(_work, run) for _ in range(run.processes)]]


def _share_barrier(barrier: Barrier) -> None:
    global _barrier
    _barrier = barrier


def _work(run: Run) -> Work:
    from pressrun.delivery import event_loop

    return event_loop.run(_deliver(run))


async def _deliver(run: Run) -> Work:
    from pressrun.delivery.deliver import Policy, deliver
    from pressrun.delivery.dkim_key import read_signing_keys
    from pressrun.delivery.outcome import Kind
    from pressrun.delivery.relay import Relay, Starttls
    from pressrun.store.database import open_database

    relays = [Relay(HOST, run.port, starttls=Starttls.NEVER)]
    policy = Policy(connections=run.connections // run.processes)
    signing = read_signing_keys(run.signing_keys, "the benchmark") if run.signing_keys else ()
    async with open_database(run.url) as database:
        await asyncio.to_thread(_barrier.wait, _READY_SECONDS)
        started = begin()
        done = await deliver(database, run.issue, relays, KEY, policy, list_name=LIST, signing=signing)
        sample = started.until_now(done.tried[Kind.ACCEPTED])
    return Work(started.wall, started.wall + sample.wall, sample.cpu, sample.units, peak_memory())


async def _check(run: Run, recipients: int) -> None:
    from pressrun.delivery.outcome import State
    from pressrun.store.database import open_database
    from pressrun.store.delivery_log import count_states

    async with open_database(run.url) as database:
        counts = await count_states(database, run.issue, LIST)
    if counts[State.SENT] != recipients:
        raise RuntimeError(f"not all was sent: {counts}")


def peak_memory() -> int:
    """The most memory this process has ever held, in octets; 0 where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    # Not getrusage's ru_maxrss: a process takes that over from the one that started it.
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)
