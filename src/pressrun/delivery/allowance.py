"""How many messages a relay may be given from now on: its rate, and its warm-up plan's number for the day.

The rate is kept by GCRA (ITU-T I.371, virtual scheduling): one moment a relay, `free_at`, moves on by what each message
takes. Lots are reserved before they are sent, so they are small: a worker that dies takes no more than its lot with it.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, replace

from pressrun.delivery.relay import Relay

DAY_LOT = 100
"""The most that is reserved at once of a day's number; less when less than ten times as many are left."""

CLOCK_SLACK = dt.timedelta(minutes=1)
"""How far workers' clocks may be apart; what is further ahead was written before a clock stepped back."""

_DAY = dt.timedelta(days=1)
_MICROSECOND = dt.timedelta(microseconds=1)


@dataclass(frozen=True)
class Account:
    """What is stored of a relay: when its rate is free of all that was reserved, and how many `day` (UTC) has taken."""

    free_at: dt.datetime
    day: dt.date
    taken: int


@dataclass(frozen=True)
class Allowance:
    """`count` messages may be sent from now on; it is worth asking for more at `free_at`, which may be at once.

    `account` is the relay's as this left it, None where the relay has no limits.
    """

    count: int
    free_at: dt.datetime
    account: Account | None = None


def burst_of(rate: float) -> int:
    """The most that a rate (messages a second) lets through at one moment: a second's worth, at least one."""
    return max(1, math.floor(rate))


def has_limit(relay: Relay, now: dt.datetime) -> bool:
    """Whether `relay` has a rate, or a warm-up plan that isn't over."""
    return relay.rate is not None or _most_on(relay, now.astimezone(dt.UTC).date()) is not None


def take(relay: Relay, account: Account | None, wanted: int, now: dt.datetime) -> Allowance:
    """Reserve up to `wanted` messages for `relay`, whose account this is; None if it has none yet. `now` is aware."""
    if not has_limit(relay, now):
        return Allowance(wanted, now)
    now = now.astimezone(dt.UTC)
    account = _bring_to(relay, account, now)
    left = _left_of_day(relay, account, now)
    count, free_at = wanted, account.free_at
    if left is not None:
        count = min(count, left, max(1, min(left // 10, DAY_LOT)))
    if relay.rate is not None:
        count = min(count, _conforming(relay.rate, free_at, now))
        free_at = max(free_at, now) + _span(relay.rate, count) if count else free_at
    after = replace(account, free_at=free_at, taken=account.taken + count)
    return Allowance(count, _worth_asking_at(relay, after, left is not None and left == count, now), after)


def put_back(relay: Relay, account: Account, allowance: Allowance, unused: int) -> Account:
    """The relay's account, which is `account` by now, after `unused` messages of `allowance` were not sent.

    The day gets them back if it is still the same day. The rate gets them back only if nobody has reserved since:
    otherwise the time they had is over, and they would come on top of what was let through in it.
    """
    reserved = allowance.account
    if reserved is None or reserved.day != account.day:
        return account
    unused = min(unused, allowance.count, account.taken)
    free_at = account.free_at
    if relay.rate is not None and free_at == reserved.free_at:
        free_at -= _span(relay.rate, allowance.count) - _span(relay.rate, allowance.count - unused)
    return Account(free_at, account.day, account.taken - unused)


def _bring_to(relay: Relay, account: Account | None, now: dt.datetime) -> Account:
    """The account as it holds at `now`, whatever the clocks of those did who wrote it."""
    today = now.date()
    if account is None or account.day < today:
        account = Account(account.free_at if account else now, today, 0)
    elif account.day > today + _DAY:  # no clock is a day ahead by accident: what it counted counts for today
        account = replace(account, day=today)
    latest = now + (_span(relay.rate, burst_of(relay.rate)) if relay.rate is not None else dt.timedelta())
    return replace(account, free_at=latest) if account.free_at > latest + CLOCK_SLACK else account


def _left_of_day(relay: Relay, account: Account, now: dt.datetime) -> int | None:
    # While a clock behind has a day yet to end that another has ended already, the smaller of both days' numbers holds.
    numbers = [_most_on(relay, day) for day in {account.day, now.date()}]
    limits = [number for number in numbers if number is not None]
    return max(min(limits) - account.taken, 0) if limits else None


def _most_on(relay: Relay, day: dt.date) -> int | None:
    return relay.warmup.most_on(day) if relay.warmup else None


def _conforming(rate: float, free_at: dt.datetime, now: dt.datetime) -> int:
    room = now + _span(rate, burst_of(rate)) - max(free_at, now)
    return max(0, math.floor(room.total_seconds() * rate + 1e-6))  # a room for 3 must not come out as 2.9999999


def _worth_asking_at(relay: Relay, account: Account, day_is_over: bool, now: dt.datetime) -> dt.datetime:
    """When a quarter of a burst is free, on the next day if this day's number is used up."""
    moments = [now]
    if relay.rate is not None:
        burst = burst_of(relay.rate)
        moments.append(account.free_at - _span(relay.rate, burst) + _span(relay.rate, max(1, burst // 4)))
    if day_is_over:
        moments.append(dt.datetime.combine(now.date() + _DAY, dt.time(), dt.UTC))
    return max(moments)


def _span(rate: float, count: int) -> dt.timedelta:
    """How long `count` messages take at `rate`, rounded up to what the store can hold."""
    # A float's last digits must not make 10 microseconds 11.
    return math.ceil(count * 1e6 / rate * (1 - 1e-12)) * _MICROSECOND
