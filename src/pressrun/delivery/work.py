"""What the lanes of one worker share: the rows that wait, the relays, and the account of what became of both."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable

from pressrun.delivery.backlog import Backlog
from pressrun.delivery.backoff import next_try
from pressrun.delivery.breaker import Breaker, Trip
from pressrun.delivery.compositor import Compositor
from pressrun.delivery.destination import INITIAL, Destinations
from pressrun.delivery.gate import Gate
from pressrun.delivery.ledger import Ledger
from pressrun.delivery.outcome import Kind, Outcome, State
from pressrun.delivery.policy import InDoubt, Policy, Surroundings
from pressrun.delivery.pool import RelayPool
from pressrun.delivery.relay import Relay
from pressrun.errors import RelayError
from pressrun.store.journal import Claimed, Settled

IMMEDIATE_TRIES = 3
"""How often a message whose connection broke before the dot is tried at once before it is deferred."""

FIRST_DOWNS, LATER_DOWNS = 2, 4
"""How often all relays may fail one after another before the run ends: before any took a message, and after."""

MOST_WAITING = 2_000
"""Rows that may wait for their domains' windows; where so many do, no more are claimed to find others among them."""

ASIDE = 2.0
"""Seconds that a relay without SMTPUTF8 stands aside for one that may offer it."""

LONGEST_HOLD = 60.0
"""Seconds that a run waits for relays whose limits are used up; where it takes longer, it ends."""


class Work:
    """One worker's work on an issue, as its lanes and what feeds them see it."""

    def __init__(
        self,
        relays: list[Relay],
        compositor: Compositor,
        ledger: Ledger,
        gates: dict[str, Gate],
        policy: Policy,
        surroundings: Surroundings,
        progress: Callable[[Outcome], None],
        stop: asyncio.Event,
    ) -> None:
        self._stop = stop
        self.compositor, self.ledger, self.gates, self.policy = compositor, ledger, gates, policy
        self.surroundings, self._progress = surroundings, progress
        self._relays = len(relays)
        self._without_smtputf8: set[str] = set()
        self.pool = RelayPool(relays, policy.connections, surroundings.chance)
        # The row whose envelope rides ahead counts as begun: with all connections at one domain there are two for each.
        self.backlog = Backlog(Destinations(initial=2 * INITIAL, most=2 * policy.connections), surroundings.chance)
        self.tried: dict[Kind, int] = dict.fromkeys(Kind, 0)
        self.finished = 0
        self.in_hand = 0  # rows that lanes have taken
        self.low = 0  # fewer rows waiting than this, and more are wanted
        self.is_dry = False  # the last claim found nothing
        self.is_halted = False  # begin nothing more
        self.is_exhausted = False  # there is nothing more to begin
        self.broken: RelayError | None = None
        self.trip: Trip | None = None  # why the breaker stopped the work
        self.tripped = asyncio.Event()
        self.held_until: dt.datetime | None = None  # when the relays' limits allow more, where that is far off
        self.hungry = asyncio.Event()
        self._breaker = Breaker(policy.breaker, policy.connections) if policy.breaker else None
        self._downs = 0
        self._got_through = False
        self._waiting = 0  # lanes that wait for rows
        self._rows_changed = asyncio.Event()
        self._room_changed = asyncio.Event()

    @property
    def is_over(self) -> bool:
        """Whether lanes are to begin nothing more."""
        return self.is_halted or self.is_exhausted or self.broken is not None or self._stop.is_set()

    def halt(self) -> None:
        """Let the lanes end after the messages in flight."""
        self.is_halted = True
        self.hungry.set()
        self.announce()

    def announce(self) -> None:
        """Rows, relays or wishes have changed: let every lane that waits look again."""
        for name in ("_rows_changed", "_room_changed"):
            getattr(self, name).set()
            setattr(self, name, asyncio.Event())

    @property
    def need(self) -> int:
        """How many connections would have something to do."""
        return self.in_hand + len(self.backlog) if self.is_dry else self.policy.connections

    async def next_row(self, is_wanted: Callable[[], bool]) -> Claimed | None:
        """A row to begin, when there is one; None at the end, and where it `is_wanted` no more."""
        while not self.is_over and is_wanted():
            if (row := self.take_row()) is not None:
                return row
            self._waiting += 1
            try:
                await self._rows_changed.wait()
            finally:
                self._waiting -= 1
        return None

    def take_row(self) -> Claimed | None:
        """A row to begin now, if there is one."""
        row = self.backlog.take(self.surroundings.timer())
        if row is not None:
            self.in_hand += 1
        if (len(self.backlog) < self.low and not self.is_dry) or (row is None and self._is_stuck()):
            self.hungry.set()
        return row

    def put_back(self, row: Claimed) -> None:
        """A row that was taken could not be begun."""
        self.in_hand -= 1
        self.backlog.put_back(row, self.surroundings.timer())
        self._wake_lanes()

    def hold(self, row: Claimed, reason: str, relay: Relay) -> None:
        """A row in doubt can't be sent again as it was: it stays in doubt."""
        self.settle(row, Outcome(Kind.IN_DOUBT, text=reason), relay)

    def has_other_than(self, relay: Relay) -> bool:
        """Whether another relay may take what `relay` can't for want of SMTPUTF8; for a moment it then gets all."""
        self._without_smtputf8.add(relay.name)
        if len(self._without_smtputf8) == self._relays:
            return False
        self.pool.hold(relay, self.surroundings.timer() + ASIDE)
        return True

    def drop(self, row: Claimed) -> None:
        """A row that was taken is another worker's now, which accounts for it."""
        self._end(row, Kind.NOT_SENT)

    def settle(self, row: Claimed, outcome: Outcome, relay: Relay, *, is_first: bool = False) -> None:
        """Account for a row whose try is over; `is_first` tells that its connection had delivered nothing before."""
        world = self.surroundings
        now = world.clock()
        state, repeated = decide(row, outcome, self.policy)
        due_at = next_try(now, row.attempts, world.chance) if state is State.DEFERRED else now
        self.ledger.record(
            Settled(
                row.id, state, row.attempts, outcome.code, outcome.enhanced, outcome.text, due_at, now, relay.name,
                repeated,
            )
        )  # fmt: skip
        if outcome.code is None and outcome.kind is Kind.NOT_SENT and is_first:
            self.pool.failed(relay, world.timer())  # it lets us in and then throws us out
        elif outcome.code is not None:
            self.pool.worked(relay)
            self._got_through, self._downs = True, 0
        self.tried[outcome.kind] += 1
        # RFC 5321 §3.8: 421 is the relay's own word, and says nothing of the recipient's domain.
        self._end(row, Kind.NOT_SENT if outcome.code == 421 else outcome.kind)
        if self._breaker is not None and (trip := self._breaker.count(outcome, row.address)) is not None:
            self._stop_itself(trip)
        self._progress(outcome)

    def relay_failed(self, relay: Relay, error: RelayError) -> None:
        """A connection did not open, or was of no use; the run ends when nothing is to be had of any relay."""
        now = self.surroundings.timer()
        self.held_until = None  # the wait is for this relay's rest now, which is shorter
        was_down = self.pool.is_down(now)
        if error.code == 421:  # RFC 5321 §3.8: most often one connection too many
            self.pool.refused_more(relay, now)
        else:
            self.pool.failed(relay, now)
        if self.pool.is_down(now) and not was_down:
            self._downs += 1
            if self._downs >= (LATER_DOWNS if self._got_through else FIRST_DOWNS):
                self.broken = error
                self.hungry.set()
        self.announce()

    async def wait_for_room(self) -> None:
        """Wait until a relay may have room for one more connection; where that is too far off, say until when."""
        now = self.surroundings.timer()
        until = self.pool.next_try(now)
        if until is None:
            await self._room_changed.wait()
            return
        may_come = self.in_hand or self.pool.is_down(now) or self.pool.is_crowded(now)
        if until - now > LONGEST_HOLD and not may_come:
            self.held_until = self.surroundings.clock() + dt.timedelta(seconds=until - now)
        else:
            await self.surroundings.sleep(min(max(until - now, 0.01), 1.0))

    def _stop_itself(self, trip: Trip) -> None:
        if self.trip is None:  # messages in flight may say it again
            self.trip = trip
            self.tripped.set()
            self.halt()

    def _end(self, row: Claimed, kind: Kind) -> None:
        self.in_hand -= 1
        self.finished += 1
        self.backlog.end(row, kind, self.surroundings.timer())
        if not self.in_hand or kind is Kind.NOT_SENT:
            self.hungry.set()
        self._wake_lanes()

    def _is_stuck(self) -> bool:
        """Whether none of the rows that wait may be begun, and claiming anew or putting them off may help."""
        waiting = len(self.backlog)
        if not waiting:
            return False
        may_find_others = waiting < MOST_WAITING and not self.is_dry
        return not self.in_hand or may_find_others or self.backlog.has_resting(self.surroundings.timer())

    def _wake_lanes(self) -> None:
        if self._waiting and self.backlog.has_ready:
            changed, self._rows_changed = self._rows_changed, asyncio.Event()
            changed.set()


def decide(row: Claimed, outcome: Outcome, policy: Policy) -> tuple[State, bool]:
    """What `outcome` makes of the row: its state, and whether it counts as repeated."""
    match outcome.kind:
        case Kind.ACCEPTED:
            return State.SENT, row.repeated
        case Kind.PERMANENT:
            return State.FAILED, row.repeated
        case Kind.IN_DOUBT if policy.in_doubt is InDoubt.RETRY and not row.repeated:
            return State.DEFERRED, True
        case Kind.IN_DOUBT:
            return State.IN_DOUBT, row.repeated
        case Kind.NOT_SENT if row.attempts < IMMEDIATE_TRIES:
            return State.QUEUED, row.repeated
        case _:
            return State.DEFERRED, row.repeated
