"""Posting service mails: takes confirmations that are due, decides what each person gets, and hands it to the relay."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import hmac
import logging
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pressrun.delivery.backoff import next_try
from pressrun.delivery.courier import Pack, carry
from pressrun.delivery.header import wire_address
from pressrun.delivery.outcome import Kind, Outcome
from pressrun.delivery.policy import policy_from
from pressrun.delivery.preferences_link import make_preferences_token
from pressrun.delivery.relay import parse_relays
from pressrun.delivery.seal import seal
from pressrun.errors import RenderError
from pressrun.link_keys import LinkKey, LinkKeys
from pressrun.public.doors import Doors
from pressrun.public.page import find_publication
from pressrun.service_mail import ServiceKind, ServiceMail, WrittenMail, pack_service_mail, write_service_mail
from pressrun.source.model import Publication
from pressrun.store.confirmation import (
    GOOD_FOR,
    Confirmation,
    Standing,
    claim_due,
    note_mailed,
    put_off,
    read_standing,
)

log = logging.getLogger(__name__)

MAILS_A_DAY = 3
"""How many mails one address gets in a day because somebody typed it into a form."""

BATCH = 10
LEASE = dt.timedelta(minutes=15)
"""How long whoever took a batch has it to themselves: longer than a relay that answers nothing can hold it up."""

_SECONDS = 30.0
_FINAL_SECONDS = 50.0
_PURPOSE = b"pressrun confirm v1"
_BINDING = b"pressrun confirmation v1"
_MESSAGE_ID = b"pressrun service mail v1"


class ConfirmToken(NamedTuple):
    """What a token says: the confirmation's id, and a mark of what else was so when it was made."""

    id: int
    mark: str

    def is_of(self, keys: LinkKeys, confirmation: Confirmation) -> bool:
        """Whether it was made for this confirmation.

        An id alone does not say so: a database that was put back from a backup gives its ids out once more, to others.
        """
        marks = [_mark(key, confirmation) for key in keys.keys]  # it may have been made with any of them
        return any([hmac.compare_digest(self.mark.encode(), mark.encode()) for mark in marks])


def confirm_token(keys: LinkKeys, confirmation: Confirmation) -> str:
    """The token of the link in a confirmation mail."""
    return keys.make_token(_PURPOSE, f"{confirmation.id}.{_mark(keys.newest, confirmation)}")


def read_confirm_token(keys: LinkKeys, token: str) -> ConfirmToken | None:
    """What `token` says, or None where none of the keys made it."""
    number, _, mark = (keys.read_token(_PURPOSE, token) or "").partition(".")
    return ConfirmToken(int(number), mark) if number.isdecimal() and mark else None


def _mark(key: LinkKey, confirmation: Confirmation) -> str:
    """16 letters, digits, - and _, keyed: whoever sees a link can test no address with it."""
    return base64.urlsafe_b64encode(seal(key.secret, _BINDING, _facts(confirmation))[:12]).decode("ascii")


def _facts(confirmation: Confirmation) -> bytes:
    """What makes it this confirmation, and no other with its id; it changes where the address does."""
    asked, moment = confirmation.asked, confirmation.requested_at.astimezone(dt.UTC).isoformat()
    facts = (confirmation.id, moment, asked.publication, asked.subscriber_id or 0, asked.address.key)
    return "\0".join(map(str, facts)).encode()


def preferences_token(keys: LinkKeys, subscriber_id: int) -> str:
    """The token of the link to a person's preferences."""
    return make_preferences_token(subscriber_id, keys)


def decide(confirmation: Confirmation, standing: Standing, now: dt.datetime) -> ServiceKind | None:
    """Which mail the person gets; None where they get none.

    Whoever is suppressed gets none, nor does an address that had enough of them today: the form said the same to all.
    """
    asked = confirmation.asked
    if confirmation.confirmed_at is not None:
        return None if standing.is_suppressed or standing.subscriber_id is None else ServiceKind.WELCOME
    if confirmation.is_over(now) or standing.is_suppressed or standing.mailed >= MAILS_A_DAY:
        return None
    if asked.subscriber_id is not None:
        return ServiceKind.CHANGE if standing.subscriber_id is None else None
    return ServiceKind.ALREADY if standing.lists.issuperset(asked.lists) else ServiceKind.CONFIRM


async def post_due(doors: Doors) -> int:
    """Post what is due, up to a batch; how many confirmations were dealt with."""
    now = doors.clock()
    claimed = await claim_due(doors.database, now, LEASE, BATCH)
    mails = [mail for confirmation in claimed if (mail := await _prepare(doors, confirmation, claimed, now))]
    if mails:
        outcomes = await _carry(doors, mails)
        for mail, outcome in zip(mails, outcomes, strict=True):
            await _settle(doors, mail, outcome, now)
    return len(claimed)


@dataclass(frozen=True)
class _Due:
    """A mail to go, and what it is about."""

    confirmation: Confirmation
    mail: ServiceMail
    written: WrittenMail


async def _prepare(
    doors: Doors, confirmation: Confirmation, claimed: Sequence[Confirmation], now: dt.datetime
) -> _Due | None:
    """The mail to go; None where there is none, or none yet."""
    asked = confirmation.asked
    publication = find_publication(doors, asked.publication)
    standing = await read_standing(doors.database, confirmation, now)
    before = Counter(each.asked.address.key for each in claimed if each.id < confirmation.id)
    standing = replace(standing, mailed=standing.mailed + before[asked.address.key])
    kind = decide(confirmation, standing, now)
    if kind is None or publication is None:
        await put_off(doors.database, confirmation, None)
        return None
    if wait := _wait(doors, asked.address.key):
        await put_off(doors.database, confirmation, now + dt.timedelta(seconds=wait))
        return None
    mail = _address(doors, confirmation, standing, publication, kind, now)
    try:
        written = await asyncio.to_thread(write_service_mail, mail, doors.workspace.template_folders)
    except RenderError as error:  # of one theme: the others' mails go all the same
        log.error("a service mail can't be written: %s", error)
        await _put_off(doors, confirmation, now)
        return None
    return _Due(confirmation, mail, written)


def _wait(doors: Doors, key: str) -> float:
    """Seconds until one more mail may go to the address's domain, and at all."""
    limits = doors.limits
    if wait := limits.domain.allow(key.rpartition("@")[2]):
        return wait
    return limits.mails.allow("all", limits.mails.rate * 60 / doors.workspace.settings.service_mails_a_minute)


def _address(
    doors: Doors,
    confirmation: Confirmation,
    standing: Standing,
    publication: Publication,
    kind: ServiceKind,
    now: dt.datetime,
) -> ServiceMail:
    asked, base = confirmation.asked, publication.base_url.rstrip("/")
    is_question = kind in (ServiceKind.CONFIRM, ServiceKind.CHANGE)
    if is_question:
        url = f"{base}/confirm/{confirm_token(doors.keys, confirmation)}"
    else:
        url = f"{base}/preferences/{preferences_token(doors.keys, standing.subscriber_id or 0)}"
    good_until = (confirmation.requested_at + GOOD_FOR).astimezone(ZoneInfo(publication.timezone)).date()
    return ServiceMail(
        kind=kind,
        publication=publication,
        language=asked.language,
        address=asked.address.address,
        url=url,
        message_id=_message_id(doors.keys, confirmation, kind, publication),
        written_at=now,
        good_until=good_until if is_question else None,
    )


def _message_id(keys: LinkKeys, confirmation: Confirmation, kind: ServiceKind, publication: Publication) -> str:
    """The same at every try, so that a mail that goes twice is seen as one; nobody can guess it."""
    mark = seal(keys.newest.secret, _MESSAGE_ID, f"{kind} ".encode() + _facts(confirmation)).hex()[:24]
    return f"<{kind}-{mark}@{wire_address(publication.sender.address).rpartition('@')[2]}>"


async def _carry(doors: Doors, due: Sequence[_Due]) -> list[Outcome]:
    from pressrun.delivery.keyring import signing_keys  # takes long

    settings = doors.workspace.settings
    relays = parse_relays(settings.smtp_url.get_secret_value())
    policy = policy_from(settings)
    patient = replace(
        policy,
        timeout=min(policy.timeout, _SECONDS),
        final_reply_timeout=min(policy.final_reply_timeout, _FINAL_SECONDS),
    )
    signing = signing_keys(doors.workspace)
    packs: list[Pack] = [partial(pack_service_mail, each.mail, each.written, signing) for each in due]
    return await carry(relays, patient, packs)


async def _settle(doors: Doors, due: _Due, outcome: Outcome, now: dt.datetime) -> None:
    """Note what became of a mail. One that may have gone is sent again: twice does less harm than never."""
    confirmation = due.confirmation
    doors.meter.count_mail(due.mail.kind, outcome.kind)
    if outcome.kind is Kind.ACCEPTED:
        await note_mailed(doors.database, confirmation, due.mail.message_id, now)
        return
    # Not who it went to: the server's words may name them.
    log.warning("a service mail was not taken (%s %s)", outcome.kind, outcome.code or "no answer")
    if outcome.kind is Kind.PERMANENT:
        await put_off(doors.database, confirmation, None)
    else:
        await _put_off(doors, confirmation, now)


async def _put_off(doors: Doors, confirmation: Confirmation, now: dt.datetime) -> None:
    """Try again later, until its link would be of no use."""
    again = next_try(now, confirmation.attempts, doors.chance)
    is_hopeless = again >= confirmation.requested_at + GOOD_FOR
    await put_off(doors.database, confirmation, None if is_hopeless else again)


async def post_mails(doors: Doors, pause: float = 5.0) -> None:
    """Post until cancelled: at once when something is asked for here, else every `pause` seconds."""
    while True:
        doors.mail_due.clear()
        if await post_due(doors) == BATCH:
            continue
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await doors.mail_due.wait()
