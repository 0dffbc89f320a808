"""What goes wrong on purpose in a rehearsal, and how often."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from enum import StrEnum

from pressrun.errors import UsageError


class Blow(StrEnum):
    """What the receiver does to one try."""

    TEMPORARY = "temporary"  # 4xx to RCPT
    PERMANENT = "permanent"  # 5xx to RCPT
    CUT_BEFORE = "cut before"  # the connection is cut before the message
    CUT_AFTER = "cut after"  # the message is taken, and the connection is cut instead of an answer


@dataclass(frozen=True)
class Faults:
    """Shares, from 0 to 1, of tries that are refused for now or for good, or whose connection is cut.

    `slow` is the share of recipient domains whose answer to a message takes `slow_seconds`. With `kill` the sending
    process is killed (kill -9) once in the middle, and a second one goes on. Raises UsageError.
    """

    temporary: float = 0.0
    permanent: float = 0.0
    dropped: float = 0.0
    slow: float = 0.0
    slow_seconds: float = 0.25
    kill: bool = False

    def __post_init__(self) -> None:
        for name in ("temporary", "permanent", "dropped", "slow"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{name} is {getattr(self, name):g}", "say a share from 0 to 1: 0.05 is one in twenty")
        if self.temporary + self.permanent + self.dropped > 1:
            raise UsageError("the shares of temporary, permanent and dropped are over 1 together", "make them smaller")
        if not 0 <= self.slow_seconds <= 10:
            raise UsageError(f"slow_seconds is {self.slow_seconds:g}", "say a number of seconds from 0 to 10")

    def draw(self, chance: random.Random) -> Blow | None:
        """What happens to a try; None where all goes well. What is dropped is cut before and after by halves."""
        number = chance.random()
        for blow, share in (
            (Blow.TEMPORARY, self.temporary),
            (Blow.PERMANENT, self.permanent),
            (Blow.CUT_BEFORE, self.dropped / 2),
            (Blow.CUT_AFTER, self.dropped / 2),
        ):
            if number < share:
                return blow
            number -= share
        return None

    def is_slow(self, domain: str) -> bool:
        """Whether the domain is one of the slow ones: the same ones in every rehearsal with this share."""
        digest = hashlib.sha256(domain.lower().encode(errors="replace")).digest()
        return int.from_bytes(digest[:4], "big") < self.slow * 2**32


USUAL = Faults(temporary=0.05, permanent=0.01, dropped=0.005, slow=0.05, kill=True)
"""What a rehearsal goes through where nobody says otherwise."""
