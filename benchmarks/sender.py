"""Senders that deliver the same message with less: no plan, no log, and but for one no personalisation."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import smtplib
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from functools import cache
from pathlib import Path

import aiosmtplib

from benchmarks.edition import NOW, address, name
from benchmarks.measure import Contender, Sample, begin
from benchmarks.receiver import HOST, find_postfix, missing_postfix
from benchmarks.store import Store
from pressrun.render.edition import Edition
from pressrun.render.slot import SlotTokens

_NODE_SCRIPT = Path(__file__).with_name("nodemailer.cjs")


@dataclass(frozen=True)
class Job:
    """What to deliver, and where to; `message` is what one recipient gets, whole. Peers have their own count."""

    edition: Edition
    message: bytes
    recipients: int
    connections: int
    port: int
    stores: tuple[Store, ...] = ()
    smtp_source: int = 0
    aiosmtplib: int = 0
    nodemailer: int = 0
    smtplib: int = 0


def send_by_aiosmtplib(job: Job) -> Sample:
    """`sendmail` on as many connections, one message after another on each."""
    return asyncio.run(_sendmail(job))


async def _sendmail(job: Job) -> Sample:
    numbers = iter(range(job.aiosmtplib))

    async def connect() -> None:
        client = aiosmtplib.SMTP(hostname=HOST, port=job.port, start_tls=False)
        async with client:
            for number in numbers:
                await client.sendmail(job.edition.sender_address, [address(number)], job.message)

    started = begin()
    async with asyncio.TaskGroup() as group:
        for _ in range(job.connections):
            group.create_task(connect())
    return started.until_now(job.aiosmtplib)


def send_by_smtplib(job: Job) -> Sample:
    """What a script does: a message built for each recipient, a thread for each connection."""
    numbers = iter(range(job.smtplib))

    def connect(_: int) -> None:
        with smtplib.SMTP(HOST, job.port) as client:
            for number in numbers:
                client.send_message(_compose(job.edition, number))

    started = begin()
    with ThreadPoolExecutor(job.connections) as threads:
        list(threads.map(connect, range(job.connections)))
    return started.until_now(job.smtplib)


def _compose(edition: Edition, number: int) -> EmailMessage:
    message = EmailMessage()
    message["From"] = f"{edition.sender_name} <{edition.sender_address}>"
    message["To"] = f"{name(number)} <{address(number)}>"
    message["Subject"] = edition.subject
    message["Date"] = format_datetime(NOW)
    message["Message-ID"] = make_msgid(domain="example.com")
    tokens = SlotTokens(edition.nonce)
    values = {tokens["greeting"]: f"{name(number)}，您好！", tokens["name"]: name(number)}
    values[tokens["unsubscribe_url"]] = f"{edition.base_url}/unsubscribe/{number}"
    text, html = edition.text, edition.html
    for token, value in values.items():
        text, html = text.replace(token, value), html.replace(token, value)
    message.set_content(text, cte="base64")
    message.add_alternative(html, subtype="html", cte="base64")
    return message


def send_by_smtp_source(job: Job) -> Sample:
    """Postfix's load generator, which keeps its connections (`-d`)."""
    program = find_postfix("smtp-source")
    assert program
    with tempfile.NamedTemporaryFile() as file:
        file.write(job.message.replace(b"\r\n", b"\n"))  # it writes the CR itself
        file.flush()
        sizes = ["-s", str(job.connections), "-m", str(job.smtp_source), "-F", file.name]
        names = ["-M", "example.com", "-f", job.edition.sender_address, "-t", address(0)]
        started = begin()
        subprocess.run([program, "-d", *sizes, *names, f"{HOST}:{job.port}"], check=True)
        return started.until_now(job.smtp_source)


def send_by_nodemailer(job: Job) -> Sample:
    """npm's nodemailer with a pool, which measures itself: Node's start does not count."""
    numbers = [str(number) for number in (job.port, job.connections, job.nodemailer)]
    command = ["node", str(_NODE_SCRIPT), *numbers, job.edition.sender_address, address(0)]
    told = subprocess.run(command, input=job.message, capture_output=True, check=True, env=node_environment()).stdout
    return Sample(**json.loads(told))


def node_environment() -> dict[str, str]:
    """The environment in which Node.js finds what `make bench` installed; NODE_PATH may name another place."""
    return {"NODE_PATH": str(Path(sys.prefix) / "bench" / "node_modules"), **os.environ}


SMTP_SOURCE = Contender("`smtp-source -d`", send_by_smtp_source, missing_postfix("smtp-source"))
AIOSMTPLIB = Contender("aiosmtplib `sendmail`", send_by_aiosmtplib)
SMTPLIB = Contender("smtplib + EmailMessage", send_by_smtplib)


@cache
def nodemailer() -> Contender:
    """The contender, whose version is asked; it says so itself where it is not there."""
    if not shutil.which("node"):
        return Contender("nodemailer, pooled", send_by_nodemailer, "Node.js is not installed")
    command = ["node", str(_NODE_SCRIPT), "0", "0", "0"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False, env=node_environment())
    missing = "it is not installed (`make bench` does that where npm is there)" if asked.returncode else ""
    return Contender(f"nodemailer {asked.stdout.strip()}".rstrip() + ", pooled", send_by_nodemailer, missing)
