"""What a rehearsal came to: the account of every recipient, what was found wrong, and how long the real send takes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pressrun.delivery.outcome import OPEN_STATES, State
from pressrun.rehearsal.expectation import Expectation
from pressrun.rehearsal.faults import Faults


@dataclass(frozen=True)
class Account:
    """Every recipient of the rehearsal, by the log and by what the receiver kept; `states` sum up to `planned`.

    `before` are rows that were settled before it began: nothing was sent to these.
    """

    states: Mapping[State, int]
    before: int = 0
    received: int = 0
    """People whom at least one message came for."""
    lost: int = 0
    """The log says `sent`, and nothing came."""
    twice: int = 0
    """More than one message came."""
    flagged: int = 0
    """Of those the ones whose row says so: in doubt, or repeated."""
    contradicted: int = 0
    """A message came, and the log says that it never left."""
    strangers: int = 0
    """Messages for somebody who has no row, or whose row was settled before."""
    altered: int = 0
    """Came twice, and not the same byte for byte."""
    shared_links: int = 0
    """Links to leave the list by that are not one person's alone."""

    @property
    def planned(self) -> int:
        """How many were to get a message."""
        return sum(self.states.values())

    @property
    def has_nobody(self) -> bool:
        """Whether nobody may be mailed, and nobody was before."""
        return not self.before and self.planned == self.states.get(State.SUPPRESSED, 0)

    @property
    def open(self) -> int:
        """How many rows were still open at the end."""
        return sum(self.states.get(state, 0) for state in OPEN_STATES)


@dataclass(frozen=True)
class Defect:
    """Something wrong: what, how often, and the numbers of some of the messages (their places in the box, from 1)."""

    what: str
    count: int
    messages: tuple[int, ...] = ()


@dataclass(frozen=True)
class Sizes:
    """Octets of the messages that were kept."""

    count: int = 0
    total: int = 0
    smallest: int = 0
    largest: int = 0

    @property
    def mean(self) -> float:
        """Octets a message; 0 where there is none."""
        return self.total / self.count if self.count else 0.0

    def add(self, octets: int) -> Sizes:
        """With one more message."""
        smallest = min(self.smallest, octets) if self.count else octets
        return Sizes(self.count + 1, self.total + octets, smallest, max(self.largest, octets))


@dataclass(frozen=True)
class Rehearsal:
    """One rehearsal of an issue. It holds no address: its report may be shown to anybody who may see the run.

    `edition_id` names what was rehearsed: an issue changed since has another one. `audience` counts the people copied,
    `sample` says how many were asked for, None for all. `struck` counts what the receiver did; `kills` the processes
    killed. `seconds` is how long delivering took, kills and restarts included.
    """

    issue: str
    subject: str
    edition_id: str
    lists: tuple[str, ...]
    faults: Faults
    audience: int
    sample: int | None
    account: Account
    defects: tuple[Defect, ...]
    sizes: Sizes
    struck: Mapping[str, int]
    kills: int
    rounds: int
    connections: int
    started_at: dt.datetime
    seconds: float
    expectation: Expectation
    is_signed: bool = False
    kept_in: Path | None = field(default=None)
    """The folder with replica and messages, where these were to be kept."""

    @property
    def findings(self) -> tuple[Defect, ...]:
        """All that is wrong, in the account and in the messages; empty where all is well."""
        return (*find_defects(self), *self.defects)

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong: what an approval may ask for."""
        return not self.findings


def find_defects(rehearsal: Rehearsal) -> tuple[Defect, ...]:
    """What is wrong with the account: who was lost, mailed twice without a flag, or left over."""
    account = rehearsal.account
    most_in_doubt = rehearsal.kills * rehearsal.connections + rehearsal.struck.get("cut after", 0)
    counts = {
        "rehearsal with nobody: there is nobody on the lists who may be mailed": int(account.has_nobody),
        "lost: the log says sent, and nothing came": account.lost,
        "mailed twice, and the log doesn't say so": account.twice - account.flagged,
        "got a message, though the log says that it never left": account.contradicted,
        "messages for people who were to get none": account.strangers,
        "mailed twice, and the copies differ": account.altered,
        "links to leave by that are not one person's alone": account.shared_links,
        "rows still open at the end": account.open,
        "in doubt beyond the connections that were broken": max(
            0, account.states.get(State.IN_DOUBT, 0) - most_in_doubt
        ),
        "messages that the disk had no room for": rehearsal.struck.get("no room", 0),
    }
    return tuple(Defect(what, count) for what, count in counts.items() if count)
