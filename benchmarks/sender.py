"""Senders that deliver the same edition with less: no plan, no log, and but for one no personalisation."""

from __future__ import annotations

import asyncio
import datetime as dt
import smtplib
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

import aiosmtplib

from benchmarks.measure import Sample, begin
from benchmarks.receiver import HOST, find_postfix
from pressrun.render.edition import Edition
from pressrun.render.slot import Slot, SlotTokens

NOW = dt.datetime(2026, 6, 30, 9, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Job:
    """What to deliver, and where to; `message` is what one recipient gets, whole."""

    edition: Edition
    message: bytes
    recipients: int
    connections: int
    port: int


def address(number: int) -> str:
    return f"reader{number:06}@example.com"


def name(number: int) -> str:
    return f"读者 {number:06}"


def send_by_aiosmtplib(job: Job) -> Sample:
    """`sendmail` on as many connections, one message after another on each."""
    return asyncio.run(_sendmail(job))


async def _sendmail(job: Job) -> Sample:
    numbers = iter(range(job.recipients))

    async def connect() -> None:
        client = aiosmtplib.SMTP(hostname=HOST, port=job.port, start_tls=False)
        async with client:
            for number in numbers:
                await client.sendmail(job.edition.sender_address, [address(number)], job.message)

    started = begin()
    async with asyncio.TaskGroup() as group:
        for _ in range(job.connections):
            group.create_task(connect())
    return started.until_now(job.recipients)


def send_by_smtplib(job: Job) -> Sample:
    """What a script does; a fifth of the recipients, as it is slow."""
    recipients = max(job.recipients // 5, job.connections)
    numbers = iter(range(recipients))

    def connect(_: int) -> None:
        with smtplib.SMTP(HOST, job.port) as client:
            for number in numbers:
                client.send_message(_compose(job.edition, number))

    started = begin()
    with ThreadPoolExecutor(job.connections) as threads:
        list(threads.map(connect, range(job.connections)))
    return started.until_now(recipients)


def _compose(edition: Edition, number: int) -> EmailMessage:
    message = EmailMessage()
    message["From"] = f"{edition.sender_name} <{edition.sender_address}>"
    message["To"] = f"{name(number)} <{address(number)}>"
    message["Subject"] = edition.subject
    message["Date"] = format_datetime(NOW)
    message["Message-ID"] = make_msgid(domain="example.com")
    slot = SlotTokens(edition.nonce)[Slot.GREETING]
    message.set_content(edition.text.replace(slot, name(number)), cte="base64")
    message.add_alternative(edition.html.replace(slot, name(number)), subtype="html", cte="base64")
    return message


def send_by_smtp_source(job: Job) -> Sample:
    """Postfix's load generator, which keeps its connections (`-d`)."""
    program = find_postfix("smtp-source")
    assert program
    with tempfile.NamedTemporaryFile() as file:
        file.write(job.message.replace(b"\r\n", b"\n"))  # it writes the CR itself
        file.flush()
        sizes = ["-s", str(job.connections), "-m", str(job.recipients), "-F", file.name]
        names = ["-M", "example.com", "-f", job.edition.sender_address, "-t", address(0)]
        started = begin()
        subprocess.run([program, "-d", *sizes, *names, f"{HOST}:{job.port}"], check=True)
        return started.until_now(job.recipients)
