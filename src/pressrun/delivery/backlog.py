"""Claimed rows that wait for a connection, by recipient domain: none gets more at once than its window allows."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable

from pressrun.delivery.destination import Destinations
from pressrun.delivery.outcome import Kind
from pressrun.store.journal import Claimed


def domain_of(row: Claimed) -> str:
    """The recipient's domain in one spelling."""
    return row.address.rpartition("@")[2].lower()


class Backlog:
    """Rows in the order in which they came, taken from each domain in turn.

    Each row taken must be handed back by `end` or `put_back`. Moments are seconds that never step back.
    """

    def __init__(self, destinations: Destinations, chance: random.Random) -> None:
        self._destinations = destinations
        self._chance = chance
        self._rows: dict[str, deque[Claimed]] = {}
        self._ready: deque[str] = deque()  # domains that may have one more begun, as far as is known
        self._is_ready: set[str] = set()
        self._begun: dict[int, str] = {}  # the domain of each row that was taken
        self._here: set[int] = set()  # of each row that waits or was taken
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def has_ready(self) -> bool:
        """Whether a row may be taken, as far as is known."""
        return bool(self._ready)

    def add(self, rows: Iterable[Claimed]) -> None:
        """Let `rows` wait behind those that do.

        A row that is here already stays as it is: where this worker's lease had ended while it lived, its rows were
        queued again, and it may have claimed one of them once more.
        """
        for row in rows:
            if row.id in self._here:
                continue
            self._here.add(row.id)
            domain = domain_of(row)
            self._rows.setdefault(domain, deque()).append(row)
            self._count += 1
            self._make_ready(domain)

    def take(self, now: float) -> Claimed | None:
        """A row whose domain may have one more begun; None where there is none."""
        while self._ready:
            domain = self._ready[0]
            rows = self._rows.get(domain)
            if not rows or not self._destinations.may_start(domain, now):
                self._ready.popleft()
                self._is_ready.discard(domain)
                continue
            self._destinations.start(domain)
            row = rows.popleft()
            self._begun[row.id] = domain
            self._count -= 1
            if rows:
                self._ready.rotate(-1)
            else:
                del self._rows[domain]
            return row
        return None

    def put_back(self, row: Claimed, now: float) -> None:
        """A row that was taken and not begun waits again, first of its domain."""
        domain = self._begun.pop(row.id)
        self._destinations.end(domain, Kind.NOT_SENT, now, self._chance)
        self._rows.setdefault(domain, deque()).appendleft(row)
        self._count += 1
        self._make_ready(domain)

    def end(self, row: Claimed, kind: Kind, now: float) -> None:
        """A row that was taken ended as `kind`."""
        domain = self._begun.pop(row.id)
        self._here.discard(row.id)
        self._destinations.end(domain, kind, now, self._chance)
        if domain in self._rows:
            self._make_ready(domain)

    def has_resting(self, now: float) -> bool:
        """Whether rows wait whose domain rests now."""
        return any((self._destinations.rests_until(domain) or now) > now for domain in self._rows)

    def pop_resting(self, now: float) -> list[tuple[float, list[Claimed]]]:
        """The rows of domains that rest now, and for how many seconds yet; they wait here no more."""
        resting = []
        for domain in list(self._rows):
            until = self._destinations.rests_until(domain)
            if until is not None and until > now:
                rows = self._rows.pop(domain)
                self._count -= len(rows)
                self._here.difference_update(row.id for row in rows)
                resting.append((until - now, list(rows)))
            else:
                self._make_ready(domain)  # its rest may have ended while nothing happened
        return resting

    def _make_ready(self, domain: str) -> None:
        if domain not in self._is_ready:
            self._is_ready.add(domain)
            self._ready.append(domain)
