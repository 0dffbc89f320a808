"""Writes a worker's marks and outcomes in batches: whoever asks waits until its own is durable.

Every connection asks for its own row; what has gathered while the last transaction was being written goes into
the next one, so that a commit's cost is shared by all connections and nobody waits for a timer.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field

from pressrun.store.claim import Settled, mark_dots, settle
from pressrun.store.database import Database


@dataclass
class _Batch:
    dots: dict[int, asyncio.Future[bool]] = field(default_factory=dict)
    outcomes: list[tuple[Settled, asyncio.Future[None]]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.dots or self.outcomes)

    def fail(self, error: BaseException) -> None:
        """End everyone's wait with `error`."""
        waiting: list[asyncio.Future[bool] | asyncio.Future[None]] = [
            *self.dots.values(),
            *(future for _, future in self.outcomes),
        ]
        for future in waiting:
            if isinstance(error, asyncio.CancelledError):
                future.cancel()
            elif not future.done():
                future.set_exception(error)
                future.exception()  # whoever gave up waiting won't look


class Ledger:
    """The log as one worker writes it; `run` must be going for the other methods to come back."""

    def __init__(self, database: Database, worker_id: str, clock: Callable[[], dt.datetime]) -> None:
        self._database = database
        self._worker_id = worker_id
        self._clock = clock
        self._batch = _Batch()
        self._wanted = asyncio.Event()
        self._closing = self._ended = False

    async def mark_dot(self, row_id: int) -> bool:
        """Make the row's `dot` durable; False where the row is no longer this worker's, so that no dot may leave."""
        self._require_running()
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._batch.dots[row_id] = future
        self._wanted.set()
        return await future

    async def record(self, outcome: Settled) -> None:
        """Make the row's outcome durable."""
        self._require_running()
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._batch.outcomes.append((outcome, future))
        self._wanted.set()
        await future

    async def run(self) -> None:
        """Write until `close` is called and all is written; an error of the store ends it and everyone waiting."""
        try:
            while not (self._closing and not self._batch):
                await self._wanted.wait()
                self._wanted.clear()
                batch, self._batch = self._batch, _Batch()
                if batch:
                    await self._write(batch)
        finally:
            self._ended = True
            self._batch.fail(asyncio.CancelledError())

    def close(self) -> None:
        """Let `run` end when all is written."""
        self._closing = True
        self._wanted.set()

    def _require_running(self) -> None:
        # Who is cancelled just as a reply comes may not notice (asyncio.wait_for loses it up to Python 3.11) and go on
        # to ask a ledger that has ended: it would wait for ever.
        if self._ended:
            raise asyncio.CancelledError

    async def _write(self, batch: _Batch) -> None:
        try:
            async with self._database.write() as connection:
                if batch.outcomes:
                    await settle(connection, self._worker_id, [outcome for outcome, _ in batch.outcomes])
                mine = (
                    await mark_dots(connection, self._worker_id, list(batch.dots), self._clock()) if batch.dots else ()
                )
        except BaseException as error:
            batch.fail(error)
            raise
        for row_id, granted in batch.dots.items():
            if not granted.done():
                granted.set_result(row_id in mine)
        for _, written in batch.outcomes:
            if not written.done():
                written.set_result(None)
