"""The open line to a relay: octets go out as they are given, replies come in and wait in order to be asked for."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable

from pressrun.delivery.reply import Reply, ReplyError, ReplyReader


class LostError(Exception):
    """The line is gone, or what comes over it makes no sense."""


class TimeOutError(LostError):
    """The relay said nothing in time; `unsent` octets had not even left this machine."""

    def __init__(self, reason: str, unsent: int) -> None:
        super().__init__(reason)
        self.unsent = unsent


class Line(asyncio.Protocol):
    """An SMTP connection beyond its opening; one task at a time may wait for a reply."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._reader = ReplyReader()
        self._replies: deque[Reply] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._lost: LostError | None = LostError("connection lost") if transport.is_closing() else None
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        transport.set_protocol(self)

    @property
    def is_open(self) -> bool:
        """Whether more may be said."""
        return self._lost is None and not self._transport.is_closing()

    @property
    def has_replies(self) -> bool:
        """Whether the relay said something that nobody has asked for yet."""
        return bool(self._replies)

    @property
    def unsent(self) -> int:
        """How many octets have not left yet."""
        return self._transport.get_write_buffer_size()

    def write(self, octets: bytes) -> None:
        """Let `octets` go out, after those given before."""
        self._transport.write(octets)

    def write_all(self, pieces: Iterable[bytes]) -> None:
        """Let `pieces` go out one after another, without a copy of them all."""
        self._transport.writelines(pieces)

    def take_reply(self) -> Reply | None:
        """A reply that has come already."""
        return self._replies.popleft() if self._replies else None

    async def reply(self, seconds: float) -> Reply:
        """The next reply, within `seconds`. Raises LostError; what came before the loss is given first."""
        if self._replies:
            return self._replies.popleft()
        if self._lost is not None:
            raise self._lost
        self._waiter = self._loop.create_future()
        self._watch(seconds)
        try:
            await self._waiter
        finally:
            self._waiter = None
        if self._replies:
            return self._replies.popleft()
        raise self._lost or LostError("connection lost")

    def abort(self) -> None:
        """Cut the line: the relay drops what had no final dot (RFC 5321 §4.1.1.4)."""
        self._lose(LostError("connection cut"))

    def data_received(self, data: bytes) -> None:
        """Read what came; called by the event loop."""
        try:
            self._replies.extend(self._reader.read(data))
        except ReplyError as error:
            self._lose(LostError(str(error)))
            return
        if self._replies:
            self._wake()

    def eof_received(self) -> bool:
        """The relay closes: so do we; called by the event loop."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """End the wait, if anyone waits; called by the event loop."""
        self._lose(LostError(str(exc) if exc and str(exc) else "connection lost"))

    def _lose(self, error: LostError) -> None:
        if self._lost is None:
            self._lost = error
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._transport.abort()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _watch(self, seconds: float) -> None:
        # A timer for each wait would cost more than all else here: one is kept, and looks again when it is early.
        self._deadline = self._loop.time() + seconds
        if self._timer is None or self._timer.when() > self._deadline:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(self._deadline, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        if self._loop.time() < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._look)
        else:
            self._lose(TimeOutError("timed out", self.unsent))
