"""When a deferred delivery is tried again: doubling with jitter, from five minutes to an hour."""

from __future__ import annotations

import datetime as dt
import random

FIRST = dt.timedelta(minutes=5)
LONGEST = dt.timedelta(hours=1)


def next_try(now: dt.datetime, attempts: int, chance: random.Random) -> dt.datetime:
    """The moment of the next try after `attempts` tries: the doubled wait, give or take a fifth."""
    wait = min(FIRST * 2 ** min(max(attempts - 1, 0), 10), LONGEST)
    return now + dt.timedelta(seconds=wait.total_seconds() * chance.uniform(0.8, 1.2))
