"""What a letter says, decided from its text alone: a wish to leave, a bounce, a complaint, an answer by a machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from pressrun.delivery.outcome import one_line
from pressrun.inbox.letter import Letter, Part, read_fields
from pressrun.inbox.wish import find_tokens, is_wish


class Gravity(StrEnum):
    """What a bounce says about the address."""

    HARD = "hard"  # nobody is there: nothing will ever arrive
    SOFT = "soft"  # somebody is there, and could not take it
    BLOCK = "block"  # it was refused for what we are or sent: it says nothing about the person
    NONE = "none"  # nothing is lost yet, or it did arrive


class LetterKind(StrEnum):
    """What a letter is. The values stand in the store."""

    LEAVE = "leave"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    AUTOMATIC = "automatic"  # an answer by a machine, such as an absence note
    OTHER = "other"  # written by somebody, for somebody to read


@dataclass(frozen=True)
class Understood:
    """What a letter says. `status` is an enhanced code (RFC 3463), `text` what a server said, on one line."""

    kind: LetterKind
    gravity: Gravity = Gravity.NONE
    status: str = ""
    text: str = ""


_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_MACHINE_SENDER = re.compile(r"mailer-daemon|postmaster@", re.IGNORECASE)

# RFC 3463 §3.2, §3.3 and the IANA registry of enhanced codes: what says that nobody has this address.
_NOBODY = frozenset({"1.0", "1.1", "1.2", "1.3", "1.6", "1.10", "2.0", "2.1", "4.4"})
# RFC 3463 §3.8 (policy), §3.6 (content); 1.7 and 1.8 are about the sender's address.
_ABOUT_US = re.compile(r"[67]\.\d+|1\.[789]|5\.\d+|3\.4|2\.3")


def understand(letter: Letter) -> Understood:
    """What the letter says. Nothing here is proof of who it is about: see `inbox/proof.py`."""
    if complaint := _read_complaint(letter):
        return complaint
    if bounce := _read_bounce(letter):
        return bounce
    subject = letter.header("subject")
    if find_tokens(subject):  # mail programs that ask for somebody may say that they do
        return Understood(LetterKind.LEAVE)
    if _is_automatic(letter):
        return Understood(LetterKind.AUTOMATIC)
    if is_wish(subject):
        return Understood(LetterKind.LEAVE)
    return Understood(LetterKind.OTHER)


def judge_status(status: str, action: str = "failed") -> Gravity:
    """What an enhanced code says about an address; `action` is a report's (RFC 3464 §2.3.3)."""
    kind, _, detail = status.partition(".")
    if action in ("delayed", "delivered", "relayed", "expanded") or kind == "2":
        return Gravity.NONE
    if _ABOUT_US.fullmatch(detail):
        return Gravity.BLOCK
    return Gravity.HARD if kind == "5" and detail in _NOBODY else Gravity.SOFT


def _read_complaint(letter: Letter) -> Understood | None:
    # RFC 5965 §2: the part that machines read is a message/feedback-report.
    for part in letter.reports:
        if part.kind == "message/feedback-report":
            fields = read_fields(part.text)
            kind = fields[0].get("feedback-type", "") if fields else ""
            if kind.lower() == "not-spam":  # RFC 6430: it says the contrary
                return Understood(LetterKind.AUTOMATIC, text="not-spam")
            return Understood(LetterKind.COMPLAINT, text=one_line(kind or "abuse"))
    return None


def _read_bounce(letter: Letter) -> Understood | None:
    for part in letter.reports:
        if part.kind in ("message/delivery-status", "message/global-delivery-status"):  # RFC 3464 §2, RFC 6533 §3
            return _read_report(part)
    if _MACHINE_SENDER.search(letter.header("from")) or letter.header("return-path") == "<>":
        return _read_words(letter)
    return None


def _read_report(part: Part) -> Understood:
    """The gravest of what a report says about recipients; it is about one, as each message has one."""
    found = [_judge_recipient(group) for group in read_fields(part.text) if "action" in group or "status" in group]
    order = [Gravity.HARD, Gravity.SOFT, Gravity.BLOCK, Gravity.NONE]
    return min(found, key=lambda one: order.index(one.gravity), default=Understood(LetterKind.BOUNCE))


def _judge_recipient(group: dict[str, str]) -> Understood:
    status = _STATUS.search(group.get("status", ""))
    said = one_line(group.get("diagnostic-code", "").partition(";")[2] or group.get("diagnostic-code", ""))
    # Many say 5.0.0 for everything; what the server itself said knows better.
    inner = _STATUS.search(said)
    best = inner if inner and (status is None or status[0].endswith(".0.0")) else status
    code = best[0] if best else ""
    action = group.get("action", "failed").strip().lower()
    return Understood(LetterKind.BOUNCE, judge_status(code, action) if code else Gravity.SOFT, code, said)


def _read_words(letter: Letter) -> Understood | None:
    """A bounce that is no report: qmail's (its QSBMF form), and what Chinese and older servers write for people."""
    if _is_automatic(letter) and letter.header("auto-submitted").lower().startswith("auto-replied"):
        return None
    words = letter.words
    codes = list(_codes_in(words))
    if not codes:
        return None
    return Understood(LetterKind.BOUNCE, judge_status(codes[0]), codes[0], one_line(words)[:300])


def _codes_in(text: str) -> Iterator[str]:
    for found in _STATUS.finditer(text):
        if found[1] in "45":
            yield found[0]


def _is_automatic(letter: Letter) -> bool:
    # RFC 3834 §5; the others are what was in use before it, and still is.
    submitted = letter.header("auto-submitted").lower()
    precedence = letter.header("precedence").lower()
    named = any(letter.header(name) for name in ("x-autoreply", "x-autorespond", "x-auto-response-suppress"))
    return (bool(submitted) and submitted != "no") or precedence in ("bulk", "auto_reply", "junk", "list") or named
