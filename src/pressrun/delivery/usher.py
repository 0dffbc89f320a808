"""One worker's seats: what it may open of the relays that allow all workers together only so many connections."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from functools import partial

from pressrun.delivery.relay import Relay
from pressrun.delivery.seating import Claim, seats_for
from pressrun.delivery.work import Work
from pressrun.store.database import Database
from pressrun.store.seats import exchange


class Usher:
    """Asks the store for the seats that the work needs, and lets the pool know what came of it."""

    def __init__(
        self, database: Database, worker_id: str, relays: Sequence[Relay], work: Work, clock: Callable[[], dt.datetime]
    ) -> None:
        self._database, self._worker_id, self._work, self._clock = database, worker_id, work, clock
        self._relays = [relay for relay in relays if relay.connections is not None]
        self._seats = dict.fromkeys((relay.name for relay in self._relays), 0)

    async def look(self, leased_until: float) -> None:
        """Take what is free, and give up what others should have; they last as long as the worker's lease.

        `leased_until` is a moment of the work's timer. Raises StoreError where the store can't be reached.
        """
        for relay in self._relays:
            now = self._clock()
            await exchange(self._database, relay.name, now, partial(self._decide, relay, now))
            self._work.pool.seat(relay, self._seats[relay.name], leased_until)

    def _decide(self, relay: Relay, now: dt.datetime, claims: Sequence[Claim]) -> Claim:
        work, mine = self._work, self._worker_id
        held = sum(claim.held for claim in claims if claim.worker_id == mine)
        wanted = min(work.pool.wanted(relay, work.surroundings.timer()), work.need)
        others = [claim for claim in claims if claim.worker_id != mine]
        seats = seats_for(mine, relay.connections or 0, [*others, Claim(mine, held, wanted)], now)
        work.pool.crowd(relay, seats)  # before counting: none opens that was not counted
        self._seats[relay.name] = seats
        return Claim(mine, max(seats, work.pool.open_to(relay)), wanted)
