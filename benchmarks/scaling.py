"""Scaling: a simulation of sends that no test machine can hold, from what one recipient costs here.

Mail is treated as a fluid: in each step as much leaves as the narrowest part lets through, and what relays put off
comes back when it is due. The simulation is pure; `benchmarks.costs` measures what goes in.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from benchmarks.measure import Scale, Table
from benchmarks.report import seconds
from benchmarks.store import Kind, missing

STEPS = 2_000
"""Steps that a send without any trouble takes; more change nothing that shows."""

BACKOFF = (300.0, 600.0, 1200.0, 2400.0, 3600.0)
"""Seconds until a try that was put off is due again: `pressrun.delivery.backoff`, without its chance."""

START = 10.0
"""Seconds from a run's being asked for to its first message: a process worker starts Python and Prefect."""

LOOK = 60.0
"""Seconds between two looks of `send-due`, which starts the runs for what is due again."""

TASK_SECONDS = 0.024
TASK_OCTETS = 17_000
"""What a task run costs a Prefect server: its CPU, and its database."""

RUN_TASKS = 5
"""Task runs of one delivering run, however many it delivers to; artifacts are written every few seconds besides."""


class Part(StrEnum):
    """What a send may be waiting for."""

    ENGINE = "workers' processors"
    SIGNING = "workers' processors, signing"
    WIRE = "network"
    STORE = "store's processors"
    LOG = "store's disk"
    CONNECTIONS = "connections"  # each waits for the store's commit, then for the relay's answer
    RATE = "relay's rate"
    PLANNING = "planning"
    START = "start"
    DEFERRAL = "deferrals"


@dataclass(frozen=True)
class Costs:
    """What one recipient takes: seconds of CPU, of the clock for `commit` and `planning`; octets."""

    engine: float  # the sending process, unsigned
    signature: float  # RSA-2048
    server: float  # PostgreSQL, while it is delivered
    commit: float  # by the clock: what a connection waits for the store
    planning: float
    message: float  # on the wire
    log: float  # PostgreSQL's WAL, planning and delivery
    row: float  # on disk once it is sent, indexes included


@dataclass(frozen=True)
class Installation:
    """What a send has at hand: `cores`, `network` and `connections` of each machine, the rest of all together."""

    name: str
    machines: int
    cores: int
    store_cores: int
    network: float = 125e6  # octets a second: 1 Gbit/s
    store_disk: float = 100e6  # octets of log a second, made durable
    connections: int = 100
    answer: float = 0.05  # seconds from a message's leaving to its answer
    rate: float = math.inf  # messages a second that the relays allow
    signed: bool = True


@dataclass(frozen=True)
class Load:
    """How many to send to, and what goes wrong: the share put off at each try, moments at which a machine is lost."""

    recipients: float
    deferred: float = 0.0
    losses: tuple[float, ...] = ()


@dataclass(frozen=True)
class Course:
    """How it went: `seconds` in all, `nearly` for 99 % of it, `spent` by part, recipients `sent` and `expired`."""

    seconds: float
    nearly: float
    spent: Mapping[Part, float]
    sent: float
    expired: float

    @property
    def narrowest(self) -> Part:
        """What took most of the time."""
        return max(self.spent, key=lambda part: self.spent[part])


def rates(costs: Costs, has: Installation, machines: int) -> dict[Part, float]:
    """Messages a second that each part lets through while so many machines work."""
    signature = costs.signature if has.signed else 0.0
    busiest = Part.SIGNING if signature > costs.engine else Part.ENGINE
    return {
        busiest: _times(machines * has.cores, costs.engine + signature),
        Part.WIRE: _times(machines * has.network, costs.message),
        # A worker process has one backend that writes for it.
        Part.STORE: _times(min(has.store_cores, machines * has.cores), costs.server),
        Part.LOG: _times(has.store_disk, costs.log),
        Part.CONNECTIONS: _times(machines * has.connections, has.answer + costs.commit),
        Part.RATE: has.rate,
    }


def _times(there: float, needed: float) -> float:
    return there / needed if needed else math.inf


def simulate(costs: Costs, has: Installation, load: Load) -> Course:
    """Send to everybody; what is put off at the sixth try, too, expires. Raises ValueError where no machine is left."""
    spent: Counter[Part] = Counter({Part.START: START, Part.PLANNING: load.recipients * costs.planning})
    now = nearly = START + spent[Part.PLANNING]
    step = load.recipients / STEPS
    due = [(0.0, 0, load.recipients)]  # from when, after how many tries, how many
    sent = expired = 0.0
    while due:
        when, tries, waiting = heapq.heappop(due)
        if when > now:  # all that was due is done: the run has ended, and another one is started
            spent[Part.DEFERRAL] += when + LOOK + START - now
            now = when + LOOK + START
        part, rate = _narrowest(costs, has, load, now)
        going = min(waiting, step)
        now, spent[part] = now + going / rate, spent[part] + going / rate
        if waiting > going:
            heapq.heappush(due, (when, tries, waiting - going))
        back = going * load.deferred
        sent += going - back
        if sent <= 0.99 * load.recipients:
            nearly = now
        if tries == len(BACKOFF):
            expired += back
        elif back:
            heapq.heappush(due, (now + BACKOFF[tries], tries + 1, back))
    return Course(now, nearly, spent, sent, expired)


def _narrowest(costs: Costs, has: Installation, load: Load, now: float) -> tuple[Part, float]:
    """A lost machine's rows wait for its lease, which the others fill with their own."""
    machines = has.machines - sum(1 for loss in load.losses if loss <= now)
    if machines < 1:
        raise ValueError("no machine is left to send")
    return min(rates(costs, has, machines).items(), key=lambda one: one[1])


RECIPIENTS = (1_000_000, 10_000_000, 100_000_000)

_TWO = Installation("two machines of 4 cores", 2, 4, 4)
_EIGHT = Installation("eight machines of 8 cores", 8, 8, 16, connections=400)
_FAST = replace(_EIGHT, name="the same, at 10 Gbit/s", network=1.25e9)
INSTALLATIONS = (
    Installation("one machine of 2 cores, the store on it", 1, 1, 1, connections=20),
    _TWO,
    replace(_TWO, name="the same, the relay allows 500 a second", rate=500),
    replace(_TWO, name="the same, the relay 200 ms away", answer=0.2),
    _EIGHT,
    _FAST,
    replace(_FAST, name="the same, the store's log at 500 MB/s", store_disk=500e6),
)


def measure(root: Path, scale: Scale) -> list[Table]:
    """Measure what a recipient costs, then simulate what no machine here can hold."""
    if reason := missing(Kind.POSTGRES):
        return [Table("Scaling", "", (), (f"what a recipient costs: {reason}",))]
    from benchmarks.costs import SIZE, measure_costs

    return list(tabulate(measure_costs(scale), SIZE))


def tabulate(costs: Costs, size: int) -> Iterator[Table]:
    """The costs, the courses of large sends, and what they leave behind."""
    yield Table("Scaling: what a recipient costs", _NOTE_COSTS.format(size=size), tuple(_cost_rows(costs)))
    yield Table("Scaling: how long, and what binds", _NOTE_COURSES, tuple(_course_rows(costs)))
    yield Table("Scaling: what a send moves and keeps", _NOTE_LEFT, tuple(_left_rows(costs)))


_NOTE_COSTS = (
    "One worker and PostgreSQL on this machine, {size} KB a message: what goes into the simulation. The signature is "
    "RSA-2048's bare operation."
)
_NOTE_COURSES = (
    "Simulated from these costs: RSA-2048 signatures, 1 Gbit/s and 100 connections a machine (20 on the smallest, 400 "
    "on the large ones), a relay that answers in 50 ms, where the line doesn't say otherwise. A machine's cores are "
    "those that workers have to themselves, as quick as this machine's. In brackets what took most of the time."
)
_NOTE_LEFT = (
    "The store's log can be thrown away once it is saved; rows stay. Task runs: those of a send by eight runs, and "
    "what one task run for each recipient would come to on one Prefect server, by its CPU."
)


def _cost_rows(costs: Costs) -> Iterator[tuple[str, ...]]:
    yield "", "a recipient"
    yield "sending process, CPU", seconds(costs.engine)
    yield "signature, CPU", seconds(costs.signature)
    yield "PostgreSQL, CPU", seconds(costs.server) if costs.server else ""
    yield "a connection's wait for PostgreSQL, wall", seconds(costs.commit)
    yield "planning, wall", seconds(costs.planning)
    yield "on the wire", f"{costs.message:,.0f} octets"
    yield "PostgreSQL's log", f"{costs.log:,.0f} octets"
    yield "PostgreSQL's tables", f"{costs.row:,.0f} octets"


def _course_rows(costs: Costs) -> Iterator[tuple[str, ...]]:
    yield "", *(_people(count) for count in RECIPIENTS)
    for has in INSTALLATIONS:
        courses = (simulate(costs, has, Load(count)) for count in RECIPIENTS)
        yield has.name, *(f"{duration(course.seconds)} ({course.narrowest})" for course in courses)


def _left_rows(costs: Costs) -> Iterator[tuple[str, ...]]:
    yield "", *(_people(count) for count in RECIPIENTS)
    for name, each in (("on the wire", costs.message), ("store's log", costs.log), ("store's tables", costs.row)):
        yield name, *(_octets(count * each) for count in RECIPIENTS)
    yield "task runs", *(str(8 * RUN_TASKS) for _ in RECIPIENTS)
    yield (
        "one for each recipient",
        *(f"{duration(count * TASK_SECONDS)}, {_octets(count * TASK_OCTETS)}" for count in RECIPIENTS),
    )


def _people(count: int) -> str:
    return f"{count // 10**6} million"


def duration(value: float) -> str:
    """In the largest unit that leaves two figures or so."""
    for unit, size in (("days", 86_400.0), ("h", 3_600.0), ("min", 60.0)):
        if value >= 1.5 * size:
            return f"{value / size:.1f} {unit}"
    return f"{value:.0f} s"


def _octets(value: float) -> str:
    return f"{value / 1e12:.1f} TB" if value >= 1e12 else f"{value / 1e9:.1f} GB"
