"""The circuit breaker: tells, outcome by outcome, when a send goes so badly that it should stop and ask.

What is looked at is the run of the latest outcomes, so that trouble late in a big send counts as much as at its start.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from pressrun.delivery.gist import gist_of
from pressrun.delivery.outcome import Kind, Outcome

RUN = 5
"""How many times `after` the run is long that shares are taken of: a short one would stop a big send by chance."""

EXAMPLES = 5
"""The most replies that a trip shows."""


class Trouble(StrEnum):
    """What too much of stops a send; the first that is too much is what is told."""

    POLICY = "policy"  # a server would not have us: login, blocking, reputation
    REFUSED = "refused"  # 5xx, for whatever reason
    IN_DOUBT = "in_doubt"  # no clear answer to the final dot


@dataclass(frozen=True)
class Thresholds:
    """From how many outcomes on a send is judged, and the share of each trouble, 0 to 1, at which it stops."""

    after: int = 200
    refused: float = 0.1
    in_doubt: float = 0.02
    policy: float = 0.05


@dataclass(frozen=True)
class Example:
    """Replies of one kind: how many, their codes, and what one of them said, without addresses."""

    count: int
    code: int | None
    enhanced: str | None
    text: str


@dataclass(frozen=True)
class Trip:
    """Why a send stopped itself: `share` of the run's outcomes was `trouble`.

    `counts` has the outcomes looked at as `tries`, and how many were each trouble; a reply can be both `refused` and
    `policy`. Nothing in it names a recipient.
    """

    trouble: Trouble
    reason: str
    share: float
    counts: Mapping[str, int]
    examples: tuple[Example, ...] = ()


class _Bad(NamedTuple):
    """An outcome that counts: its number, the row's address, and what trouble it is."""

    number: int
    outcome: Outcome
    address: str
    troubles: tuple[Trouble, ...]


class Breaker:
    """One worker's, for one stretch of work.

    `at_once` is how many rows one loss of all connections may leave in doubt: only more than that stop a send.
    """

    def __init__(self, thresholds: Thresholds, at_once: int = 0) -> None:
        self._limits = {
            Trouble.POLICY: thresholds.policy,
            Trouble.REFUSED: thresholds.refused,
            Trouble.IN_DOUBT: thresholds.in_doubt,
        }
        self._after, self._run, self._at_once = thresholds.after, RUN * thresholds.after, at_once
        self._seen = 0
        self._bad: deque[_Bad] = deque()
        self._counts: Counter[Trouble] = Counter()

    def count(self, outcome: Outcome, address: str = "") -> Trip | None:
        """Take in an outcome; the Trip where it is one too many. `address` is kept out of what a Trip shows."""
        # Nearly all end here, and a good one never makes a share larger.
        self._seen += 1
        if outcome.kind is Kind.ACCEPTED:
            return None
        if outcome.kind is Kind.NOT_SENT:  # it says nothing of the message, and the row is tried again at once
            self._seen -= 1
            return None
        troubles = troubles_of(outcome)
        if not troubles:
            return None
        self._forget()
        self._bad.append(_Bad(self._seen, outcome, address, troubles))
        self._counts.update(troubles)
        return self._judge() if self._seen >= self._after else None

    def _forget(self) -> None:
        """Let go of what the run has left behind."""
        while self._bad and self._bad[0].number <= self._seen - self._run:
            self._counts.subtract(self._bad.popleft().troubles)

    def _judge(self) -> Trip | None:
        tries = min(self._seen, self._run)
        for trouble, limit in self._limits.items():
            count = self._counts[trouble]
            if count / tries < limit or (trouble is Trouble.IN_DOUBT and count <= self._at_once):
                continue
            examples = group_replies((bad.outcome, bad.address) for bad in self._bad if trouble in bad.troubles)
            counts = {"tries": tries, **{str(each): self._counts[each] for each in Trouble}}
            return Trip(trouble, _explain(trouble, count, tries, limit), count / tries, counts, examples)
        return None


def troubles_of(outcome: Outcome) -> tuple[Trouble, ...]:
    """What an outcome counts as; nothing for most 4xx, which only put a message off."""
    if outcome.kind is Kind.IN_DOUBT:
        return (Trouble.IN_DOUBT,)
    if outcome.kind is Kind.PERMANENT:
        return (Trouble.POLICY, Trouble.REFUSED) if is_about_us(outcome) else (Trouble.REFUSED,)
    return (Trouble.POLICY,) if outcome.kind is Kind.TEMPORARY and is_about_us(outcome) else ()


def is_about_us(outcome: Outcome) -> bool:
    """Whether a refusal is about the sender, by login, blocking or policy, and not about this recipient."""
    enhanced = outcome.enhanced
    if enhanced is None or enhanced.endswith(".0.0"):
        may_be = outcome.code in _LOGIN or _BLOCKED.search(outcome.text) is not None
    else:
        # RFC 3463 §3.8; X.7.17 to X.7.19 are about the mailbox's owner (RFC 7293).
        may_be = enhanced[1:4] == ".7." and enhanced[4:] not in ("17", "18", "19")
    # Some say 4.7.1 to greylisting, which asks for nothing but a second try.
    return may_be and _GREYLISTED.search(outcome.text) is None


_GREYLISTED = re.compile(r"gr[ae]y-?\s?list", re.IGNORECASE)
_LOGIN = (454, 530, 534, 535, 538)  # RFC 4954 §6
_BLOCKED = re.compile(
    r"\b(?:block(?:ed|ing)?|(?:block|black|deny)-?list(?:ed)?|banned|spam\w*|dnsbl|rbl|reputation|polic(?:y|ies)"
    r"|dmarc|spf|dkim|authenticat\w+|rate[ -]limit\w*|relay(?:ing)? (?:access )?denied)\b",
    re.IGNORECASE,
)


def group_replies(replies: Iterable[tuple[Outcome, str]]) -> tuple[Example, ...]:
    """The replies to the addresses beside them by their codes, most frequent first, each group with its latest text."""
    counts: Counter[tuple[int | None, str | None]] = Counter()
    latest: dict[tuple[int | None, str | None], tuple[str, str]] = {}
    for outcome, address in replies:
        codes = (outcome.code, outcome.enhanced)
        counts[codes] += 1
        latest[codes] = outcome.text, address
    return tuple(Example(count, *codes, gist_of(*latest[codes])) for codes, count in counts.most_common(EXAMPLES))


_SAID = {
    Trouble.POLICY: "were turned away for login, blocking or policy",
    Trouble.REFUSED: "were refused for good",
    Trouble.IN_DOUBT: "ended in doubt",
}


def _explain(trouble: Trouble, count: int, tries: int, limit: float) -> str:
    share = f"{count:,} of the last {tries:,} tries ({_percent(count / tries)})"
    return f"{share} {_SAID[trouble]}, {_percent(limit)} is the limit"


def _percent(share: float) -> str:
    return f"{share:.1%}".replace(".0%", "%")
