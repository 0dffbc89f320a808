"""How far a delivery is, while it runs: a progress artifact and a table, written anew every few seconds."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
from prefect.artifacts import acreate_progress_artifact, acreate_table_artifact, aupdate_progress_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactUpdate
from prefect.logging import get_run_logger

from flows.accounts import artifact_key, tabulate
from pressrun.delivery.account import Account, read_account
from pressrun.delivery.outcome import OPEN_STATES, State
from pressrun.finding import count_of
from pressrun.store.database import Database

EVERY = 5.0
"""Seconds between two looks, at least."""

DEAREST = 20
"""How many times as long as a look takes is waited before the next: a look at a million rows takes its time."""

TOLD_EVERY = 60.0
"""Seconds between two lines in the log."""

SPAN = 60.0
"""Seconds that the rate is taken over."""


@dataclass
class Pace:
    """How fast deliveries are settled, over the last `SPAN` seconds."""

    _looks: deque[tuple[float, int]] = field(default_factory=deque)

    def note(self, moment: float, settled: int) -> None:
        """Take in that so many are settled at `moment`, in seconds of a clock that never steps back."""
        self._looks.append((moment, settled))
        while len(self._looks) > 2 and self._looks[1][0] <= moment - SPAN:
            self._looks.popleft()

    @property
    def rate(self) -> float:
        """Deliveries a second; 0 where nothing is known yet, or nothing moves."""
        if len(self._looks) < 2:
            return 0.0
        (before, then), (now, settled) = self._looks[0], self._looks[-1]
        return max(0.0, (settled - then) / (now - before)) if now > before else 0.0


@dataclass(frozen=True)
class Progress:
    """Where a delivery stands: rows by state, and how many are settled in a second."""

    counts: Mapping[State, int]
    rate: float = 0.0

    @property
    def planned(self) -> int:
        """All rows."""
        return sum(self.counts.values())

    @property
    def settled(self) -> int:
        """The rows of which the end is known."""
        return self.planned - sum(self.counts.get(state, 0) for state in OPEN_STATES)

    @property
    def percent(self) -> float:
        """How much is settled, as Prefect shows it: 0 to 100, with one place; 100 only where all is."""
        if not self.planned:
            return 0.0
        share = 100 * self.settled / self.planned
        return min(round(share, 1), 99.9) if self.settled < self.planned else 100.0

    @property
    def seconds_left(self) -> float | None:
        """How long the rows that wait for no later moment take at this rate; None where it can't be told."""
        left = sum(self.counts.get(state, 0) for state in (State.QUEUED, State.SENDING, State.DOT))
        return left / self.rate if self.rate and left else None


def tell_progress(progress: Progress) -> str:
    """The progress in a line: `8,123 of 12,431 settled, 412 a second, about 10 seconds left`."""
    parts = [f"{progress.settled:,} of {progress.planned:,} settled"]
    if progress.rate:
        parts.append(f"{_round(progress.rate)} a second")
    if progress.seconds_left is not None:
        parts.append(f"about {tell_duration(progress.seconds_left)} left")
    if waiting := progress.counts.get(State.DEFERRED):
        parts.append(f"{waiting:,} wait for a later try")
    return ", ".join(parts)


def tell_duration(seconds: float) -> str:
    """A duration as a person says it: 40 seconds, 12 minutes, 3 hours 20 minutes."""
    if seconds < 90:
        return count_of(max(1, round(seconds)), "second")
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} minutes"
    hours, rest = divmod(round(minutes / 10) * 10, 60)
    told = count_of(hours, "hour")
    return f"{told} {rest} minutes" if rest else told


def _round(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}"


class ProgressBoard:
    """The two artifacts of one run: made at the first look, changed in place at each that follows."""

    def __init__(self, database: Database, issue: str) -> None:
        self._database, self._issue = database, issue
        self._pace, self._logger = Pace(), get_run_logger()
        self._bar: UUID | None = None
        self._table: UUID | None = None
        self._told = time.monotonic()

    async def run(self, every: float = EVERY) -> None:
        """Look and show until cancelled. A server that is away is tried again; it holds nothing up."""
        while True:
            began = time.monotonic()
            with suppress(httpx.HTTPError, RuntimeError):  # Prefect has no error of its own for a server that is away
                await self.show()
            await asyncio.sleep(max(every, DEAREST * (time.monotonic() - began)))

    async def show(self, account: Account | None = None) -> None:
        """Show `account`, or look for it once."""
        account = account or await read_account(self._database, self._issue)
        now = time.monotonic()
        progress = Progress(account.counts)
        self._pace.note(now, progress.settled)
        progress = Progress(account.counts, self._pace.rate)
        line = tell_progress(progress)
        await self._show_bar(progress.percent, line)
        await self._show_table(account, line)
        if now - self._told >= TOLD_EVERY:
            self._told = now
            self._logger.info("%s: %s", self._issue, line)

    async def _show_bar(self, percent: float, line: str) -> None:
        if self._bar is None:
            self._bar = await acreate_progress_artifact(percent, artifact_key("progress", self._issue), line)
        else:
            await aupdate_progress_artifact(self._bar, percent, line)

    async def _show_table(self, account: Account, line: str) -> None:
        rows = tabulate(account)
        if self._table is None:
            self._table = await acreate_table_artifact(rows, artifact_key("outcomes", self._issue), line)
        else:
            await _update_table(self._table, rows, line)


async def _update_table(table: UUID, rows: Sequence[Mapping[str, Any]], line: str) -> None:
    """Prefect has a function to change a progress artifact, and none to change a table."""
    async with get_client() as client:
        await client.update_artifact(table, ArtifactUpdate(data=json.dumps(list(rows)), description=line))


@asynccontextmanager
async def shown_progress(database: Database, issue: str) -> AsyncIterator[ProgressBoard]:
    """Show how far the issue's delivery is while the block runs; who has its last account shows that on the board."""
    board = ProgressBoard(database, issue)
    showing = asyncio.create_task(board.run())
    try:
        yield board
    finally:
        showing.cancel()
        with suppress(asyncio.CancelledError):
            await showing
