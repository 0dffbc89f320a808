"""Delivery over a distance: the same as `delivery`, but every answer takes a round trip of 20 ms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.delivery import by_pressrun
from benchmarks.edition import fill, make_edition
from benchmarks.measure import Bar, Contender, Contest, Result, Scale, hold, ratio
from benchmarks.proxy import distant, round_trip
from benchmarks.receiver import receiver
from benchmarks.report import seconds, times
from benchmarks.sender import AIOSMTPLIB, SMTP_SOURCE, Job, nodemailer
from benchmarks.store import Kind, filled_store

DELAY = 0.010
"""Seconds that each octet is under way."""

SIZE = 20
BAR = 3.0
"""How many times as fast as plain aiosmtplib delivery has to be."""


def measure(root: Path, scale: Scale) -> list[Result]:
    """Hold the contest behind the delaying proxy."""
    recipients = scale.share(25)
    edition = make_edition(SIZE)
    message = fill(edition)
    with filled_store(Kind.SQLITE, recipients) as store, receiver() as sink, distant(sink, DELAY) as far:
        counts = dict.fromkeys(("smtp_source", "aiosmtplib", "nodemailer"), recipients)
        job = Job(edition, message, recipients, scale.connections, far.port, (store,), **counts)
        note = (
            f"The same with {recipients:,} recipients and {len(message):,} octets a message, through a proxy that "
            f"keeps each octet for {DELAY * 1000:.0f} ms in each direction: the answer to a NOOP took "
            f"{seconds(round_trip(far.port))}. A sender that waits for each answer needs four round trips a message."
        )
        contest = Contest("Delivery over a distance of 20 ms", "message", note, job, contenders(), far.meter)
        result = hold(contest, scale.rounds)
    return [replace(result, bars=tuple(_bars(result)))]


def contenders() -> tuple[Contender, ...]:
    """pressrun on SQLite, and those of its peers whose wall is their round trips."""
    ours = Contender("pressrun, SQLite", partial(by_pressrun, kind=Kind.SQLITE, processes=1))
    return ours, SMTP_SOURCE, AIOSMTPLIB, nodemailer()


def _bars(result: Result) -> Iterator[Bar]:
    plain = result.line(AIOSMTPLIB.name)
    assert plain
    faster = 1 / ratio(result.lines[0].walls, plain.walls)
    yield Bar("speed against plain aiosmtplib at 20 ms", f"at least {BAR:.0f} times", times(faster), faster >= BAR)
