"""Sends an edition to a list: plans a row for each person who has none, then delivers what is due and may leave."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pressrun.delivery.breaker import Trip
from pressrun.delivery.deliver import deliver
from pressrun.delivery.dkim_key import SigningKey
from pressrun.delivery.outcome import Kind, Outcome, State
from pressrun.delivery.policy import Policy, Surroundings
from pressrun.delivery.relay import Relay
from pressrun.errors import UsageError
from pressrun.link_keys import LinkKeys
from pressrun.render.edition import Edition
from pressrun.store.audience import count_audience
from pressrun.store.control import require_run
from pressrun.store.database import Database
from pressrun.store.delivery_log import Plan, count_open, count_states, next_due, plan
from pressrun.store.fence import pass_fence
from pressrun.store.planning import redate
from pressrun.store.selection import NO_SEGMENTS, Segments


@dataclass(frozen=True)
class SendReport:
    """What a send did, and where the issue stands with this list; `counts` sum up to all rows planned through it."""

    issue: str
    plan: Plan
    tried: Mapping[Kind, int]
    counts: Mapping[State, int]
    next_due: dt.datetime | None
    held_until: dt.datetime | None = None
    """When the relays' limits allow more, where that is why the run ended."""
    tripped: Trip | None = None
    """Why the breaker stopped it and paused the issue, where it did."""

    @property
    def is_finished(self) -> bool:
        """Whether no row is open (promise 5)."""
        return count_open(dict(self.counts)) == 0

    @property
    def has_losses(self) -> bool:
        """Whether somebody did not, or may not, get the message: a person has to look."""
        return any(self.counts[state] for state in (State.FAILED, State.EXPIRED, State.IN_DOUBT))

    @property
    def fell_short(self) -> bool:
        """Whether the work is not all done and well."""
        return self.has_losses or not self.is_finished


async def send(
    database: Database,
    edition: Edition,
    list_name: str,
    relays: Sequence[Relay],
    keys: LinkKeys,
    policy: Policy | None = None,
    *,
    signing: Sequence[SigningKey] = (),
    surroundings: Surroundings | None = None,
    planned: Callable[[Plan, int], None] = lambda plan, open_rows: None,
    progress: Callable[[Outcome], None] = lambda outcome: None,
    stop: asyncio.Event | None = None,
    add: bool = True,
    held: bool = False,
    until: dt.datetime | None = None,
    due_by_zone: Mapping[str, dt.datetime] | None = None,
    witness: Path | None = None,
    segments: Segments = NO_SEGMENTS,
) -> SendReport:
    """Send `edition` to the list: nobody twice, however often this runs; an interrupted send goes on.

    `list_name` may be one of `segments` of a list as well (`LIST:SEGMENT`). Only rows planned through it are delivered;
    who has one through another list waits for that one's send. With `held`, for an issue that needs approval, nothing
    leaves that nobody approved of. Without `add` nobody is planned: what is planned and may leave is delivered, of
    whatever edition. Nothing begins after `until`; rows whose zone is in `due_by_zone` leave at that moment. `witness`
    is this machine's memory of the store, see `store/fence.py`.

    `planned` is told the plan and how many rows are open before the first message leaves. Raises UsageError for an
    unknown list or segment, for an issue that is paused, cancelled, not planned or not approved; FencedError where the
    store was restored or moved; RelayError where the relay can't be used, StoreError where the store fails.
    """
    world = surroundings or Surroundings()
    issue, waves = edition.issue, due_by_zone or {}
    await require_run(database, issue, list_name, held_too=add and held)
    if witness is not None:
        await pass_fence(database, witness, world.clock())
    made = await _plan(
        database, edition, list_name, world.clock(), add=add, held=held, due_by_zone=waves, segments=segments
    )
    planned(made, count_open(await count_states(database, issue, list_name)))
    done = await deliver(
        database, issue, relays, keys, policy,
        signing=signing, list_name=list_name, surroundings=world, progress=progress, stop=stop, until=until,
    )  # fmt: skip
    due = await next_due(database, issue, list_name)
    return SendReport(issue, made, done.tried, done.counts, due, done.held_until, done.tripped)


async def _plan(
    database: Database,
    edition: Edition,
    list_name: str,
    now: dt.datetime,
    *,
    add: bool,
    held: bool,
    due_by_zone: Mapping[str, dt.datetime],
    segments: Segments,
) -> Plan:
    """Plan who is to be added, and date what waited for its approval."""
    issue = edition.issue
    if add:
        made = await plan(database, edition, list_name, now, held=held, due_by_zone=due_by_zone, segments=segments)
        await require_run(database, issue, list_name)
    elif sum((await count_states(database, issue, list_name)).values()):
        made = Plan(0, 0, await count_audience(database, list_name, now, segments, issue))
    else:
        raise UsageError(f"nothing of {issue} was planned for {list_name}", "let the send add people first")
    if held or not add:
        await redate(database, issue, list_name, now, due_by_zone)
    return made
