"""Runs contests: every contender in a process of its own, in turn, several rounds; medians of what they took."""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Scale:
    """How much a run does."""

    recipients: int = 5_000
    connections: int = 8
    rows: int = 50_000
    repeats: int = 20  # of what takes milliseconds
    rounds: int = 3


@dataclass(frozen=True)
class Sample:
    """What `units` of work took together, in seconds; `cpu` is that of the process and of those it waited for."""

    wall: float
    cpu: float
    units: int


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
class Contest:
    """The same work done by several; the first contender is pressrun's, the others are its peers."""

    title: str
    unit: str
    note: str
    job: Any
    contenders: tuple[Contender, ...]


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


@dataclass(frozen=True)
class Result:
    """A contest that was held; the first line is pressrun's."""

    contest: Contest
    lines: tuple[Line, ...]


def ratio(ours: list[float], theirs: list[float]) -> float:
    """How many times the peer's figure ours is: the median over rounds, so that a slow spell weighs on both."""
    return median(our / their for our, their in zip(ours, theirs, strict=True))


def hold(contest: Contest, rounds: int) -> Result:
    """Let all contenders that can take part do the work, in turn, `rounds` times."""
    able = [contender for contender in contest.contenders if not contender.missing]
    samples: dict[str, list[Sample]] = {contender.name: [] for contender in able}
    for number in range(1, rounds + 1):
        for contender in able:
            print(f"{contest.title}, round {number} of {rounds}: {contender.name}", file=sys.stderr, flush=True)
            samples[contender.name].append(run_apart(contender.work, contest.job))
    return Result(contest, tuple(Line(name, tuple(taken)) for name, taken in samples.items()))


def run_apart(work: Callable[[Any], Sample], job: Any) -> Sample:
    """Do the work in a new process: nothing that another contender imported, cached or left open counts."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, job).result()
