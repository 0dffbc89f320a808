"""Tells operators what happened: as JSON to a webhook, by mail through the relay; what fails is told, not raised."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from email import policy as email_policy
from email.message import EmailMessage
from email.utils import format_datetime
from functools import partial
from urllib.parse import urlsplit

from pressrun.address import AddressError, ParsedAddress, parse_address
from pressrun.delivery.connection import Connection, Envelope, stuff_dots
from pressrun.delivery.courier import Parcel, carry
from pressrun.delivery.header import clean_line, needs_smtputf8, wire_address, write_text
from pressrun.delivery.outcome import Kind, Outcome, one_line
from pressrun.delivery.policy import Surroundings, policy_from
from pressrun.delivery.relay import parse_relays
from pressrun.errors import UsageError
from pressrun.settings import Settings

SECONDS = 15.0
"""How long a notice waits for an answer: whoever notifies has more to do."""


@dataclass(frozen=True)
class Notified:
    """Whom a notice went to (`webhook at HOST`, or an address), and why it didn't reach them; empty where it did."""

    where: str
    fault: str = ""

    @property
    def is_reached(self) -> bool:
        """Whether whoever takes it on took it."""
        return not self.fault


async def notify(
    settings: Settings, subject: str, text: str, *, sender: str = "", surroundings: Surroundings | None = None
) -> list[Notified]:
    """Tell all whom the settings `notify_url` and `notify_mail` name; empty where they name nobody.

    `sender` is the address that mail comes from, without it the first of those it goes to. Never raises for what is
    wrong with a setting, a relay or a webhook.
    """
    url, mail = settings.notify_url.get_secret_value(), settings.notify_mail.split()
    world = surroundings or Surroundings()
    posting = [_post(url, subject, text)] if url else []
    mailing = [_mail(settings, mail, sender, clean_line(subject), text, world)] if mail else []
    return [one for group in await asyncio.gather(*posting, *mailing) for one in group]


async def _post(url: str, subject: str, text: str) -> list[Notified]:
    """POST the notice; `text` holds all, as chat programs show that field."""
    import httpx  # takes long

    host = host_of(url)
    if not host:
        return [Notified("webhook", "setting notify_url is no http:// or https:// address")]
    content = {"subject": subject, "body": text, "text": f"{subject}\n\n{text}"}
    fault = ""
    try:
        with _unlogged(url):
            async with httpx.AsyncClient(timeout=SECONDS) as client:
                answer = await client.post(url, json=content)
        if not answer.is_success:
            fault = f"answered {answer.status_code}"
    except httpx.TimeoutException:
        fault = f"no answer in {SECONDS:g} s"
    except httpx.HTTPError as error:
        fault = one_line(str(error).replace(url, host)) or type(error).__name__
    except httpx.InvalidURL:  # its text may show the address, and with it the secret
        fault = "setting notify_url can't be read"
    return [Notified(f"webhook at {host}", fault)]


def host_of(url: str) -> str:
    """The host of a web address, without what may be secret in it; empty where it is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return parts.hostname or "" if parts.scheme in ("http", "https") else ""


@contextmanager
def _unlogged(url: str) -> Iterator[None]:
    """Keep what httpx logs of each request out of the logs: the address is a secret."""

    def is_harmless(record: logging.LogRecord) -> bool:
        return url not in record.getMessage()

    logger = logging.getLogger("httpx")
    logger.addFilter(is_harmless)
    try:
        yield
    finally:
        logger.removeFilter(is_harmless)


async def _mail(
    settings: Settings, texts: list[str], sender: str, subject: str, text: str, world: Surroundings
) -> list[Notified]:
    try:
        people = [_parse(one) for one in texts]
        relays = parse_relays(settings.smtp_url.get_secret_value())
    except UsageError as error:
        return [Notified(one, str(error)) for one in texts]
    policy = policy_from(settings)
    patient = replace(policy, timeout=min(policy.timeout, SECONDS), final_reply_timeout=SECONDS)
    messages = [_write(sender or str(people[0]), str(person), text, world) for person in people]
    packs = [
        partial(_pack, sender or str(people[0]), str(person), subject, message)
        for person, message in zip(people, messages, strict=True)
    ]
    outcomes = await carry(relays, patient, packs)
    return [Notified(str(person), _fault_of(outcome)) for person, outcome in zip(people, outcomes, strict=True)]


def _parse(text: str) -> ParsedAddress:
    try:
        return parse_address(text)
    except AddressError as error:
        raise UsageError(f"setting notify_mail: {text!r} is no mail address: {error}", "mend it") from None


def _write(sender: str, person: str, text: str, world: Surroundings) -> EmailMessage:
    """A plain message but for its subject; base64, so that no line of `text` is too long."""
    domain = wire_address(sender).rpartition("@")[2]
    message = EmailMessage(policy=email_policy.SMTP)
    message["From"] = wire_address(sender)
    message["To"] = wire_address(person)
    message["Date"] = format_datetime(world.clock())
    message["Message-ID"] = f"<notice-{world.chance.getrandbits(64):016x}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5: nobody's absence notice is to answer it
    message.set_content(text.encode("utf-8", "replace").decode(), cte="base64")
    return message


def _pack(sender: str, person: str, subject: str, message: EmailMessage, _connection: Connection) -> Parcel:
    utf8 = needs_smtputf8(person) or needs_smtputf8(sender)
    octets = message.as_bytes(policy=email_policy.SMTPUTF8 if utf8 else email_policy.SMTP)
    # EmailMessage decodes "=?utf-8?q?=0D=0A…?=" and writes the line break out: a header of whoever named the subject.
    octets = write_text("Subject", subject).encode("ascii") + octets
    return Parcel(Envelope(wire_address(sender), wire_address(person), utf8), stuff_dots(octets))


def _fault_of(outcome: Outcome) -> str:
    if outcome.kind is Kind.ACCEPTED:
        return ""
    return f"{outcome.code} {outcome.text}" if outcome.code else outcome.text or "not sent"
