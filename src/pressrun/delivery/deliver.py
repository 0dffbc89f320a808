"""Delivers an issue's open rows: claims them, hands them to the relays, accounts for each."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import socket
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from pressrun.delivery.breaker import Trip
from pressrun.delivery.compositor import Compositor
from pressrun.delivery.dkim_key import SigningKey
from pressrun.delivery.gate import Gate
from pressrun.delivery.lane import Lane
from pressrun.delivery.ledger import Ledger
from pressrun.delivery.outcome import OPEN_STATES, Kind, Outcome, State
from pressrun.delivery.policy import InDoubt, Policy, Surroundings, policy_from
from pressrun.delivery.relay import Relay
from pressrun.delivery.usher import Usher
from pressrun.delivery.work import MOST_WAITING, Work
from pressrun.errors import StoreError, UsageError
from pressrun.link_keys import LinkKeys
from pressrun.store.claim import (
    give_back,
    has_due,
    held_until,
    put_off,
    recover,
    register_worker,
    renew_lease,
    repeat_in_doubt,
    retire_worker,
)
from pressrun.store.control import Wish, pause, read_wish, require_run
from pressrun.store.database import Database
from pressrun.store.delivery_log import count_states
from pressrun.store.finish import note_finished
from pressrun.store.journal import Journal, Scope, open_journal
from pressrun.store.seats import leave

__all__ = ["Delivered", "Policy", "Surroundings", "deliver", "policy_from"]

FIRST, MOST = 4, 500
"""How many rows are claimed at once: at first `FIRST` a connection, then as many as leave in a second, up to `MOST`."""

LOOK = 1.0
"""Seconds between looks at what operators wish."""

_LOCKED = 0.05
"""Seconds between claims where rows are due and none can be had, as on PostgreSQL while others change them."""


@dataclass(frozen=True)
class Delivered:
    """What one run did: how its tries ended, and the rows it was about by state afterwards.

    `held_until` is when the relays' limits allow more, where that is why the run ended; `tripped` tells why the breaker
    ended it and paused the issue, where it did.
    """

    tried: Mapping[Kind, int]
    counts: Mapping[State, int]
    held_until: dt.datetime | None = None
    tripped: Trip | None = None


async def deliver(
    database: Database,
    issue: str,
    relays: Sequence[Relay],
    keys: LinkKeys,
    policy: Policy | None = None,
    *,
    signing: Sequence[SigningKey] = (),
    list_name: str | None = None,
    surroundings: Surroundings | None = None,
    progress: Callable[[Outcome], None] = lambda outcome: None,
    stop: asyncio.Event | None = None,
    until: dt.datetime | None = None,
) -> Delivered:
    """Deliver every due row of `issue` to `relays`, sharing it with other workers if there are any.

    With a list, only the rows planned through it: nobody on another list is mailed by the way. `keys` sign the links,
    `signing` the messages. Setting `stop` ends the run after the messages in flight, and so does `until`, a moment
    after which nothing new begins; a second run goes on from there. While the issue is paused the run waits. Where the
    policy's breaker trips, it pauses the issue for every worker and ends this run. Raises UsageError for an issue that
    is paused or cancelled at the start, RelayError where no relay can be used, StoreError where the store fails; rows
    stay true in each case.
    """
    await require_run(database, issue, list_name)
    policy, world = policy or Policy(), surroundings or Surroundings()
    scope = Scope(issue, uuid.uuid4().hex[:12], list_name, policy.expiry)
    try:
        async with open_journal(database) as journal, _registered(database, scope, policy, world) as since:
            compositor = Compositor(database, issue, keys, signing)
            run = _Run(database, scope, journal, compositor, policy, world, stop or asyncio.Event(), until, since)
            await run.work_off(list(relays), progress)
    except BaseExceptionGroup as group:
        raise _first_of(group) from None
    counts = await count_states(database, issue, list_name)
    if not any(counts.get(state) for state in OPEN_STATES):
        await note_finished(database, issue, world.clock())
    return Delivered(run.tried, counts, run.held_until, run.trip)


@asynccontextmanager
async def _registered(database: Database, scope: Scope, policy: Policy, world: Surroundings) -> AsyncIterator[float]:
    """A worker while the block runs: since when its lease counts."""
    host, since = socket.gethostname(), world.timer()
    await register_worker(database, scope.worker_id, host, os.getpid(), world.clock(), policy.lease)
    try:
        yield since
    except BaseException:
        with suppress(StoreError):  # what went wrong first is what is told; the lease frees what stays behind
            await asyncio.shield(retire_worker(database, scope.worker_id, world.clock()))
        raise
    await asyncio.shield(retire_worker(database, scope.worker_id, world.clock()))


class _Run:
    """One worker's run over the open rows of one issue."""

    def __init__(
        self,
        database: Database,
        scope: Scope,
        journal: Journal,
        compositor: Compositor,
        policy: Policy,
        world: Surroundings,
        stop: asyncio.Event,
        until: dt.datetime | None,
        renewed: float,
    ) -> None:
        self.database, self.scope, self.journal, self.compositor = database, scope, journal, compositor
        self.policy, self.world, self.stop, self.until = policy, world, stop, until
        self.renewed = renewed  # when the lease was, by the timer
        self.tried: dict[Kind, int] = dict.fromkeys(Kind, 0)
        self.held_until: dt.datetime | None = None
        self.trip: Trip | None = None
        self.wish = Wish.RUN
        self.was_paused = False  # also where it was resumed while the last messages were on their way

    async def work_off(self, relays: list[Relay], progress: Callable[[Outcome], None]) -> None:
        """Work until no row is due, it is time to end or the breaker trips; wait while the issue is paused."""
        while True:
            self.was_paused = False
            await self._work(relays, progress)
            if not self.was_paused or self._is_to_end:
                return
            await give_back(self.database, self.scope.worker_id, self.world.clock())
            await leave(self.database, self.scope.worker_id)
            await self._wait_while_paused()
            if self.wish is not Wish.RUN:
                return

    @property
    def _is_to_end(self) -> bool:
        """Whether this run begins nothing more, whatever there is to do."""
        return self.stop.is_set() or self.trip is not None or self._is_time_up

    @property
    def _is_time_up(self) -> bool:
        return self.until is not None and self.world.clock() >= self.until

    async def _work(self, relays: list[Relay], progress: Callable[[Outcome], None]) -> None:
        ledger = Ledger(self.journal, self.scope.worker_id, self.world.clock)
        gates = {relay.name: Gate(self.database, relay, self.world.clock) for relay in relays}
        work = Work(relays, self.compositor, ledger, gates, self.policy, self.world, progress, self.stop)
        usher = Usher(self.database, self.scope.worker_id, relays, work, self.world.clock)
        await usher.look(self._leased_until)
        try:
            async with asyncio.TaskGroup() as group:
                writer = group.create_task(ledger.run())
                watched = (self._watch(work, usher), self._stop_when_told(work), self._stop_in_time(work))
                beside = [group.create_task(task) for task in watched]
                pausing = group.create_task(self._pause_when_tripped(work))
                feed = group.create_task(self._feed(work))
                lanes = [group.create_task(Lane(work).run()) for _ in range(self.policy.connections)]
                await asyncio.gather(*lanes)
                self.held_until = None if work.is_exhausted else work.held_until  # some lanes end before others have it
                work.halt()
                await feed  # cancelled in the middle of a claim, it would leave half a transaction on its connection
                if work.trip is None:  # else it ends by itself
                    beside.append(pausing)
                for task in beside:
                    task.cancel()
                ledger.close()
                await writer
        finally:
            await asyncio.shield(_settle_accounts(ledger, gates))
            for kind, count in work.tried.items():
                self.tried[kind] += count
            self.trip = work.trip
        if work.broken and not self._is_to_end:
            raise work.broken

    async def _watch(self, work: Work, usher: Usher) -> None:
        """Renew the lease, see what operators wish, and share the relays' connections with other workers."""
        lease = self.policy.lease.total_seconds()
        while True:
            await self.world.tick(min(LOOK, lease / 4))
            if self.world.timer() - self.renewed >= lease / 4:
                await self._renew()
            self.wish = await read_wish(self.database, self.scope.issue)
            if self.wish is not Wish.RUN:
                self.was_paused = self.was_paused or self.wish is Wish.PAUSE
                work.halt()
            await usher.look(self._leased_until)
            work.announce()  # a relay's rest may have ended

    async def _renew(self) -> None:
        now = self.world.timer()  # the earlier one: nobody else is to see the lease end before this worker does
        await renew_lease(self.database, self.scope.worker_id, self.world.clock() + self.policy.lease)
        self.renewed = now

    @property
    def _leased_until(self) -> float:
        return self.renewed + self.policy.lease.total_seconds()

    async def _stop_when_told(self, work: Work) -> None:
        await self.stop.wait()
        work.halt()

    async def _stop_in_time(self, work: Work) -> None:
        """Begin nothing after `until`; looked at anew each second, as the clock may step."""
        while self.until is not None and (left := (self.until - self.world.clock()).total_seconds()) > 0:
            await self.world.tick(min(left, LOOK))
        if self.until is not None:
            work.halt()

    async def _pause_when_tripped(self, work: Work) -> None:
        await work.tripped.wait()
        assert work.trip is not None
        with suppress(UsageError):  # cancelled meanwhile, or that was the last row: there is nothing to pause
            await pause(self.database, self.scope.issue, self.world.clock(), reason=work.trip.reason)

    async def _wait_while_paused(self) -> None:
        while self.wish is Wish.PAUSE and not self._is_to_end:
            await self.world.tick(LOOK)
            await self._renew()
            self.wish = await read_wish(self.database, self.scope.issue)

    async def _feed(self, work: Work) -> None:
        """Claim rows as fast as the lanes take them, until none is due and no other worker holds any."""
        await self._recover(first=True)
        size = FIRST * self.policy.connections
        began, finished = self.world.timer(), 0
        while not work.is_over:
            work.hungry.clear()  # before looking: what happens meanwhile is not missed
            await self._put_off_resting(work)
            if len(work.backlog) >= MOST_WAITING:
                await work.hungry.wait()
                continue
            rows = await self.journal.claim(self.scope, size, self.world.clock())
            await self.compositor.learn(rows)
            work.is_dry = not rows
            work.low = size // 2
            work.backlog.add(rows)
            if rows:
                work.announce()
                if len(work.backlog) >= work.low:
                    await work.hungry.wait()
                seconds = self.world.timer() - began
                if seconds > 0.2:
                    size = self._claim_size((work.finished - finished) / seconds)
                    began, finished = self.world.timer(), work.finished
            elif not await self._may_come(work):
                break
        work.is_exhausted = True
        work.announce()

    def _claim_size(self, pace: float) -> int:
        """How many rows to claim at once where `pace` of them end in a second."""
        return int(min(max(pace, self.policy.connections), MOST))

    async def _may_come(self, work: Work) -> bool:
        """Whether there may be more to claim: lanes may hand rows back, other workers' leases may end."""
        if work.in_hand or len(work.backlog):
            await work.hungry.wait()
            return True
        await work.ledger.drain()
        now = self.world.clock()
        scope = (self.database, self.scope.issue)
        if await has_due(*scope, now, self.scope.list_name):
            await self.world.sleep(_LOCKED)  # somebody may have it locked, and for long
            return True
        held, until = await held_until(*scope, self.scope.worker_id, self.scope.list_name)
        if not held:  # by now; between the two looks others may have given rows back
            return await has_due(*scope, now, self.scope.list_name)
        wait = (until - now).total_seconds() if until else 0
        await self.world.sleep(min(max(wait, 0.05), 1.0))
        await self._recover()
        return True

    async def _recover(self, *, first: bool = False) -> None:
        now = self.world.clock()
        _, in_doubt = await recover(self.database, now)
        if self.policy.in_doubt is InDoubt.RETRY and (first or in_doubt):
            await repeat_in_doubt(self.database, self.scope.issue, now, self.scope.list_name)

    async def _put_off_resting(self, work: Work) -> None:
        for seconds, rows in work.backlog.pop_resting(self.world.timer()):
            now = self.world.clock()
            due_at = now + dt.timedelta(seconds=seconds)
            reason = "put off: the recipients' domain answered nothing but 4xx and is left alone for a while"
            await put_off(self.database, self.scope.worker_id, [row.id for row in rows], due_at, reason, now)
        if work.backlog.has_ready:  # a rest may have ended while nothing happened
            work.announce()


async def _settle_accounts(ledger: Ledger, gates: Mapping[str, Gate]) -> None:
    await ledger.flush()
    for gate in gates.values():
        await gate.close()


def _first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    return _first_of(first) if isinstance(first, BaseExceptionGroup) else first
