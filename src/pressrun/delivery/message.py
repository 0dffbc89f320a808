"""Builds one recipient's message: a pure function of edition, recipient and row."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from email.utils import format_datetime
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

from pressrun.condition import parse_condition
from pressrun.delivery.header import (
    clean_line,
    needs_smtputf8,
    wire_address,
    write_mailbox,
    write_mailto,
    write_phrase,
    write_text,
    write_uri,
)
from pressrun.delivery.html_line import break_lines
from pressrun.delivery.mime import Frame, make_frame
from pressrun.delivery.part import Part
from pressrun.delivery.value import Reader, Recipient, SlotValues, greet, read_facts, read_values, settle, slot_readers
from pressrun.render.edition import Edition
from pressrun.render.slot import Slot, SlottedText, SlotTokens, cut_header, cut_html, cut_plain, select_blocks
from pressrun.tracking import Way, way_of

if TYPE_CHECKING:  # loading it takes longer than all the rest, and only signing needs it
    from pressrun.delivery.dkim import HeaderSigner, SigningKey

__all__ = [
    "MessageTemplate", "Recipient", "clean_line", "greet", "needs_smtputf8", "read_values", "wire_address",
]  # fmt: skip

VARIANTS = 128
"""How many variants of an edition with conditions are kept compiled."""

_FEEDBACK_PART = 120


class MessageTemplate:
    """An edition made ready for filling: constant headers and parts once, the rest for each recipient.

    `eight_bit` says that the relay offers 8BITMIME; the edition must allow it as well. Every message bears a
    DKIM-Signature by each of the keys in `signing`.
    """

    def __init__(self, edition: Edition, *, eight_bit: bool = False, signing: Sequence[SigningKey] = ()) -> None:
        self.edition = edition
        self.is_eight_bit = eight_bit and edition.eight_bit
        """Whether MAIL has to say BODY=8BITMIME (RFC 6152)."""
        self._frame = make_frame(edition, eight_bit=self.is_eight_bit)
        self._tokens, self._readers = SlotTokens(edition.nonce), slot_readers(edition)
        subject = cut_header(edition.subject, self._tokens)
        self._varying = _RecipientHeaders(edition, subject, self._readers)
        constant = _constant_headers(edition, with_subject=not subject.slots) + self._frame.header
        self._ending = constant + b"\r\n"
        self._selectors = tuple(key.selector for key in signing)
        self._signer = _make_signer(signing, constant) if signing else None
        self._conditions = tuple(map(parse_condition, edition.conditions))
        self._variant = lru_cache(VARIANTS)(self._compile)
        self._only = None if self._conditions or edition.is_counted else self._compile(Way.PLAIN, ())

    @property
    def form(self) -> str:
        """How messages are built beyond what the edition says: `7bit` or `8bit`, and the selectors of the keys."""
        transfer = "8bit" if self.is_eight_bit else "7bit"
        return f"{transfer} dkim={','.join(self._selectors)}" if self._selectors else transfer

    def fill(self, recipient: Recipient) -> bytes:
        """The whole message for `recipient` (RFC 5322), lines ended by CRLF, not dot-stuffed."""
        varying = self._varying.write(recipient)
        variant = self._only or self._variant(self._way_of(recipient), self._judge(recipient))
        values = variant.read(recipient)
        if self._signer is None:
            out = [varying, self._ending]
            variant.append(values, out)
            return b"".join(out)
        pieces: list[bytes] = []
        variant.append(values, pieces)
        body = b"".join(pieces)
        signatures = self._signer.sign(varying, variant.hash(values, body), recipient.planned_at)
        return b"".join((signatures, varying, self._ending, body))

    def _way_of(self, recipient: Recipient) -> Way:
        return way_of(recipient.attributes, recipient.person) if self.edition.is_counted else Way.PLAIN

    def _judge(self, recipient: Recipient) -> tuple[bool, ...]:
        facts = read_facts(recipient)
        return tuple([condition.holds(facts) for condition in self._conditions])

    def _compile(self, way: Way, met: tuple[bool, ...]) -> _Variant:
        edition, tokens = self.edition, self._tokens
        plain, html = (select_blocks(text, tokens, met) for text in (edition.text, edition.html_for(way)))
        cut = cut_plain(plain, tokens), cut_html(break_lines(html) if self.is_eight_bit else html, tokens)
        texts = [settle(text, Slot.VIEW_URL, edition.url) for text in cut]
        return _Variant(texts[0], texts[1], self._readers, self._frame, eight_bit=self.is_eight_bit)


class _Variant:
    """The body that all get who meet the same conditions."""

    def __init__(
        self, plain: SlottedText, html: SlottedText, readers: Mapping[str, Reader], frame: Frame, *, eight_bit: bool
    ) -> None:
        values = SlotValues((plain, html), readers)
        self.read = values.read
        self._plain = Part("plain", plain, values.places, eight_bit=eight_bit)
        self._html = Part("html", html, values.places, eight_bit=eight_bit)
        self._frame = frame
        beginning = frame.opening + self._plain.beginning
        self._length, self._begun = len(beginning), hashlib.sha256(beginning)
        self._eight_bit = eight_bit

    def append(self, values: Sequence[bytes], out: list[bytes]) -> None:
        """Add the body filled with `values` to `out`, in pieces."""
        frame = self._frame
        out.append(frame.opening)
        self._plain.append(values, out)
        out.append(frame.between)
        self._html.append(values, out)
        out.append(frame.closing)

    def hash(self, values: Sequence[bytes], body: bytes) -> bytes:
        """The SHA-256 digest of the relaxed canonical form of `body`, which was filled with `values`."""
        if self._eight_bit:
            return self._hash_canonical(values)
        digest = self._begun.copy()  # what never changes at its beginning is not hashed again
        digest.update(memoryview(body)[self._length :])
        return digest.digest()

    def _hash_canonical(self, values: Sequence[bytes]) -> bytes:
        out = [self._frame.opening]
        self._plain.append_canonical(values, out)
        out.append(self._frame.between)
        self._html.append_canonical(values, out)
        out.append(self._frame.closing)
        return hashlib.sha256(b"".join(out)).digest()


class _RecipientHeaders:
    """The header fields that differ from recipient to recipient."""

    def __init__(self, edition: Edition, subject: SlottedText, readers: Mapping[str, Reader]) -> None:
        self._issue, self._subject = edition.issue, subject if subject.slots else None
        self._subject_readers = {slot: readers[slot] for slot in subject.slots}
        self._dated: tuple[dt.datetime | None, str] = None, ""

    def write(self, recipient: Recipient) -> bytes:
        """The fields, each ended by CRLF."""
        # RFC 8058 §3.1: one HTTPS URI that takes a POST; a mailto may stand beside it (RFC 2369 §3.2).
        mail = ""
        if recipient.unsubscribe_mail:
            # The link's token: letters, digits and -_~, which stand in a URI as they are.
            token = recipient.unsubscribe_url.rpartition("/")[2]
            mail = f"{_leave_by_mail(recipient.unsubscribe_mail)}?subject=leave%20{token}>"  # RFC 6068 §2
        fields = (
            f"To: {write_mailbox(recipient.name, recipient.address)}\r\n"
            f"{self._date(recipient.planned_at)}"
            f"Message-ID: {clean_line(recipient.message_id)}\r\n"
            f"List-Unsubscribe: <{write_uri(recipient.unsubscribe_url)}>{mail}\r\n"
            f"{_feedback_id(self._issue, recipient.list)}"
        )
        return (fields + self._write_subject(recipient) if self._subject else fields).encode()

    def _date(self, moment: dt.datetime) -> str:
        if self._dated[0] != moment:  # all that were planned together bear one date
            self._dated = moment, f"Date: {format_datetime(moment.astimezone(dt.UTC))}\r\n"
        return self._dated[1]

    def _write_subject(self, recipient: Recipient) -> str:
        assert self._subject is not None
        values = {slot: read(recipient) for slot, read in self._subject_readers.items()}
        return write_text("Subject", self._subject.fill(values))


def _make_signer(keys: Sequence[SigningKey], constant: bytes) -> HeaderSigner:
    from pressrun.delivery.dkim import HeaderSigner

    return HeaderSigner(keys, constant)


@lru_cache(maxsize=64)
def _leave_by_mail(address: str) -> str:
    return f",\r\n <{write_mailto(address)}"


@lru_cache(maxsize=64)
def _feedback_id(issue: str, list_name: str) -> str:
    """What Gmail counts complaints by: campaign, customer, kind of mail, sender."""
    publication = issue.partition("/")[0]
    parts = (
        quote(part, safe="/", errors="replace")[:_FEEDBACK_PART] for part in (issue, list_name, "news", publication)
    )
    return f"Feedback-ID: {':'.join(parts)}\r\n"


def _constant_headers(edition: Edition, *, with_subject: bool) -> bytes:
    reply_to = f"Reply-To: {write_mailbox('', edition.reply_to)}\r\n" if edition.reply_to else ""
    subject = write_text("Subject", edition.subject) if with_subject else ""
    return (
        f"From: {write_mailbox(edition.sender_name, edition.sender_address)}\r\n{reply_to}{subject}"
        f"Content-Language: {edition.language}\r\nMIME-Version: 1.0\r\n"
        f"List-Id: {write_phrase(clean_line(edition.list_title))}\r\n <{edition.list_id}>\r\n"  # RFC 2919 §2
        f"List-Archive: <{write_uri(edition.base_url)}>\r\n"
        "List-Post: NO\r\n"  # RFC 2369 §3.4
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"  # RFC 8058 §3.1
    ).encode("ascii")
