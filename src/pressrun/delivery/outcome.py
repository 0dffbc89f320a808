"""What can come of handing one message to a relay, and the state its row then takes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """The states of a delivery row (promise 2 of the delivery log)."""

    QUEUED = "queued"
    SENDING = "sending"
    DOT = "dot"
    SENT = "sent"
    DEFERRED = "deferred"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    SUPPRESSED = "suppressed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


OPEN_STATES = (State.QUEUED, State.SENDING, State.DOT, State.DEFERRED)


class Kind(StrEnum):
    """How a transaction ended."""

    ACCEPTED = "accepted"  # 2xx to the final dot
    TEMPORARY = "temporary"  # 4xx anywhere
    PERMANENT = "permanent"  # 5xx anywhere
    IN_DOUBT = "in_doubt"  # the final dot left, no clear answer came
    NOT_SENT = "not_sent"  # the connection was lost before the final dot


@dataclass(frozen=True)
class Outcome:
    """How a transaction ended; code, enhanced code (RFC 3463) and text are the relay's, where it answered."""

    kind: Kind
    code: int | None = None
    enhanced: str | None = None
    text: str = ""


_ENHANCED = re.compile(r"^([245]\.\d{1,3}\.\d{1,3})(?:\s+|$)")


def outcome_of_reply(code: int, text: str) -> Outcome:
    """The outcome a reply that refuses, or the reply to the final dot, stands for."""
    text = one_line(text)
    match = _ENHANCED.match(text)
    # RFC 2034 §4: an enhanced code agrees with its reply's first digit, or is none.
    enhanced = match[1] if match and match[1][0] == str(code)[0] else None
    if 200 <= code < 300:
        kind = Kind.ACCEPTED
    elif 400 <= code < 500:
        kind = Kind.TEMPORARY
    elif 500 <= code < 600:
        kind = Kind.PERMANENT
    else:
        kind = Kind.IN_DOUBT
    return Outcome(kind, code, enhanced, text)


def one_line(text: str) -> str:
    """What a server said as every store can hold it: printable, on one line, at most 1,000 characters."""
    if text.isprintable() and "  " not in text:  # nearly all: none of the work below
        return text.strip()[:1000]
    # Octets that are not UTF-8 come as lone surrogates, which no database takes; nor does PostgreSQL take NUL.
    shown = ("\ufffd" if "\ud800" <= c <= "\udfff" else c if c.isprintable() else " " for c in text)
    return " ".join("".join(shown).split())[:1000]
