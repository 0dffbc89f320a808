"""Memory: the most that the sending process ever holds, for lists of different length."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from benchmarks.edition import make_edition
from benchmarks.engine import Run, deliver_planned, plan_send
from benchmarks.measure import Bar, Sample, Scale, Table, run_apart, say
from benchmarks.receiver import receiver
from benchmarks.report import seconds
from benchmarks.store import Kind, filled_store

GROWTH_BAR = 1.2
"""How many times the memory of the smaller of the two longest sends the longest may hold."""

MEMORY_BAR = 200 * 10**6
_NOTE = (
    "The sending process's peak (VmHWM), Python and all libraries included, on SQLite with messages of 2 KB, once for "
    "each length of list. The process starts with the rows planned and does nothing but deliver them."
)


@dataclass(frozen=True)
class Job:
    """How many are sent to, and where."""

    recipients: int
    connections: int
    port: int


@dataclass(frozen=True)
class Peak:
    """What a send held at most, in octets, and took."""

    recipients: int
    octets: int
    sample: Sample


def measure(root: Path, scale: Scale) -> list[Table]:
    """Send to each length of list that `scale` names."""
    with receiver() as sink:
        peaks = [_measure(Job(count, scale.connections, sink.port)) for count in sorted(scale.memory)]
    if not all(peak.octets for peak in peaks):
        return [Table("Memory", _NOTE, (), ("the peak: the system has no /proc",))]
    heading = ("recipients", "peak", "wall per message", "CPU per message")
    return [Table("Memory", _NOTE, (heading, *(_cells(peak) for peak in peaks)), bars=tuple(_bars(peaks)))]


def _measure(job: Job) -> Peak:
    say(f"Memory: {job.recipients:,} recipients")
    return run_apart(deliver_all, job)


def deliver_all(job: Job) -> Peak:
    """Fill a store, plan, and let another process deliver."""
    edition = make_edition(2)
    with filled_store(Kind.SQLITE, job.recipients) as store:
        asyncio.run(plan_send(store, edition))
        run = Run(store.url, edition.issue, job.port, job.connections)
        sample, octets = deliver_planned(run, job.recipients)
    return Peak(job.recipients, octets, sample)


def _cells(peak: Peak) -> tuple[str, ...]:
    sample = peak.sample
    each = (seconds(sample.wall / sample.units), seconds(sample.cpu / sample.units))
    return f"{peak.recipients:,}", _megabytes(peak.octets), *each


def _megabytes(octets: int) -> str:
    return f"{octets / 10**6:.0f} MB"


def _bars(peaks: list[Peak]) -> list[Bar]:
    longest = peaks[-1]
    bars = [
        Bar(
            f"memory for {longest.recipients:,} recipients",
            f"under {_megabytes(MEMORY_BAR)}",
            _megabytes(longest.octets),
            longest.octets < MEMORY_BAR,
        )
    ]
    if len(peaks) > 1:
        grown = longest.octets / peaks[-2].octets
        name = f"memory from {peaks[-2].recipients:,} to {longest.recipients:,} recipients"
        bars.append(Bar(name, f"at most {GROWTH_BAR - 1:.0%} more", f"{grown - 1:+.0%}", grown <= GROWTH_BAR))
    return bars
