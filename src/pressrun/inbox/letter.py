"""A letter: a message that came in, taken apart as far as is needed and no further, whatever octets it is made of."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message

SIZE_LIMIT = 2 * 1024 * 1024  # octets that are read of a letter: what says what it is stands long before
PART_LIMIT = 40
TEXT_LIMIT = 64 * 1024  # characters kept of a part

# RFC 5965 §2: a complaint encloses the message, or its headers alone (RFC 6522 §4); the same beyond ASCII: RFC 6533.
_ENCLOSED = frozenset({"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers"})

_FOLD = re.compile(r"\r?\n[ \t]+")
_FIELD = re.compile(r"^([!-9;-~]+)[ \t]*:(.*)$")


@dataclass(frozen=True)
class Part:
    """A part that is no multipart: its media type in small letters, and its text as far as it can be read."""

    kind: str
    text: str


@dataclass(frozen=True)
class Letter:
    """A letter's `id` is the hash of all its octets; `headers` have small names, of several the first."""

    id: str
    headers: Mapping[str, str]
    parts: tuple[Part, ...]

    def header(self, name: str) -> str:
        """The header, unfolded and without space around it; empty where there is none."""
        return self.headers.get(name, "")

    @property
    def reports(self) -> tuple[Part, ...]:
        """The parts that machines write for machines."""
        return tuple(part for part in self.parts if part.kind.startswith("message/"))

    @property
    def enclosed(self) -> tuple[Part, ...]:
        """The messages that it encloses, as far as they are kept: their headers first."""
        return tuple(part for part in self.parts if part.kind in _ENCLOSED)

    @property
    def words(self) -> str:
        """What a person reads of it."""
        return "\n".join(part.text for part in self.parts if part.kind == "text/plain")


def read_letter(raw: bytes) -> Letter:
    """The letter that `raw` is. Never raises: what can't be read is left out, what is too much is cut off."""
    message = message_from_bytes(raw[:SIZE_LIMIT], policy=policy.compat32)
    name = hashlib.sha256(raw).hexdigest()
    return Letter(name, _headers_of(message), tuple(_parts_of(message)))


def read_fields(text: str) -> list[dict[str, str]]:
    """Groups of `Name: value` lines, parted by empty ones, as reports have them (RFC 3464 §2.1.1); names small."""
    groups: list[dict[str, str]] = [{}]
    for line in _FOLD.sub(" ", text).splitlines():
        field = _FIELD.match(line)
        if field:
            groups[-1].setdefault(field[1].lower(), field[2].strip())
        elif not line.strip() and groups[-1]:
            groups.append({})
    return [group for group in groups if group]


def _headers_of(message: Message) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in message.items():
        headers.setdefault(name.lower(), " ".join(_decode(str(value)).split())[:TEXT_LIMIT])
    return headers


def _decode(value: str) -> str:
    """The header's value with its encoded words read (RFC 2047); as it is where they can't be."""
    if "=?" not in value:
        return value
    try:
        return str(make_header(decode_header(value[:TEXT_LIMIT])))
    except (HeaderParseError, LookupError, UnicodeError, ValueError):
        return value


def _parts_of(message: Message) -> Iterator[Part]:
    """The leaves, in order. What a report encloses is not parsed as a message, but taken as its text."""
    stack, count = [message], 0
    while stack and count < PART_LIMIT:
        one = stack.pop()
        kind = one.get_content_type().lower()
        payload = one.get_payload()
        if isinstance(payload, list):
            inner = [part for part in payload[:PART_LIMIT] if isinstance(part, Message)]
            if kind.startswith("message/"):
                count += 1
                yield Part(kind, "\n\n".join(_flatten(part) for part in inner)[:TEXT_LIMIT])
            else:
                stack.extend(reversed(inner))
            continue
        count += 1
        yield Part(kind, _text_of(one)[:TEXT_LIMIT])


def _flatten(message: Message) -> str:
    """The headers of a message that is enclosed, and its text where it has no parts."""
    head = "\n".join(f"{name}: {' '.join(str(value).split())}" for name, value in message.items())
    return head if message.is_multipart() else f"{head}\n\n{_text_of(message)}"


def _text_of(message: Message) -> str:
    payload = message.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    try:
        return payload.decode(message.get_content_charset() or "utf-8", errors="replace")
    except LookupError:  # a charset nobody knows
        return payload.decode("utf-8", errors="replace")
