"""How long a real send takes at the relays' limits: their rates, and their warm-up plans day by day."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pressrun.delivery.relay import Relay, Warmup, parse_relays

MOST_DAYS = 366
"""How far ahead it is looked."""

_DAY = dt.timedelta(days=1)


class Bound(StrEnum):
    """What holds a send back most."""

    PACE = "pace"  # as fast as the rehearsal went: nothing limits the relays
    RATE = "rate"
    WARMUP = "warm-up"


@dataclass(frozen=True)
class Limits:
    """What a relay may take: messages a second, and its warm-up plan. Nothing to reach it by."""

    name: str
    rate: float | None = None
    warmup: Warmup | None = None


@dataclass(frozen=True)
class Expectation:
    """How long the first try of everybody takes from `start` on; `seconds` is None where it takes over a year."""

    messages: int
    start: dt.datetime
    seconds: float | None
    bound: Bound

    @property
    def end(self) -> dt.datetime | None:
        """When everybody has been tried once."""
        return None if self.seconds is None else self.start + dt.timedelta(seconds=self.seconds)


def limits_in(urls: str) -> tuple[Limits, ...]:
    """The limits of the relays that `urls` name, and no more of them. Raises UsageError."""
    return tuple(_limits_of(relay) for relay in parse_relays(urls))


def _limits_of(relay: Relay) -> Limits:
    return Limits(relay.name, relay.rate, relay.warmup)


def expect(messages: int, limits: Sequence[Limits], pace: float, start: dt.datetime) -> Expectation:
    """How long `messages` take through relays with these limits, no faster than `pace`, a second; `start` is aware.

    Days are UTC's, as warm-up plans have them. Retries come on top: a deferred message waits for five minutes at least.
    """
    left, moment = float(messages), start.astimezone(dt.UTC)
    for _ in range(MOST_DAYS):
        midnight = dt.datetime.combine(moment.date() + _DAY, dt.time(), dt.UTC)
        seconds = _seconds_for(left, limits, pace, moment.date())
        if moment + dt.timedelta(seconds=min(seconds, 2 * 86_400)) <= midnight:
            passed = (moment - start).total_seconds() + seconds
            return Expectation(messages, start, passed, _bound_of(messages, passed, limits, pace, start))
        left -= _most_in((midnight - moment).total_seconds(), limits, pace, moment.date())
        moment = midnight
    return Expectation(messages, start, None, Bound.WARMUP if any(each.warmup for each in limits) else Bound.RATE)


def _most_in(seconds: float, limits: Sequence[Limits], pace: float, day: dt.date) -> float:
    """How many may leave within `seconds` of one day."""
    by_relays = sum((_most_through(relay, seconds, day) for relay in limits), 0.0)
    return min(pace * seconds, by_relays)


def _most_through(relay: Limits, seconds: float, day: dt.date) -> float:
    of_day = relay.warmup.most_on(day) if relay.warmup else None
    by_rate = math.inf if relay.rate is None else relay.rate * seconds
    return by_rate if of_day is None else min(by_rate, of_day)


def _seconds_for(left: float, limits: Sequence[Limits], pace: float, day: dt.date) -> float:
    """The fewest seconds of a day in which `left` may leave, to a millisecond; infinite where a day is not enough."""
    if _most_in(86_400, limits, pace, day) < left:
        return math.inf
    low, high = 0.0, 86_400.0
    while high - low > 0.001:
        middle = (low + high) / 2
        low, high = (low, middle) if _most_in(middle, limits, pace, day) >= left else (middle, high)
    return high if left > 0 else 0.0


def _bound_of(messages: int, seconds: float, limits: Sequence[Limits], pace: float, start: dt.datetime) -> Bound:
    """What made it take so long: first what the relays do without, then what their rates do alone."""
    if seconds <= messages / pace * 1.001 + 0.01:
        return Bound.PACE
    by_rates = sum((math.inf if relay.rate is None else relay.rate for relay in limits), 0.0)
    return Bound.RATE if seconds <= messages / by_rates * 1.001 + 0.01 else Bound.WARMUP
