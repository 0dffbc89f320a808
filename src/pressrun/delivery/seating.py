"""How many of a relay's connections each worker may have, where the relay allows only so many to all of them together.

A connection that a worker may have is a seat. Each worker says how many it wants; whoever has more than its part gives
some up, and until it has, nobody else gets them. All see the same claims and come to the same parts by themselves.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from pressrun.delivery.pool import share_out

TURN = dt.timedelta(minutes=1)
"""How long a worker keeps its seats where there are more workers than seats; then others have theirs."""


@dataclass(frozen=True)
class Claim:
    """What one worker has of a relay and would have: `held` seats, of which it has none twice, and `wanted` in all."""

    worker_id: str
    held: int
    wanted: int


def seats_for(worker_id: str, limit: int, claims: Sequence[Claim], now: dt.datetime) -> int:
    """How many of `limit` seats the worker may use from now on; fewer than it holds where others lack theirs.

    Never more than nobody else holds. What nobody wants stays with whoever has it.
    """
    parts = _parts(limit, claims, now)
    mine = next(claim for claim in claims if claim.worker_id == worker_id)
    others = [claim for claim in claims if claim is not mine]
    unwanted = limit - sum(max(claim.held, parts[claim.worker_id]) for claim in others)
    free = limit - sum(claim.held for claim in others)
    return max(0, min(max(parts[worker_id], min(mine.held, unwanted)), free))


def _parts(limit: int, claims: Sequence[Claim], now: dt.datetime) -> dict[str, int]:
    """Equal parts, but to nobody more than it wants."""
    wanting = sorted((claim for claim in claims if claim.wanted), key=lambda claim: claim.worker_id)
    if len(wanting) > limit:
        first = int(now.timestamp() // TURN.total_seconds()) % len(wanting)
        wanting = wanting[first:] + wanting[:first]
    shares = share_out(limit, [1] * len(wanting), [claim.wanted for claim in wanting])
    parts = dict.fromkeys((claim.worker_id for claim in claims), 0)
    return parts | {claim.worker_id: share for claim, share in zip(wanting, shares, strict=True)}
