"""How hard and how long a delivery tries, and what it takes from the world: time, waiting, chance."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum

from pressrun.delivery.breaker import Thresholds
from pressrun.settings import Settings


class InDoubt(StrEnum):
    """What becomes of a row whose message may have been accepted."""

    HOLD = "hold"  # a person decides
    RETRY = "retry"  # the same message is sent once more, flagged


@dataclass(frozen=True)
class Policy:
    """How hard and how long to try. Seconds, but for `expiry` and `lease`; without a `breaker` nothing stops a send."""

    connections: int = 8
    timeout: float = 60
    final_reply_timeout: float = 600
    lease: dt.timedelta = dt.timedelta(seconds=30)
    expiry: dt.timedelta = dt.timedelta(days=3)
    in_doubt: InDoubt = InDoubt.HOLD
    breaker: Thresholds | None = field(default_factory=Thresholds)


def policy_from(settings: Settings) -> Policy:
    """The policy that the workspace's settings ask for."""
    return Policy(
        connections=settings.connections,
        timeout=settings.smtp_timeout,
        final_reply_timeout=settings.final_reply_timeout,
        lease=dt.timedelta(seconds=settings.lease_seconds),
        expiry=dt.timedelta(days=settings.expire_days),
        in_doubt=InDoubt(settings.in_doubt),
        breaker=Thresholds(
            after=settings.breaker_after,
            refused=settings.breaker_refused,
            in_doubt=settings.breaker_in_doubt,
            policy=settings.breaker_policy,
        ),
    )


@dataclass(frozen=True)
class Surroundings:
    """What a delivery takes from the world.

    `clock` tells the time of day and may step; `timer` counts seconds and never steps back. `sleep` is waited for;
    `tick` paces what goes on beside the work, looking at wishes and renewing the lease.
    """

    clock: Callable[[], dt.datetime] = field(default=lambda: dt.datetime.now(dt.UTC))
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: random.Random = field(default_factory=random.Random)
    timer: Callable[[], float] = time.monotonic
    tick: Callable[[float], Awaitable[None]] = asyncio.sleep
