"""Hits wait a few seconds to be counted: what a network asks for in that time tells a program from a reader."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace

from pressrun.agent import Agent, find_scanners
from pressrun.store.link import Hit

SETTLED = dt.timedelta(seconds=10)
"""How long a hit waits. Where it came from is known for so long, and stored nowhere."""

MOST = 50_000
"""How many wait at most; what comes beyond is answered and not counted."""


@dataclass
class WaitingHits:
    """Hits and the networks they came from."""

    _waiting: list[tuple[str, Hit]] = field(default_factory=list)

    def add(self, network: str, hit: Hit) -> None:
        """Let `hit` wait."""
        if len(self._waiting) < MOST:
            self._waiting.append((network, hit))

    def take(self, now: dt.datetime | None = None) -> list[Hit]:
        """The hits that have waited long enough by `now`, all without it; those of scanners say so."""
        asked = [(network, hit.link.issue, hit.link.id) for network, hit in self._waiting]
        scanners = find_scanners(asked)
        ready = [one for one in self._waiting if now is None or one[1].at <= now - SETTLED]
        self._waiting = [] if now is None else [one for one in self._waiting if one[1].at > now - SETTLED]
        return [
            replace(hit, agent=Agent.SCANNER)
            if hit.agent is Agent.READER and (network, hit.link.issue) in scanners
            else hit
            for network, hit in ready
        ]
