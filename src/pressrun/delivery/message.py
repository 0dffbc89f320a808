"""Builds one recipient's message: a pure function of edition, recipient and row."""

from __future__ import annotations

import binascii
import datetime as dt
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

import idna

from pressrun.render.edition import Edition
from pressrun.render.slot import Slot, SlottedText, SlotTokens, cut_html, cut_plain

_POLICY = policy.SMTP.clone(max_line_length=76)
_LINE_END = re.compile(r"\r\n|\r|\n")
_LINE_END_BYTES = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True)
class Recipient:
    """One person as the row knows them; `planned_at` dates the message at every try alike."""

    address: str
    name: str
    message_id: str
    planned_at: dt.datetime
    unsubscribe_url: str
    unsubscribe_mail: str | None = None


@dataclass(frozen=True)
class _Part:
    """A MIME part whose text is cut at its slots, with the transfer encoding that suits it."""

    text: SlottedText
    encoding: str

    def fill(self, values: Mapping[Slot, str]) -> bytes:
        """The part's encoded body, each line ended by CRLF."""
        raw = _LINE_END.sub("\r\n", self.text.fill(values)).encode()
        return _encode_base64(raw) if self.encoding == "base64" else _encode_quoted_printable(raw)


class MessageTemplate:
    """An edition made ready for filling: constant headers and parts once, the rest for each recipient."""

    def __init__(self, edition: Edition) -> None:
        self.edition = edition
        tokens = SlotTokens(edition.nonce)
        self._plain = _make_part(cut_plain(edition.text, tokens))
        self._html = _make_part(cut_html(edition.html, tokens))
        self._boundary = f"=_pressrun_{edition.id[:32]}"  # base64 and quoted-printable never hold "=_"
        self._constant = _constant_headers(edition)

    def fill(self, recipient: Recipient) -> bytes:
        """The whole message for `recipient` (RFC 5322), lines ended by CRLF, not dot-stuffed."""
        values = {
            Slot.GREETING: greet(self.edition, recipient.name),
            Slot.NAME: recipient.name,
            Slot.ADDRESS: recipient.address,
            Slot.UNSUBSCRIBE_URL: recipient.unsubscribe_url,
        }
        boundary = self._boundary.encode()
        return b"".join(
            (
                _recipient_headers(recipient, self.edition).encode("utf-8"),
                self._constant,
                f'Content-Type: multipart/alternative; boundary="{self._boundary}"\r\n\r\n'.encode(),
                b"--" + boundary + b"\r\n" + _part_header("plain", self._plain.encoding),
                self._plain.fill(values),
                b"\r\n--" + boundary + b"\r\n" + _part_header("html", self._html.encoding),
                self._html.fill(values),
                b"\r\n--" + boundary + b"--\r\n",
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


def _make_part(text: SlottedText) -> _Part:
    raw = _LINE_END.sub("\r\n", "".join(text.literals)).encode()
    shorter = len(_encode_quoted_printable(raw)) < len(_encode_base64(raw))
    return _Part(text, "quoted-printable" if shorter else "base64")


def _encode_base64(raw: bytes) -> bytes:
    # RFC 2045 §6.8: lines of 76 characters, which is 57 octets each.
    lines = (binascii.b2a_base64(raw[n : n + 57], newline=False) for n in range(0, len(raw), 57))
    return b"\r\n".join(lines)


def _encode_quoted_printable(raw: bytes) -> bytes:
    encoded = binascii.b2a_qp(raw, istext=True)
    return _LINE_END_BYTES.sub(b"\r\n", encoded)


def _part_header(subtype: str, encoding: str) -> bytes:
    return (f'Content-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n').encode()


def _mailbox(name: str, address: str) -> Address:
    return Address(display_name=clean_line(name), addr_spec=wire_address(address))


def _fold(headers: Mapping[str, object], *, utf8: bool = False) -> str:
    """The header lines as the standard library folds and encodes them (RFC 5322 §2.2.3, RFC 2047)."""
    message = EmailMessage(_POLICY.clone(utf8=utf8))
    for name, value in headers.items():
        message[name] = value
    return "".join(message.policy.fold(name, value) for name, value in message.items())


def _constant_headers(edition: Edition) -> bytes:
    headers: dict[str, object] = {
        "From": _mailbox(edition.sender_name, edition.sender_address),
        "Subject": clean_line(edition.subject),
        "Content-Language": edition.language,
        "MIME-Version": "1.0",
    }
    if edition.reply_to:
        headers["Reply-To"] = _mailbox("", edition.reply_to)
    list_id = _fold({"X": clean_line(edition.list_title)}).removeprefix("X: ").rstrip("\r\n")
    return (
        _fold(headers)
        + f"List-Id: {list_id}\r\n <{edition.list_id}>\r\n"  # RFC 2919 §2
        + f"List-Archive: <{edition.base_url}>\r\n"
        + "List-Post: NO\r\n"  # RFC 2369 §3.4
    ).encode("ascii")


def _recipient_headers(recipient: Recipient, edition: Edition) -> str:
    to = _mailbox(recipient.name, recipient.address)
    # RFC 8058 §3.1: one HTTPS URI that takes a POST; a mailto may stand beside it (RFC 2369 §3.2).
    leave = [f"<{recipient.unsubscribe_url}>"]
    if recipient.unsubscribe_mail:
        leave.append(f"<mailto:{recipient.unsubscribe_mail}>")
    return (
        _fold({"To": to}, utf8=needs_smtputf8(recipient.address))
        + f"Date: {format_datetime(recipient.planned_at)}\r\n"
        + f"Message-ID: {recipient.message_id}\r\n"
        + "List-Unsubscribe: "
        + ",\r\n ".join(leave)
        + "\r\n"
        + "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    )
