"""Writes a worker's marks and outcomes in batches: whoever asks for a mark waits until it is durable.

Every connection asks for its own row; what has gathered while the last transaction was being written goes into
the next one, so that a commit's cost is shared by all connections and nobody waits for a timer. An outcome is handed
in and not waited for: it is written no later than the next mark that is asked for after it.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from pressrun.store.journal import Journal, Mark, Settled


@dataclass
class _Batch:
    marks: list[Mark] = field(default_factory=list)
    granted: list[asyncio.Future[bool]] = field(default_factory=list)
    outcomes: list[Settled] = field(default_factory=list)
    drained: list[asyncio.Future[None]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.marks or self.outcomes or self.drained)

    def fail(self, error: BaseException) -> None:
        """End everyone's wait with `error`."""
        waiting: list[asyncio.Future[bool] | asyncio.Future[None]] = [*self.granted, *self.drained]
        for future in waiting:
            if isinstance(error, asyncio.CancelledError):
                future.cancel()
            elif not future.done():
                future.set_exception(error)
                future.exception()  # whoever gave up waiting won't look

    def grant(self, mine: frozenset[int]) -> None:
        """Tell everyone whether their dot may leave: of each row's only one."""
        left = set(mine)
        for mark, future in zip(self.marks, self.granted, strict=True):
            if not future.done():
                future.set_result(mark.id in left)
                left.discard(mark.id)
        for waiting in self.drained:
            if not waiting.done():
                waiting.set_result(None)


class Ledger:
    """The log as one worker writes it; `run` must be going for marks to come back."""

    def __init__(self, journal: Journal, worker_id: str, clock: Callable[[], dt.datetime]) -> None:
        self._journal = journal
        self._worker_id = worker_id
        self._clock = clock
        self._batch = _Batch()
        self._wanted = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._closing = self._ended = False

    def mark_dot(self, mark: Mark) -> Awaitable[bool]:
        """Make the row's `dot` durable; False where the row is no longer this worker's, so that no dot may leave."""
        self._require_running()
        future: asyncio.Future[bool] = self._loop.create_future()
        self._batch.marks.append(mark)
        self._batch.granted.append(future)
        self._wanted.set()
        return future

    def record(self, outcome: Settled) -> None:
        """Have the row's outcome written, with the next batch at the latest."""
        self._require_running()
        self._batch.outcomes.append(outcome)
        self._wanted.set()

    async def run(self) -> None:
        """Write until `close` is called and all is written; an error of the store ends it and everyone waiting."""
        try:
            while not (self._closing and not self._batch):
                await self._wanted.wait()
                self._wanted.clear()
                await self._gather()
                batch, self._batch = self._batch, _Batch()
                if batch:
                    await self._write(batch)
        finally:
            self._ended = True
            self._batch.fail(asyncio.CancelledError())

    async def drain(self) -> None:
        """Wait until all outcomes handed in so far are durable."""
        self._require_running()
        future = self._loop.create_future()
        self._batch.drained.append(future)
        self._wanted.set()
        await future

    async def flush(self) -> None:
        """Write the outcomes that `run` was kept from writing; writing one again changes nothing."""
        outcomes, self._batch.outcomes = self._batch.outcomes, []
        if outcomes:
            await self._journal.write(self._worker_id, outcomes, (), self._clock())

    def close(self) -> None:
        """Let `run` end when all is written."""
        self._closing = True
        self._wanted.set()

    def _require_running(self) -> None:
        # Who is cancelled just as a reply comes may not notice (asyncio.wait_for loses it up to Python 3.11) and go on
        # to ask a ledger that has ended: it would wait for ever.
        if self._ended:
            raise asyncio.CancelledError

    async def _gather(self) -> None:
        """Let those who are about to ask do so: as long as each turn of the event loop brings one more."""
        waiting = -1
        while waiting != len(self._batch.marks):
            waiting = len(self._batch.marks)
            await asyncio.sleep(0)

    async def _write(self, batch: _Batch) -> None:
        mine: frozenset[int] = frozenset()
        try:
            if batch.marks or batch.outcomes:
                mine = await self._journal.write(self._worker_id, batch.outcomes, batch.marks, self._clock())
        except BaseException as error:
            self._batch.outcomes[:0] = batch.outcomes  # whether they were written can't be known: `flush` does it again
            batch.fail(error)
            raise
        batch.grant(mine)
