"""Runs contests: every contender in a process of its own, in turn, several rounds; medians of what they took."""

from __future__ import annotations

import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Scale:
    """How much a run does."""

    recipients: int = 100_000
    connections: int = 20
    planned: int = 1_000_000
    rows: int = 50_000
    repeats: int = 20  # of what takes milliseconds
    rounds: int = 3
    sizes: tuple[int, ...] = (2, 20, 60)  # KB a message, on the wire
    memory: tuple[int, ...] = (10_000, 100_000, 1_000_000)  # recipients of the sends whose memory is measured

    def share(self, part: int) -> int:
        """A `part`-th of the recipients, for who is slow; at least one for each connection."""
        return max(self.recipients // part, self.connections)


@dataclass(frozen=True)
class Sample:
    """What `units` of work took together, in seconds; `cpu` is that of the process and of those it waited for.

    `other` is the CPU that the contest's meter read meanwhile, of a process that serves all contenders.
    """

    wall: float
    cpu: float
    units: int
    other: float | None = None


@dataclass(frozen=True)
class Instant:
    """When work began, by the clock and by the CPU used so far."""

    wall: float
    cpu: float

    def until_now(self, units: int) -> Sample:
        """What was done since, as a sample."""
        now = begin()
        return Sample(now.wall - self.wall, now.cpu - self.cpu, units)


def begin() -> Instant:
    """Start measuring."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return Instant(time.perf_counter(), sum(use.ru_utime + use.ru_stime for use in used))


@dataclass(frozen=True)
class Contender:
    """One way to do a contest's work; `missing` says why it can't take part here."""

    name: str
    work: Callable[[Any], Sample]
    missing: str = ""


@dataclass(frozen=True)
class Meter:
    """Reads the CPU seconds that a process beside the contenders has used so far, if the system tells."""

    name: str
    process: int

    def read(self) -> float | None:
        """Seconds, of the process alone."""
        try:
            fields = Path(f"/proc/{self.process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            return None
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # proc(5): utime and stime


@dataclass(frozen=True)
class Contest:
    """The same work done by several; the first contender is pressrun's, the others are its peers."""

    title: str
    unit: str
    note: str
    job: Any
    contenders: tuple[Contender, ...]
    meter: Meter | None = None


@dataclass(frozen=True)
class Line:
    """One contender's samples, a round each."""

    name: str
    samples: tuple[Sample, ...]

    @property
    def walls(self) -> list[float]:
        """Seconds a unit, round by round."""
        return [sample.wall / sample.units for sample in self.samples]

    @property
    def cpus(self) -> list[float]:
        """Seconds of CPU a unit, round by round."""
        return [sample.cpu / sample.units for sample in self.samples]

    @property
    def others(self) -> list[float]:
        """Seconds of CPU a unit that the contest's meter read, round by round; none where it can't be read."""
        return [sample.other / sample.units for sample in self.samples if sample.other is not None]


@dataclass(frozen=True)
class Bar:
    """A figure that was promised and the one measured; `met` is None where it could not be measured."""

    name: str
    wanted: str
    measured: str
    met: bool | None


@dataclass(frozen=True)
class Result:
    """A contest that was held; the first line is pressrun's."""

    contest: Contest
    lines: tuple[Line, ...]
    bars: tuple[Bar, ...] = ()

    def line(self, name: str) -> Line | None:
        """The line of the contender called `name`, if it took part."""
        return next((line for line in self.lines if line.name == name), None)


@dataclass(frozen=True)
class Table:
    """Figures that are no contest; the first of `rows` is the heading, if there are any."""

    title: str
    note: str
    rows: tuple[tuple[str, ...], ...]
    absent: tuple[str, ...] = ()
    bars: tuple[Bar, ...] = ()


def ratio(ours: list[float], theirs: list[float]) -> float:
    """How many times the peer's figure ours is: the median over rounds, so that a slow spell weighs on both."""
    return median(our / their for our, their in zip(ours, theirs, strict=True))


def hold(contest: Contest, rounds: int) -> Result:
    """Let all contenders that can take part do the work, in turn, `rounds` times."""
    able = [contender for contender in contest.contenders if not contender.missing]
    samples: dict[str, list[Sample]] = {contender.name: [] for contender in able}
    for number in range(1, rounds + 1):
        for contender in able:
            say(f"{contest.title}, round {number} of {rounds}: {contender.name}")
            samples[contender.name].append(_take(contest, contender))
    return Result(contest, tuple(Line(name, tuple(taken)) for name, taken in samples.items()))


def _take(contest: Contest, contender: Contender) -> Sample:
    before = contest.meter.read() if contest.meter else None
    sample = run_apart(contender.work, contest.job)
    after = contest.meter.read() if contest.meter else None
    other = None if before is None or after is None else after - before
    return Sample(sample.wall, sample.cpu, sample.units, other)


def run_apart(work: Callable[[Any], T], job: Any) -> T:
    """Do the work in a new process: nothing that another contender imported, cached or left open counts."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, job).result()


def say(text: str) -> None:
    """Tell the person who waits what is being done."""
    print(text, file=sys.stderr, flush=True)
