"""Lets people leave lists at speed: all who ask while one transaction is written leave together in the next."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Sequence
from typing import NamedTuple

from pressrun.delivery.leave_link import Leave
from pressrun.errors import StoreError
from pressrun.store.database import Database
from pressrun.store.departure import depart_within

MOST = 1_000
"""How many people leave in one transaction."""


class _Asked(NamedTuple):
    leave: Leave
    source: str
    done: asyncio.Future[None]


class Departures:
    """Who asked to leave and has not left yet. `work` lets them go, and must run while `let_go` is awaited."""

    def __init__(self, clock: Callable[[], dt.datetime]) -> None:
        self._clock = clock
        self._waiting: list[_Asked] = []
        self._asked = asyncio.Event()

    async def let_go(self, leave: Leave, source: str) -> None:
        """Let a person leave; returns once that is durable. Raises StoreError where it can't be stored."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Asked(leave, source, done))
        self._asked.set()
        await done

    async def work(self, database: Database) -> None:
        """Let go whoever asks, without end."""
        while True:
            if not self._waiting:
                self._asked.clear()
                await self._asked.wait()
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            await self._let_go(database, batch)

    async def _let_go(self, database: Database, batch: Sequence[_Asked]) -> None:
        try:
            async with database.write() as connection:
                for source in sorted({one.source for one in batch}):
                    leaves = [one.leave for one in batch if one.source == source]
                    await depart_within(connection, leaves, self._clock(), source)
        except StoreError as error:
            _answer(batch, error)
        except BaseException:
            _answer(batch, StoreError("the server is ending", "ask again"))
            raise
        else:
            _answer(batch)


def _answer(batch: Sequence[_Asked], error: StoreError | None = None) -> None:
    for one in batch:
        if one.done.done():  # whoever asked is gone
            continue
        if error:
            one.done.set_exception(error)
        else:
            one.done.set_result(None)
