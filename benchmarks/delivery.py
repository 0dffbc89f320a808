"""Delivery: an edition to a list, with plan, personalisation and log, against senders that do less."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from benchmarks.measure import Contender, Contest, Result, Sample, Scale, begin, hold
from benchmarks.receiver import HOST, find_postfix, receiver
from benchmarks.sender import NOW, Job, address, name, send_by_aiosmtplib, send_by_smtp_source, send_by_smtplib
from pressrun.delivery.message import MessageTemplate, Recipient
from pressrun.render.edition import Edition
from pressrun.render.source import render_issue
from pressrun.workspace import open_workspace

ISSUE = "spp/2026-02"


def measure(root: Path, scale: Scale) -> list[Result]:
    """Hold the contest on the issue `ISSUE` of the workspace at `root`."""
    edition = render_issue(open_workspace(root), ISSUE).edition
    message = _fill(edition)
    with receiver() as sink:
        job = Job(edition, message, scale.recipients, scale.connections, sink.port)
        note = (
            f"`pressrun.delivery.send` of {ISSUE} ({len(message) / 1024:.0f} KB a message) to {scale.recipients:,} "
            f"recipients on {scale.connections} connections, from the plan to the last outcome in the log, on SQLite. "
            f"Receiver: {sink.name}, on the same machine. CPU is the sender's alone. aiosmtplib and smtp-source send "
            "the bytes of one ready-made message over and over and keep no log; smtplib builds an EmailMessage for "
            "each recipient (a fifth of them), in a thread for each connection, and keeps no log either."
        )
        return [hold(Contest("Delivery", "message", note, job, CONTENDERS), scale.rounds)]


def _fill(edition: Edition) -> bytes:
    url = f"{edition.base_url}/unsubscribe/{'0' * 40}"
    person = Recipient(address(0), name(0), f"<{edition.id[:24]}.0@example.com>", NOW, url)
    return MessageTemplate(edition).fill(person)


def by_pressrun(job: Job) -> Sample:
    """`send`, the list being stored before."""
    return asyncio.run(_send(job))


async def _send(job: Job) -> Sample:
    # Only this contender's process needs them, and they take their time.
    from pressrun.address import parse_address
    from pressrun.delivery.deliver import Policy
    from pressrun.delivery.outcome import State
    from pressrun.delivery.relay import Relay, Starttls
    from pressrun.delivery.send import send
    from pressrun.store.database import open_database
    from pressrun.store.subscriber import Row
    from pressrun.store.subscriber_import import import_subscribers

    people = (Row(n + 2, parse_address(address(n)), name(n)) for n in range(job.recipients))
    relay = Relay(HOST, job.port, starttls=Starttls.NEVER)
    with tempfile.TemporaryDirectory() as folder:
        async with open_database(f"sqlite:///{folder}/pressrun.db") as database:
            await import_subscribers(database, people, "readers", NOW)
            started = begin()
            report = await send(database, job.edition, "readers", relay, b"a key", Policy(connections=job.connections))
            sample = started.until_now(job.recipients)
    if report.counts[State.SENT] != job.recipients:
        raise RuntimeError(f"not all was sent: {report.counts}")
    return sample


CONTENDERS = (
    Contender("pressrun", by_pressrun),
    Contender("aiosmtplib `sendmail`", send_by_aiosmtplib),
    Contender("smtplib + EmailMessage", send_by_smtplib),
    Contender(
        "`smtp-source -d`", send_by_smtp_source, "" if find_postfix("smtp-source") else "Postfix is not installed"
    ),
)
