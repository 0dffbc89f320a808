"""The receiver of a rehearsal: speaks SMTP on 127.0.0.1, hurts as it is told, and keeps what it takes in a box."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

from pressrun.rehearsal.box import Box
from pressrun.rehearsal.faults import Blow, Faults

HOST = "127.0.0.1"
MOST_OCTETS = 64 * 1024 * 1024
"""The largest message it takes."""

_GREETING = b"220 rehearsal.localhost ESMTP\r\n"
_EHLO = (
    b"250-rehearsal.localhost\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"
    b"250-SIZE %d\r\n250 ENHANCEDSTATUSCODES\r\n" % MOST_OCTETS
)
_NO_ROOM = "no room"


class Receiver:
    """What all connections share. `struck` counts what was done to tries; `kept` the messages in the box.

    Where `halt_at` is set, the message with that number is kept and never answered: `halted` is called instead.
    """

    def __init__(self, box: Box, faults: Faults, chance: random.Random) -> None:
        self.faults, self.chance = faults, chance
        self.kept = 0
        self.struck: Counter[str] = Counter()
        self.halt_at: int | None = None
        self.halted: Callable[[], None] = lambda: None
        self.open: set[asyncio.Transport] = set()
        self._box = box
        self._slow: dict[str, bool] = {}

    def keep(self, recipient: str, content: bytes) -> bool:
        """Take a message; False where the disk has no room for it."""
        try:
            self._box.add(recipient, content)
        except OSError:
            self.struck[_NO_ROOM] += 1
            return False
        self.kept += 1
        return True

    def delay_for(self, recipient: str) -> float:
        """Seconds that the answer to a message for `recipient` takes."""
        domain = recipient.rpartition("@")[2]
        slow = self._slow.get(domain)
        if slow is None:
            slow = self._slow[domain] = self.faults.is_slow(domain)
        self.struck["slow"] += slow
        return self.faults.slow_seconds if slow else 0.0


class _Conversation(asyncio.Protocol):
    """One connection. Commands that came together are answered together and in order (RFC 2920)."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._buffer = bytearray()
        self._replies: list[bytes] = []
        self._recipient: str | None = None
        self._blow: Blow | None = None
        self._is_in_message = self._is_silent = False
        self._looked = 0  # up to here no end of the message was found

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet; called by the event loop."""
        self._transport = cast(asyncio.Transport, transport)
        self._receiver.open.add(self._transport)
        self._transport.write(_GREETING)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection; called by the event loop."""
        self._is_silent = True
        self._receiver.open.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        """Take what came; called by the event loop."""
        self._buffer += data
        if len(self._buffer) > MOST_OCTETS:
            self._transport.abort()
        else:
            self._work()

    def _work(self) -> None:
        while not self._is_silent and (self._take_message() if self._is_in_message else self._take_command()):
            pass
        if self._replies:
            self._transport.write(b"".join(self._replies))
            self._replies.clear()

    def _take_command(self) -> bool:
        """Answer one command; False where none has come whole."""
        end = self._buffer.find(b"\r\n")
        if end < 0:
            return False
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        if reply := self._obey(line):
            self._replies.append(reply)
        return True

    def _obey(self, line: bytes) -> bytes:
        match line[:4].upper():
            case b"MAIL":
                self._recipient = None
                return b"250 2.1.0 ok\r\n"
            case b"RCPT":
                return self._take_recipient(line)
            case b"DATA":
                return self._begin_message()
            case b"EHLO":
                return _EHLO
            case b"HELO" | b"RSET" | b"NOOP":
                self._recipient = None
                return b"250 2.0.0 ok\r\n"
            case b"QUIT":
                self._cut(b"221 2.0.0 bye\r\n")
                return b""
            case _:
                return b"500 5.5.2 not known\r\n"

    def _take_recipient(self, line: bytes) -> bytes:
        receiver = self._receiver
        self._blow = receiver.faults.draw(receiver.chance)
        if self._blow is not None:
            receiver.struck[self._blow.value] += 1
        if self._blow is Blow.TEMPORARY:
            return b"451 4.7.1 rehearsed: come again later\r\n"
        if self._blow is Blow.PERMANENT:
            return b"550 5.1.1 rehearsed: no such mailbox\r\n"
        self._recipient = line.partition(b"<")[2].rpartition(b">")[0].decode(errors="replace")
        return b"250 2.1.5 ok\r\n"

    def _begin_message(self) -> bytes:
        if self._recipient is None:
            return b"503 5.5.1 no valid recipients\r\n"
        if self._blow is Blow.CUT_BEFORE:
            self._cut(b"")
            return b""
        self._is_in_message, self._looked = True, 0
        return b"354 go on\r\n"

    def _take_message(self) -> bool:
        """Answer a message; False where it has not come whole."""
        end = 0  # where its final dot is
        if not self._buffer.startswith(b".\r\n"):
            found = self._buffer.find(b"\r\n.\r\n", self._looked)
            if found < 0:
                self._looked = max(0, len(self._buffer) - 4)
                return False
            end = found + 2
        content = bytes(self._buffer[:end])
        del self._buffer[: end + 3]
        self._is_in_message = False
        self._end_message(content.replace(b"\r\n.", b"\r\n").removeprefix(b"."))
        return True

    def _end_message(self, content: bytes) -> None:
        receiver, recipient = self._receiver, self._recipient or ""
        self._recipient = None
        if not receiver.keep(recipient, content):
            self._replies.append(b"452 4.3.1 no room on the disk\r\n")
        elif receiver.kept == receiver.halt_at:
            self._is_silent = True
            receiver.halted()
        elif self._blow is Blow.CUT_AFTER:
            self._cut(b"")
        elif seconds := receiver.delay_for(recipient):
            self._is_silent = True
            asyncio.get_running_loop().call_later(seconds, self._answer_late)
        else:
            self._replies.append(b"250 2.0.0 kept\r\n")

    def _answer_late(self) -> None:
        if self._transport.is_closing():
            return
        self._is_silent = False
        self._replies.append(b"250 2.0.0 kept\r\n")
        self._work()

    def _cut(self, last: bytes) -> None:
        """Say what is left to be said, and close."""
        self._is_silent = True
        self._transport.write(b"".join((*self._replies, last)))
        self._replies.clear()
        self._transport.close()


@asynccontextmanager
async def receive(receiver: Receiver) -> AsyncIterator[int]:
    """Listen at a free port of 127.0.0.1 while the block runs; gives the port."""
    server = await asyncio.get_running_loop().create_server(lambda: _Conversation(receiver), HOST, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for transport in tuple(receiver.open):
            transport.abort()
        await server.wait_closed()
