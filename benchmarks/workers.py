"""Workers: one, two and four processes that deliver one send from one PostgreSQL database."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.distance import DELAY, SIZE
from benchmarks.edition import make_edition
from benchmarks.engine import Run, deliver_planned, planned_store
from benchmarks.measure import Contender, Contest, Line, Result, Sample, Scale, Table, hold
from benchmarks.proxy import distant
from benchmarks.receiver import receiver
from benchmarks.report import seconds, times
from benchmarks.server import ServerMeter, find_server
from benchmarks.store import Kind, Store, filled_store, missing
from pressrun.render.edition import Edition

PROCESSES = (1, 2, 4)
CONNECTIONS = 5
"""Of each process: so few that what they wait for is the distance, not this machine's processors."""

_TITLE = "Workers on one PostgreSQL"


@dataclass(frozen=True)
class Job:
    """The send, and where it goes."""

    edition: Edition
    store: Store
    recipients: int
    connections: int
    port: int


def measure(root: Path, scale: Scale) -> list[Table]:
    """Hold the contest where the relay is far, then where it is so near that the processors are what binds."""
    if reason := missing(Kind.POSTGRES):
        return [Table(_TITLE, "", (), (f"any number of workers: {reason}",))]
    recipients = scale.share(20)
    with ExitStack() as stack:
        store = stack.enter_context(filled_store(Kind.POSTGRES, recipients))
        near = stack.enter_context(receiver())
        far = stack.enter_context(distant(near, DELAY))
        edition = make_edition(SIZE)
        jobs = {
            "20 ms away": Job(edition, store, recipients, CONNECTIONS, far.port),
            "beside": Job(edition, store, recipients, CONNECTIONS, near.port),
        }
        return [_hold(place, job, scale) for place, job in jobs.items()]


def _hold(place: str, job: Job, scale: Scale) -> Table:
    result = hold(Contest(f"{_TITLE}, relay {place}", "message", _note(job), job, contenders(), _meter()), scale.rounds)
    heading = ("worker processes", "throughput", "messages/s", "CPU per message", "PostgreSQL's CPU", "rows shared")
    return Table(result.contest.title, result.contest.note, (heading, *(_cells(result, line) for line in result.lines)))


def _meter() -> ServerMeter | None:
    server = find_server()
    return ServerMeter("PostgreSQL", server) if server else None


def _note(job: Job) -> str:
    return (
        f"`deliver` of one send to {job.recipients:,} people ({SIZE} KB each) by so many processes at once, each with "
        f"{job.connections} connections of its own; *throughput* is against one process in the same round. Store, "
        "relay and workers share this machine's processors. A row that two workers had sent would show as more "
        "messages than recipients, and end the run."
    )


def by_workers(job: Job, processes: int) -> Sample:
    """The whole send by so many processes; each row by exactly one, or it raises RuntimeError."""
    with planned_store(job.store, job.edition) as planned:
        run = Run(planned.url, job.edition.issue, job.port, job.connections * processes, processes)
        return deliver_planned(run, job.recipients)[0]


def contenders() -> tuple[Contender, ...]:
    """One for each number of processes."""
    return tuple(Contender(str(count), partial(by_workers, processes=count)) for count in PROCESSES)


def _cells(result: Result, line: Line) -> tuple[str, ...]:
    gained = median(alone / wall for alone, wall in zip(result.lines[0].walls, line.walls, strict=True))
    server = seconds(median(line.others)) if line.others else ""
    return line.name, times(gained), f"{1 / median(line.walls):,.0f}", seconds(median(line.cpus)), server, "0"
