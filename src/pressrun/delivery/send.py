"""Sends an edition to a list: plans a row for each person who has none, then delivers what is due."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pressrun.delivery.deliver import Policy, Surroundings, deliver
from pressrun.delivery.outcome import Kind, Outcome, State
from pressrun.delivery.relay import Relay
from pressrun.render.edition import Edition
from pressrun.store.database import Database
from pressrun.store.delivery_log import Plan, count_open, count_states, next_due, plan


@dataclass(frozen=True)
class SendReport:
    """What a send did, and where the issue stands with this list; `counts` sum up to all rows planned through it."""

    issue: str
    plan: Plan
    tried: Mapping[Kind, int]
    counts: Mapping[State, int]
    next_due: dt.datetime | None

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
    relay: Relay,
    key: bytes,
    policy: Policy | None = None,
    *,
    surroundings: Surroundings | None = None,
    planned: Callable[[Plan, int], None] = lambda plan, open_rows: None,
    progress: Callable[[Outcome], None] = lambda outcome: None,
    stop: asyncio.Event | None = None,
) -> SendReport:
    """Send `edition` to the list: nobody twice, however often this runs; an interrupted send goes on.

    Only rows planned through this list are delivered; who has one through another list waits for that one's send.

    `planned` is told the plan and how many rows are open before the first message leaves. Raises UsageError for an
    unknown list, RelayError where the relay can't be used, StoreError where the store fails.
    """
    world = surroundings or Surroundings()
    made = await plan(database, edition, list_name, world.clock())
    issue = edition.issue
    planned(made, count_open(await count_states(database, issue, list_name)))
    done = await deliver(
        database, issue, relay, key, policy, list_name=list_name, surroundings=world, progress=progress, stop=stop
    )
    return SendReport(issue, made, done.tried, done.counts, await next_due(database, issue, list_name))
