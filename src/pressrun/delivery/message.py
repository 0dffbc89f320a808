"""Builds one recipient's message: a pure function of edition, recipient and row."""

from __future__ import annotations

import base64
import datetime as dt
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from email import policy
from email.utils import format_datetime

import idna

from pressrun.delivery.part import Part
from pressrun.render.edition import Edition
from pressrun.render.slot import Slot, SlotTokens, cut_html, cut_plain

_POLICY = policy.SMTP.clone(max_line_length=76)
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~ ]+")  # RFC 5322 §3.2.3, and spaces between atoms
_LINE = 76
_CRLF = "\r\n"


@dataclass(frozen=True)
class Recipient:
    """One person as the row knows them; `planned_at` dates the message at every try alike."""

    address: str
    name: str
    message_id: str
    planned_at: dt.datetime
    unsubscribe_url: str
    unsubscribe_mail: str | None = None


class MessageTemplate:
    """An edition made ready for filling: constant headers and parts once, the rest for each recipient."""

    def __init__(self, edition: Edition) -> None:
        self.edition = edition
        tokens = SlotTokens(edition.nonce)
        self._plain = Part("plain", cut_plain(edition.text, tokens))
        self._html = Part("html", cut_html(edition.html, tokens))
        boundary = f"=_pressrun_{edition.id[:32]}"  # base64 and quoted-printable never hold "=_"
        content_type = f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n'
        self._opening = _constant_headers(edition) + f"{content_type}--{boundary}\r\n".encode() + self._plain.header
        self._between = f"\r\n--{boundary}\r\n".encode() + self._html.header
        self._closing = f"\r\n--{boundary}--\r\n".encode()

    def fill(self, recipient: Recipient) -> bytes:
        """The whole message for `recipient` (RFC 5322), lines ended by CRLF, not dot-stuffed."""
        values = {
            Slot.GREETING: greet(self.edition, recipient.name),
            Slot.NAME: clean_line(recipient.name),
            Slot.ADDRESS: recipient.address,
            Slot.UNSUBSCRIBE_URL: recipient.unsubscribe_url,
        }
        return b"".join(
            (
                _recipient_headers(recipient).encode(),
                self._opening,
                self._plain.fill(values),
                self._between,
                self._html.fill(values),
                self._closing,
            )
        )


def greet(edition: Edition, name: str) -> str:
    """The greeting for a person called `name`, or for one whose name is not known."""
    if clean := clean_line(name):
        return (edition.greeting or edition.greeting_anonymous or "").replace("{name}", clean)
    return edition.greeting_anonymous or ""


def clean_line(text: str) -> str:
    """`text` on one line, without control characters: nothing in it can begin a header of its own."""
    return " ".join("".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text).split())


def wire_address(address: str) -> str:
    """`address` with its domain as A-labels, as envelopes and headers carry it without SMTPUTF8."""
    local, _, domain = address.rpartition("@")
    return address if domain.isascii() else f"{local}@{idna.encode(domain, uts46=True).decode('ascii')}"


def needs_smtputf8(address: str) -> bool:
    """Whether only a relay that offers SMTPUTF8 (RFC 6531) can take `address`."""
    return not address.rpartition("@")[0].isascii()


def _mailbox(name: str, address: str) -> str:
    """A header's mailbox, folded for a header with a short name (RFC 5322 §3.4)."""
    wire = wire_address(address)
    phrase = _phrase(clean_line(name))
    if not phrase:
        return wire
    last = phrase.rpartition("\r\n")[2]
    fits = len(last) + len(wire) + 12 <= _LINE
    return f"{phrase}{' ' if fits else f'{_CRLF} '}<{wire}>"


def _phrase(name: str) -> str:
    """The name as atoms or a quoted string; where it has other letters or is long, as encoded words (RFC 2047 §5)."""
    if not name.isascii() or len(name) > 60 or "=?" in name:
        return f"{_CRLF} ".join(_encoded_words(name))
    if _ATOMS.fullmatch(name) or not name:
        return name
    escaped = name.replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"'


def _encoded_words(text: str) -> Iterator[str]:
    word = b""
    for letter in text:
        octets = letter.encode()
        if len(word) + len(octets) > 42:  # RFC 2047 §2: at most 76 characters a line, none of the text's cut in two
            yield _encoded_word(word)
            word = b""
        word += octets
    yield _encoded_word(word)


def _encoded_word(octets: bytes) -> str:
    return f"=?utf-8?b?{base64.b64encode(octets).decode()}?="


def _unstructured(name: str, text: str) -> str:
    """A header of free text, folded."""
    if text.isascii() and "=?" not in text:
        return str(_POLICY.fold(name, text))
    # Not by the standard library: it loses spaces between the words of a Chinese subject.
    return f"{name}: {f'{_CRLF} '.join(_encoded_words(text))}\r\n"


def _constant_headers(edition: Edition) -> bytes:
    reply_to = f"Reply-To: {_mailbox('', edition.reply_to)}\r\n" if edition.reply_to else ""
    return (
        f"From: {_mailbox(edition.sender_name, edition.sender_address)}\r\n"
        + reply_to
        + _unstructured("Subject", clean_line(edition.subject))
        + f"Content-Language: {edition.language}\r\nMIME-Version: 1.0\r\n"
        + f"List-Id: {_phrase(clean_line(edition.list_title))}\r\n <{edition.list_id}>\r\n"  # RFC 2919 §2
        + f"List-Archive: <{edition.base_url}>\r\n"
        + "List-Post: NO\r\n"  # RFC 2369 §3.4
    ).encode("ascii")


def _recipient_headers(recipient: Recipient) -> str:
    # RFC 8058 §3.1: one HTTPS URI that takes a POST; a mailto may stand beside it (RFC 2369 §3.2).
    leave = [f"<{recipient.unsubscribe_url}>"]
    if recipient.unsubscribe_mail:
        leave.append(f"<mailto:{recipient.unsubscribe_mail}>")
    return (
        f"To: {_mailbox(recipient.name, recipient.address)}\r\n"
        f"Date: {format_datetime(recipient.planned_at)}\r\n"
        f"Message-ID: {recipient.message_id}\r\n"
        f"List-Unsubscribe: {f',{_CRLF} '.join(leave)}\r\n"
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    )
