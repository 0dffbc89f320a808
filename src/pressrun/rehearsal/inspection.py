"""Opens one message as its reader's program would, and says what is wrong with it."""

from __future__ import annotations

import binascii
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parseaddr, parsedate_to_datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from pressrun.condition import parse_condition
from pressrun.delivery.dkim_key import SigningKey, keys_for
from pressrun.delivery.leave_link import Leave, read_leave_token
from pressrun.delivery.message import clean_line, wire_address
from pressrun.delivery.recipient import make_recipient
from pressrun.delivery.value import Recipient, read_facts, slot_readers
from pressrun.link_keys import LinkKeys
from pressrun.rehearsal.signature import verified_by
from pressrun.render.edition import Edition
from pressrun.render.mail import LIMIT_OCTETS
from pressrun.render.slot import SlottedText, SlotTokens, cut_header, cut_html, cut_plain, select_blocks
from pressrun.store.journal import Claimed
from pressrun.tracking import Way, way_of

LONGEST_LINE = 998
"""Octets of a line without its CRLF (RFC 5322 §2.1.1)."""

ONCE = (
    "From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "List-Id", "List-Unsubscribe",
    "List-Unsubscribe-Post",
)  # fmt: skip
"""Headers that every message has exactly one of (RFC 5322 §3.6, RFC 2045 §4, RFC 8058 §3.1)."""

_AT_MOST_ONCE = ("Reply-To", "Sender", "Cc", "Bcc", "References", "In-Reply-To", "Return-Path")
_URI = re.compile(r"<([^<>]*)>")


class Flaw(StrEnum):
    """What can be wrong with a message; the value says it in a report."""

    LINES = "lines that are too long or don't end with CRLF"
    MIME = "no sound MIME"
    HEADERS = "a header that is missing, there twice or unreadable"
    UNSIGNED = "a DKIM signature that is missing or doesn't hold"
    LEAVE_LINK = "no link to leave by that is valid and this person's"
    UNFILLED = "a slot that was not filled"
    EMPTY = "a slot that is empty for this person: give it a fallback"
    CLIPPED = "more HTML than mail programs show"
    TEXT = "another text than this person is to read"
    FILES = "pictures or attachments that are not the edition's"
    ADDRESSEE = "another person's address, name or Message-ID"


class Inspected(NamedTuple):
    """What is wrong with one message, and the token it lets its reader leave by; empty where none was found."""

    flaws: frozenset[Flaw]
    token: str


class _Opened(NamedTuple):
    """A message's parts, decoded; `files` are those beyond the two texts."""

    plain: str
    html: str
    files: tuple[bytes, ...]


class Inspector:
    """Knows the editions by send, and the keys that links and messages are signed with."""

    def __init__(self, editions: Mapping[int, Edition], keys: LinkKeys, signing: Sequence[SigningKey]) -> None:
        self._proofs = {send: _Proof(edition) for send, edition in editions.items()}
        self._keys, self._signing = keys, signing

    def inspect(self, row: Claimed, recipient: str, content: bytes) -> Inspected:
        """Hold the message that came for `recipient` against the row it is to be."""
        proof = self._proofs[row.send_id]
        edition = proof.edition
        person = make_recipient(row, edition, self._keys)
        parsed = message_from_bytes(content)
        token = _find_token(parsed, edition)
        found = set(_check_envelope(parsed, row, recipient))
        found.update(_check_wire(content), _check_headers(parsed), self._check_signatures(content, edition))
        if read_leave_token(token, self._keys) != Leave(row.subscriber_id, row.list):
            found.add(Flaw.LEAVE_LINK)
        opened = _open(parsed)
        if opened is None:
            found.add(Flaw.MIME)
        else:
            found.update(proof.check(person, opened, _read_header(parsed, "Subject")))
        return Inspected(frozenset(found), token)

    def _check_signatures(self, content: bytes, edition: Edition) -> Iterator[Flaw]:
        wanted = {key.name for key in keys_for(self._signing, edition.sender_address)}
        if wanted and not wanted <= verified_by(content, self._signing):
            yield Flaw.UNSIGNED


class _Reading(NamedTuple):
    """What those read who meet the same conditions."""

    plain: SlottedText
    html: SlottedText
    slots: frozenset[str]


class _Proof:
    """An edition, and what a person is to read of it: filled in the plainest way, from the edition alone."""

    def __init__(self, edition: Edition) -> None:
        self.edition = edition
        self._tokens, self._readers = SlotTokens(edition.nonce), slot_readers(edition)
        self._conditions = tuple(map(parse_condition, edition.conditions))
        self._subject = cut_header(edition.subject, self._tokens)
        self._files = tuple(file.content for file in (*edition.inline, *edition.attachments))
        self._reading = lru_cache(128)(self._read)

    def check(self, person: Recipient, opened: _Opened, subject: str) -> Iterator[Flaw]:
        """Hold subject, texts and files against what `person` is to get."""
        facts = read_facts(person)
        way = way_of(person.attributes, person.person)
        reading = self._reading(way, tuple(condition.holds(facts) for condition in self._conditions))
        values = {slot: read(person) for slot, read in self._readers.items() if slot in reading.slots}
        texts = (subject, opened.plain, opened.html)
        if any(self.edition.nonce in text for text in texts):
            yield Flaw.UNFILLED
        if not all(values.values()):
            yield Flaw.EMPTY
        wanted = (clean_line(self._subject.fill(values)), reading.plain.fill(values), reading.html.fill(values))
        if tuple(map(_flat, wanted)) != tuple(map(_flat, texts)) or not all(texts):
            yield Flaw.TEXT
        if opened.files != self._files:
            yield Flaw.FILES
        if len(opened.html.encode()) > LIMIT_OCTETS:
            yield Flaw.CLIPPED

    def _read(self, way: Way, met: tuple[bool, ...]) -> _Reading:
        edition, tokens = self.edition, self._tokens
        plain = cut_plain(select_blocks(edition.text, tokens, met), tokens)
        html = cut_html(select_blocks(edition.html_for(way), tokens, met), tokens)
        return _Reading(plain, html, frozenset((*self._subject.slots, *plain.slots, *html.slots)))


def _flat(text: str) -> str:
    """`text` on one line: where lines end may differ, as bodies that go as 8bit are broken otherwise."""
    return text.encode(errors="replace").decode().replace("\r\n", " ").replace("\n", " ").strip()


def _check_wire(content: bytes) -> Iterator[Flaw]:
    ends = content.count(b"\r\n")
    longest = max(map(len, content.split(b"\r\n")))
    if content.count(b"\n") != ends or content.count(b"\r") != ends or longest > LONGEST_LINE or b"\0" in content:
        yield Flaw.LINES


def _check_headers(parsed: Message) -> Iterator[Flaw]:
    counts = Counter(name.lower() for name in parsed.keys())  # noqa: SIM118 - a Message's own keys, repeated ones too
    is_sound = (
        all(counts[name.lower()] == 1 for name in ONCE)
        and all(counts[name.lower()] <= 1 for name in _AT_MOST_ONCE)
        and not parsed.defects
        and _unfold(parsed, "List-Unsubscribe-Post") == "List-Unsubscribe=One-Click"
    )
    if not is_sound:
        yield Flaw.HEADERS


def _check_envelope(parsed: Message, row: Claimed, recipient: str) -> Iterator[Flaw]:
    name, address = parseaddr(_unfold(parsed, "To"))
    same_address = {address, recipient} <= {wire_address(row.address), row.address}
    same_name = _decode(name) == clean_line(row.name)
    if not (same_address and same_name and _unfold(parsed, "Message-ID") == row.message_id):
        yield Flaw.ADDRESSEE
    try:
        dated = parsedate_to_datetime(_unfold(parsed, "Date"))
    except ValueError:
        dated = None
    if dated is None or dated != row.created_at.replace(microsecond=0):
        yield Flaw.HEADERS


def _find_token(parsed: Message, edition: Edition) -> str:
    """What stands behind the one web address to leave by (RFC 8058 §3.1)."""
    place = f"{edition.base_url.rstrip('/')}/unsubscribe/"
    uris = [uri for uri in _URI.findall(_unfold(parsed, "List-Unsubscribe")) if not uri.startswith("mailto:")]
    return uris[0].removeprefix(place) if len(uris) == 1 and uris[0].startswith(place) else ""


def _open(parsed: Message) -> _Opened | None:
    """The parts of a message whose MIME is sound: the plain text, the HTML, then files; None for any other."""
    parts = list(parsed.walk())
    leaves = [part for part in parts if not part.is_multipart()]
    kinds = [part.get_content_type() for part in leaves[:2]]
    if kinds != ["text/plain", "text/html"] or not parsed.is_multipart():
        return None
    try:
        payloads = [_decode_payload(part) for part in leaves]
        plain, html = (payloads[n].decode(leaves[n].get_content_charset() or "ascii") for n in (0, 1))
    except (UnicodeDecodeError, LookupError, binascii.Error):
        return None
    if any(part.defects for part in parts):
        return None
    return _Opened(plain, html, tuple(payloads[2:]))


def _decode_payload(part: Message) -> bytes:
    payload: Any = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _read_header(parsed: Message, name: str) -> str:
    return _decode(_unfold(parsed, name))


def _decode(text: str) -> str:
    """A header's text with its encoded words read (RFC 2047); as it is where they can't be."""
    try:
        return str(make_header(decode_header(text)))
    except (MessageError, LookupError, ValueError):
        return text


def _unfold(parsed: Message, name: str) -> str:
    """The header's first value on one line; octets that are UTF-8 read as such (RFC 6532)."""
    values = (str(value) for found, value in parsed.raw_items() if found.lower() == name.lower())
    text = next(values, "").replace("\r\n", "").replace("\n", "").strip()
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
