"""Delivery: claim, personalise, send and log a planned send, against senders that do less."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.edition import fill, make_edition
from benchmarks.engine import Run, deliver_planned, planned_store
from benchmarks.measure import Bar, Contender, Contest, Result, Sample, Scale, hold, ratio
from benchmarks.receiver import Receiver, receiver
from benchmarks.report import seconds, times
from benchmarks.sender import AIOSMTPLIB, SMTP_SOURCE, SMTPLIB, Job, nodemailer
from benchmarks.store import Kind, Store, filled_store, missing

CPU_BAR = 60e-6
"""Seconds of CPU a message of 20 KB may take, unsigned, on the machine that the bar was set on."""

GENERATOR_CPU = 26e-6
"""Seconds of CPU that smtp-source took for such a message there: what makes the bar one for other machines."""


def measure(root: Path, scale: Scale) -> list[Result]:
    """Hold the contest once for each size of message."""
    with ExitStack() as stack:
        stores = tuple(stack.enter_context(filled_store(kind, scale.recipients)) for kind in Kind if not missing(kind))
        return [_hold(size, scale, stores, stack.enter_context(receiver())) for size in scale.sizes]


def _hold(size: int, scale: Scale, stores: tuple[Store, ...], sink: Receiver) -> Result:
    edition = make_edition(size)
    job = Job(
        edition=edition,
        message=fill(edition),
        recipients=scale.recipients,
        connections=scale.connections,
        port=sink.port,
        stores=stores,
        smtp_source=scale.share(4),
        aiosmtplib=scale.share(10),
        nodemailer=scale.share(20),
        smtplib=scale.share(50),
    )
    note = _note(job, sink) if size == scale.sizes[0] else f"The same at {len(job.message):,} octets a message."
    contest = Contest(f"Delivery, {size} KB", "message", note, job, contenders(), sink.meter)
    result = hold(contest, scale.rounds)
    return replace(result, bars=tuple(_bars(size, result)))


def _note(job: Job, sink: Receiver) -> str:
    return (
        f"`pressrun.delivery.deliver` of a planned send, {len(job.message):,} octets a message on the wire, to "
        f"{job.recipients:,} recipients on {job.connections} connections in all: claim, personalisation, SMTP and log. "
        "CPU is the sender's alone, without the PostgreSQL server's. The peers keep no log: "
        f"smtp-source ({job.smtp_source:,} messages), aiosmtplib ({job.aiosmtplib:,}) and nodemailer "
        f"({job.nodemailer:,}) send the same octets over and over; "
        f"smtplib builds an EmailMessage for each recipient ({job.smtplib:,}) in a thread for each connection. "
        f"Receiver: {sink.name}, one process on the same machine; where its CPU is as much as "
        "a sender's wall, it is what that sender waited for."
    )


def by_pressrun(job: Job, kind: Kind, processes: int) -> Sample:
    """`deliver` in so many processes, the send being planned before."""
    store = next(store for store in job.stores if store.kind is kind)
    with planned_store(store, job.edition) as planned:
        run = Run(planned.url, job.edition.issue, job.port, job.connections, processes)
        return deliver_planned(run, job.recipients)[0]


def _engines() -> Iterator[Contender]:
    for kind in Kind:
        for processes in (1, 2):
            name = f"pressrun, {kind}" + (f", {processes} processes" if processes > 1 else "")
            yield Contender(name, partial(by_pressrun, kind=kind, processes=processes), missing(kind))


def contenders() -> tuple[Contender, ...]:
    """pressrun in its four ways, and its peers."""
    return (*_engines(), SMTP_SOURCE, AIOSMTPLIB, nodemailer(), SMTPLIB)


def _bars(size: int, result: Result) -> Iterator[Bar]:
    ours, generator = result.lines[0], result.line(SMTP_SOURCE.name)
    if size in (20, 60):
        slower = ratio(ours.walls, generator.walls) if generator else None
        measured = times(slower) if slower is not None else "smtp-source is missing"
        met = None if slower is None else slower <= 1
        yield Bar(f"wall against `smtp-source -d`, {size} KB", "at most 1.00", measured, met)
    if size == 20:
        cpu = median(ours.cpus)
        yield Bar("CPU a message, 20 KB, unsigned", f"at most {seconds(CPU_BAR)}", seconds(cpu), cpu <= CPU_BAR)
        if generator:
            more, most = ratio(ours.cpus, generator.cpus), CPU_BAR / GENERATOR_CPU
            yield Bar("the same in CPU of `smtp-source -d`", f"at most {times(most)}", times(more), more <= most)
