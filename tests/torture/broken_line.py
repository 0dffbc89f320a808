"""A line between sender and relay that breaks: connections are cut after so many octets, or go deaf before."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

_PIECE = 16_384


@dataclass
class BrokenLine:
    """Connections to `target` pass through `port`; once `is_good`, they are left alone.

    Each breaks after a number of octets from the sender drawn evenly up to `longest`. One in two is deaf before that:
    for its last fifth nothing the relay says comes back, while what the sender says still gets through.
    """

    target: int
    chance: random.Random
    longest: int = 150_000
    port: int = 0
    broken: int = 0
    is_good: bool = False
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until it ends or breaks."""
        task = asyncio.current_task()
        assert task
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        with suppress(OSError, asyncio.CancelledError):
            there_reader, there = await asyncio.open_connection("127.0.0.1", self.target)
            hearing = asyncio.Event()
            hearing.set()
            back = asyncio.create_task(_carry_back(there_reader, writer, hearing))
            try:
                await self._carry_out(reader, there, hearing)
            finally:
                back.cancel()
                there.transport.abort()
                writer.transport.abort()

    async def _carry_out(
        self, reader: asyncio.StreamReader, there: asyncio.StreamWriter, hearing: asyncio.Event
    ) -> None:
        left = 1 << 60 if self.is_good else self.chance.randint(1, self.longest)
        deaf_below = left // 5 if self.chance.random() < 0.5 else 0
        while data := await reader.read(min(left, _PIECE)):
            left -= len(data)
            if left < deaf_below:
                hearing.clear()
            there.write(data)
            await there.drain()
            if left <= 0:
                self.broken += 1
                await asyncio.sleep(self.chance.uniform(0, 0.02))  # let some of the answers be on their way
                return
        if not hearing.is_set():
            self.broken += 1


async def _carry_back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, hearing: asyncio.Event) -> None:
    with suppress(OSError):
        while data := await reader.read(_PIECE):
            if hearing.is_set():
                writer.write(data)
        writer.close()


@asynccontextmanager
async def broken_line(target: int, chance: random.Random) -> AsyncIterator[BrokenLine]:
    """A line to `target` while the block runs."""
    line = BrokenLine(target, chance)
    server = await asyncio.start_server(line.carry, "127.0.0.1", 0)
    line.port = server.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        server.close()
        for task in tuple(line.tasks):
            task.cancel()
        await asyncio.gather(*line.tasks, return_exceptions=True)
