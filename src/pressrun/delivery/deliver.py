"""Delivers an issue's open rows: claims them, hands them to the relay, accounts for each."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import random
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from pressrun.delivery.backoff import next_try
from pressrun.delivery.leave_link import Leave, make_leave_token
from pressrun.delivery.ledger import Ledger
from pressrun.delivery.message import MessageTemplate, Recipient, needs_smtputf8, wire_address
from pressrun.delivery.outcome import Kind, Outcome, State
from pressrun.delivery.relay import Relay
from pressrun.delivery.session import Envelope, RelayError, Session
from pressrun.settings import Settings
from pressrun.store.claim import (
    Claimed,
    Settled,
    claim,
    has_due,
    held_until,
    recover,
    register_worker,
    renew_lease,
    retire_worker,
)
from pressrun.store.database import Database
from pressrun.store.delivery_log import count_states, load_editions

IMMEDIATE_TRIES = 3
"""How often a message whose connection broke before the dot is tried at once before it is deferred."""

CONNECT_TRIES = 4
"""How often in a row a connection may fail to open before it is given up."""

CLAIM = 200
"""How many rows are claimed at once; those not begun go back when the worker ends or its lease does."""


@dataclass(frozen=True)
class Policy:
    """How hard and how long to try. Seconds, but for `expiry` and `lease`."""

    connections: int = 8
    timeout: float = 60
    final_reply_timeout: float = 600
    lease: dt.timedelta = dt.timedelta(seconds=30)
    expiry: dt.timedelta = dt.timedelta(days=3)


def policy_from(settings: Settings) -> Policy:
    """The policy that the workspace's settings ask for."""
    return Policy(
        connections=settings.connections,
        timeout=settings.smtp_timeout,
        final_reply_timeout=settings.final_reply_timeout,
        lease=dt.timedelta(seconds=settings.lease_seconds),
        expiry=dt.timedelta(days=settings.expire_days),
    )


@dataclass(frozen=True)
class Surroundings:
    """What a delivery takes from the world: time, waiting, chance."""

    clock: Callable[[], dt.datetime] = field(default=lambda: dt.datetime.now(dt.UTC))
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: random.Random = field(default_factory=random.Random)


@dataclass(frozen=True)
class Delivered:
    """What one run did: how its tries ended, and the rows it was about by state afterwards."""

    tried: Mapping[Kind, int]
    counts: Mapping[State, int]


class _Delivery:
    """One worker's run over the open rows of one issue."""

    def __init__(
        self,
        database: Database,
        issue: str,
        list_name: str | None,
        relay: Relay,
        key: bytes,
        policy: Policy,
        surroundings: Surroundings,
        progress: Callable[[Outcome], None],
        stop: asyncio.Event,
    ) -> None:
        self.database, self.issue, self.list_name, self.relay, self.key = database, issue, list_name, relay, key
        self.policy, self.surroundings, self.progress, self.stop = policy, surroundings, progress, stop
        self.worker_id = uuid.uuid4().hex
        self.ledger = Ledger(database, self.worker_id, surroundings.clock)
        self.templates: dict[int, MessageTemplate] = {}
        self.rows: asyncio.Queue[Claimed | None] = asyncio.Queue(maxsize=CLAIM)
        self.tried: dict[Kind, int] = dict.fromkeys(Kind, 0)
        self.engaged: set[int] = set()  # the connections that have begun and not given up
        self.broken: RelayError | None = None

    async def run(self) -> None:
        """Work until no row is due, or `stop` is set; leave no row claimed."""
        async with self._registered():
            await self._work()

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as group:
            writer = group.create_task(self.ledger.run())
            lease = group.create_task(self._keep_lease())
            connections = [group.create_task(self._connect(number)) for number in range(self.policy.connections)]
            await self._claim_all()
            for _ in connections:
                await self.rows.put(None)
            await asyncio.gather(*connections)
            self.ledger.close()
            await writer
            lease.cancel()
        if self.broken:
            raise self.broken

    @asynccontextmanager
    async def _registered(self) -> AsyncIterator[None]:
        clock = self.surroundings.clock
        await register_worker(
            self.database, self.worker_id, socket.gethostname(), os.getpid(), clock(), self.policy.lease
        )
        try:
            yield
        finally:
            await asyncio.shield(retire_worker(self.database, self.worker_id, clock()))

    async def _keep_lease(self) -> None:
        while True:
            await self.surroundings.sleep(self.policy.lease.total_seconds() / 4)
            await renew_lease(self.database, self.worker_id, self.surroundings.clock() + self.policy.lease)

    async def _claim_all(self) -> None:
        """Claim rows as fast as the connections take them, until none is due and no other worker holds any."""
        await recover(self.database, self.surroundings.clock())
        while not self.stopping:
            now = self.surroundings.clock()
            scope = (self.database, self.issue, self.worker_id, CLAIM, now, self.policy.expiry, self.list_name)
            claimed = await claim(*scope)
            for row in claimed:
                await self.rows.put(row)
            if not claimed and not await self._wait_for_others():
                return

    async def _wait_for_others(self) -> bool:
        """Whether there may be more to claim: connections may hand rows back, other workers' leases may end."""
        await self.rows.join()
        now = self.surroundings.clock()
        if self.stopping or await has_due(self.database, self.issue, now, self.list_name):
            return not self.stopping
        held, until = await held_until(self.database, self.issue, self.worker_id, self.list_name)
        if not held:
            return False
        wait = (until - now).total_seconds() if until else 0
        await self.surroundings.sleep(min(max(wait, 0.05), 1.0))
        await recover(self.database, self.surroundings.clock())
        return True

    async def _connect(self, number: int) -> None:
        """One connection's work: rows from the queue until the end mark."""
        session: Session | None = None
        try:
            while (row := await self.rows.get()) is not None:
                self.engaged.add(number)
                try:
                    session = await self._handle(session, row)
                except RelayError as error:
                    await self._give_up(number, row, error)
                    if not self.broken:
                        return  # the other connections do the work; the relay allows no more
                finally:
                    self.rows.task_done()
        finally:
            if session is not None:
                await session.close()

    async def _handle(self, session: Session | None, row: Claimed) -> Session | None:
        if self.stopping:  # a row not begun goes back when the worker retires
            return session
        session = await self._open(session)
        await self._deliver(session, row)
        return session

    async def _open(self, session: Session | None) -> Session:
        """A connection that is open; waits longer after each that failed."""
        for failures in range(CONNECT_TRIES):
            if session is not None and session.is_open:
                return session
            session = Session(self.relay, self.policy.timeout, self.policy.final_reply_timeout)
            try:
                await session.open()
            except RelayError:
                if failures == CONNECT_TRIES - 1 or self.stopping:
                    raise
                await self.surroundings.sleep(2**failures * self.surroundings.chance.uniform(0.25, 0.5))
        assert session is not None
        return session

    async def _give_up(self, number: int, row: Claimed, error: RelayError) -> None:
        """Put the row back, and stop the run if no other connection has got through or is trying to."""
        now = self.surroundings.clock()
        untried = row.attempts - 1
        await self.ledger.record(Settled(row.id, State.QUEUED, untried, None, None, error.message, now, now))
        self.engaged.discard(number)
        if not self.engaged:
            self.broken = error

    @property
    def stopping(self) -> bool:
        """Whether to begin nothing more."""
        return self.stop.is_set() or self.broken is not None

    async def _deliver(self, session: Session, row: Claimed) -> None:
        template = await self._template_of(row)
        envelope = Envelope(
            wire_address(template.edition.sender_address),
            wire_address(row.address),
            smtputf8=needs_smtputf8(row.address),
        )
        message = template.fill(make_recipient(row, template, self.key))
        outcome = await session.deliver(envelope, message, lambda: self.ledger.mark_dot(row.id))
        if outcome is None:  # taken over by another worker: it accounts for the row
            return
        now = self.surroundings.clock()
        await self.ledger.record(settle_row(row, outcome, now, self.surroundings.chance))
        self.tried[outcome.kind] += 1
        self.progress(outcome)

    async def _template_of(self, row: Claimed) -> MessageTemplate:
        if row.send_id not in self.templates:  # also a send that another process planned while this one runs
            made = {template.edition.id: template for template in self.templates.values()}
            for send_id, edition in (await load_editions(self.database, self.issue)).items():
                self.templates[send_id] = made.get(edition.id) or made.setdefault(edition.id, MessageTemplate(edition))
        return self.templates[row.send_id]


def make_recipient(row: Claimed, template: MessageTemplate, key: bytes) -> Recipient:
    """The recipient a claimed row stands for, with links signed by `key`."""
    edition = template.edition
    token = make_leave_token(Leave(row.subscriber_id, row.list), key)
    return Recipient(
        address=row.address,
        name=row.name,
        message_id=row.message_id,
        planned_at=row.created_at,
        unsubscribe_url=f"{edition.base_url.rstrip('/')}/unsubscribe/{token}",
        unsubscribe_mail=edition.unsubscribe_mail,
    )


def settle_row(row: Claimed, outcome: Outcome, now: dt.datetime, chance: random.Random) -> Settled:
    """What `outcome` makes of the row."""
    state, due_at = State.FAILED, now
    match outcome.kind:
        case Kind.ACCEPTED:
            state = State.SENT
        case Kind.TEMPORARY:
            state, due_at = State.DEFERRED, next_try(now, row.attempts, chance)
        case Kind.IN_DOUBT:
            state = State.IN_DOUBT
        case Kind.NOT_SENT if row.attempts < IMMEDIATE_TRIES:
            state = State.QUEUED
        case Kind.NOT_SENT:
            state, due_at = State.DEFERRED, next_try(now, row.attempts, chance)
    return Settled(row.id, state, row.attempts, outcome.code, outcome.enhanced, outcome.text, due_at, now)


async def deliver(
    database: Database,
    issue: str,
    relay: Relay,
    key: bytes,
    policy: Policy | None = None,
    *,
    list_name: str | None = None,
    surroundings: Surroundings | None = None,
    progress: Callable[[Outcome], None] = lambda outcome: None,
    stop: asyncio.Event | None = None,
) -> Delivered:
    """Deliver every due row of `issue` to `relay`, sharing it with other workers if there are any.

    With a list, only the rows planned through it: nobody on another list is mailed by the way. `key` signs the links.
    Setting `stop` ends the run after the messages in flight; a second run goes on from there.
    Raises RelayError where the relay can't be used, StoreError where the store fails; rows stay true in either case.
    """
    run = _Delivery(
        database,
        issue,
        list_name,
        relay,
        key,
        policy or Policy(),
        surroundings or Surroundings(),
        progress,
        stop or asyncio.Event(),
    )
    try:
        await run.run()
    except BaseExceptionGroup as group:
        raise _first_of(group) from None
    return Delivered(run.tried, await count_states(database, issue, list_name))


def _first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    return _first_of(first) if isinstance(first, BaseExceptionGroup) else first
