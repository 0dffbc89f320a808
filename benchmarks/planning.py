"""Planning: a row for each member of a list, made inside the database."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.edition import make_edition
from benchmarks.engine import plan_send
from benchmarks.measure import Contender, Contest, Result, Sample, Scale, hold
from benchmarks.store import Kind, Store, copied_store, filled_store, missing
from pressrun.render.edition import Edition


@dataclass(frozen=True)
class Job:
    """The edition, and stores full of people who have no row yet."""

    edition: Edition
    people: int
    stores: tuple[Store, ...]


def measure(root: Path, scale: Scale) -> list[Result]:
    """Hold the contest on a store of each kind."""
    with ExitStack() as stack:
        stores = [stack.enter_context(filled_store(kind, scale.planned)) for kind in Kind if not missing(kind)]
        job = Job(make_edition(2), scale.planned, tuple(stores))
        contest = Contest(f"Planning {scale.planned:,} rows", "send", _note(scale), job, contenders())
        return [hold(contest, scale.rounds)]


def _note(scale: Scale) -> str:
    return (
        f"`plan` of a send to a list of {scale.planned:,} people: one row each, with address, name, attributes and "
        "Message-ID as they are then, suppressions looked up. CPU is that of pressrun's process, which is SQLite's too "
        "but not the PostgreSQL server's."
    )


def plan_on(job: Job, kind: Kind) -> Sample:
    """One whole plan, on a copy of the store."""
    store = next(store for store in job.stores if store.kind is kind)
    with copied_store(store) as copy:
        sample = asyncio.run(plan_send(copy, job.edition))
    if sample.units != job.people:
        raise RuntimeError(f"not all were planned: {sample.units}")
    return Sample(sample.wall, sample.cpu, 1)


def contenders() -> tuple[Contender, ...]:
    """One for each kind of store."""
    return tuple(Contender(kind, partial(plan_on, kind=kind), missing(kind)) for kind in Kind)
