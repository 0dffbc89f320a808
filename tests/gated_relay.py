"""A relay that holds its answer to each message back until it is let: a delivery stands still where a test wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from patience import HUNG


@dataclass
class GatedRelay:
    """`held` counts messages whose final dot has come; `let` allows that many more of them their answer."""

    port: int = 0
    held: int = 0
    taken: list[str] = field(default_factory=list)
    _permits: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    _came: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def unused(self) -> int:
        """How many answers are allowed that no message has yet waited for."""
        return self._permits._value

    def let(self, count: int) -> None:
        for _ in range(count):
            self._permits.release()

    async def wait_for(self, count: int) -> None:
        """Until so many final dots have come in all."""
        async with asyncio.timeout(HUNG), self._came:
            await self._came.wait_for(lambda: self.held >= count)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        async with self._came:
            self.held += 1
            self._came.notify_all()
        await self._permits.acquire()
        self.taken += envelope.rcpt_tos
        return "250 2.0.0 taken"


@asynccontextmanager
async def gated_relay() -> AsyncIterator[GatedRelay]:
    """A GatedRelay that listens on 127.0.0.1 while the block runs."""
    relay = GatedRelay()
    loop = asyncio.get_running_loop()
    made: list[Any] = []

    def make() -> SMTP:
        made.append(SMTP(relay, hostname="relay.example.com", loop=loop))
        return made[-1]

    server = await loop.create_server(make, "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
        for one in made:
            if one.transport is not None:
                one.transport.abort()
            if one._handler_coroutine is not None:
                one._handler_coroutine.cancel()
                with suppress(asyncio.CancelledError):
                    await one._handler_coroutine
