"""A relay's gate: lets messages through as its rate and its warm-up plan allow, in lots reserved in the store."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable

from pressrun.delivery.allowance import Allowance, burst_of
from pressrun.delivery.relay import Relay
from pressrun.store.allowances import give_back, reserve
from pressrun.store.database import Database

LOT = 200
"""The most that is asked for at once; the rate's second or the day's number make it less."""


class Gate:
    """One relay's, shared by its connections in this worker."""

    def __init__(self, database: Database, relay: Relay, clock: Callable[[], dt.datetime]) -> None:
        self._database, self._relay, self._clock = database, relay, clock
        self._allowance: Allowance | None = None
        self._left = 0
        self._turn = asyncio.Lock()

    def pass_now(self) -> bool:
        """Whether a message may go without asking the store; if so, it counts as gone."""
        if not self._relay.is_limited:
            return True
        if self._left and not self._is_late():
            self._left -= 1
            return True
        return False

    async def wait_for(self) -> dt.datetime | None:
        """None where a message may go, which then counts as gone; else when to ask again."""
        if self.pass_now():
            return None
        async with self._turn:
            if self.pass_now():
                return None
            await self.close()
            self._allowance = await reserve(self._database, self._relay, LOT, self._clock())
            if not self._allowance.count:
                return self._allowance.free_at
            self._left += self._allowance.count - 1  # one goes now, however long the store took
            return None

    def put_back(self) -> None:
        """A message that was let through did not go."""
        if self._relay.is_limited:
            self._left += 1

    async def close(self) -> None:
        """Return what was reserved and not used."""
        if self._allowance is not None and self._left:
            unused, self._left = min(self._left, self._allowance.count), 0
            await give_back(self._database, self._relay, self._allowance, unused)

    def _is_late(self) -> bool:
        """Whether more is left of the lot than its time: it would go out on top of what the rate allows by now."""
        rate, account = self._relay.rate, self._allowance and self._allowance.account
        if rate is None or account is None:
            return False
        in_time = (account.free_at - self._clock()).total_seconds() * rate
        # Some slack, or a sender slower than the rate would reserve anew for each message.
        return self._left - in_time > max(1, burst_of(rate) / 4)
