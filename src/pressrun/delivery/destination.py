"""How many messages one recipient domain gets at once: few at first, more while it takes them, none while it rests.

Postfix's scheduler is the model (SCHEDULER_README). Moments are seconds of any clock that never steps back; domains are
compared as they are given, so give them in one spelling.
"""

from __future__ import annotations

import random

from pressrun.delivery.outcome import Kind

INITIAL = 5
"""A domain's first window, as Postfix's initial_destination_concurrency."""

MOST = 20
"""The widest window, as Postfix's default_destination_concurrency_limit."""

COHORT = 5
"""The fewest 4xx in a row that make a domain rest."""

REST = 300.0
"""Seconds a domain rests, give or take a fifth."""

REMEMBERED = 20_000
"""How many idle domains are remembered; the one that has been idle longest is forgotten first."""


class _Domain:
    """What is known of one domain."""

    __slots__ = ("busy", "cohort", "refused", "rests_until", "window")

    def __init__(self, window: int) -> None:
        self.busy = 0
        self.window = window
        self.refused = 0  # 4xx in a row
        self.cohort = COHORT  # how many of them make it rest
        self.rests_until: float | None = None


class Destinations:
    """The windows of all domains that have one; a domain that is idle and well is forgotten."""

    def __init__(self, initial: int = INITIAL, most: int = MOST, remembered: int = REMEMBERED) -> None:
        self._most = max(most, 1)
        self._initial = min(max(initial, 1), self._most)
        self._remembered = remembered
        self._domains: dict[str, _Domain] = {}
        self._idle: dict[str, None] = {}  # in the order in which they fell idle

    def __len__(self) -> int:
        return len(self._domains)

    def may_start(self, domain: str, now: float) -> bool:
        """Whether one more message may be begun."""
        known = self._domains.get(domain)
        if known is None:
            return True
        return known.busy < known.window and (known.rests_until is None or now >= known.rests_until)

    def start(self, domain: str) -> None:
        """A message is begun: `end` must follow."""
        known = self._domains.get(domain)
        if known is None:
            known = self._domains[domain] = _Domain(self._initial)
        elif not known.busy:
            self._idle.pop(domain, None)
        known.busy += 1

    def end(self, domain: str, kind: Kind, now: float, chance: random.Random) -> None:
        """A message ended as `kind`; only what the domain accepted or put off moves its window."""
        known = self._domains[domain]
        if kind is Kind.ACCEPTED:
            # As Postfix does: a window that isn't used doesn't grow.
            if known.window < self._most and known.window < known.busy + self._initial:
                known.window += 1
            known.refused, known.rests_until = 0, None
        elif kind is Kind.TEMPORARY:
            self._narrow(known, now, chance)
        elif kind is Kind.PERMANENT:
            known.refused, known.rests_until = 0, None  # it answers more than 4xx
        known.busy -= 1
        if not known.busy:
            self._settle(domain, known)

    def rests_until(self, domain: str) -> float | None:
        """The end of the domain's rest, None if it has none; after it one message at a time tries the domain."""
        known = self._domains.get(domain)
        return known.rests_until if known else None

    def _narrow(self, known: _Domain, now: float, chance: random.Random) -> None:
        if not known.refused:
            known.cohort = max(known.window, COHORT)
        known.refused += 1
        known.window = max(known.window // 2, 1)
        # A cohort of halvings has left a window of 1. After the rest the refusals go on counting, so that the one
        # message that tries the domain can send it back to rest.
        if known.refused >= known.cohort and (known.rests_until is None or now >= known.rests_until):
            known.rests_until = now + REST * chance.uniform(0.8, 1.2)

    def _settle(self, domain: str, known: _Domain) -> None:
        if known.window >= self._initial and not known.refused:
            del self._domains[domain]
            return
        self._idle[domain] = None
        if len(self._idle) > self._remembered:
            longest = next(iter(self._idle))
            del self._idle[longest], self._domains[longest]
