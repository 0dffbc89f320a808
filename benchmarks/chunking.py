"""BDAT (RFC 3030) against pipelined DATA, on a real Postfix: whether delivery should use CHUNKING where it is offered.

Either way one message is in flight on a connection and takes one round trip. Behind DATA's final dot rides the next
envelope; BDAT goes out with its own, before the answer to RCPT is known.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.distance import DELAY, SIZE
from benchmarks.edition import address, fill, make_edition
from benchmarks.measure import Contender, Contest, Meter, Result, Sample, Scale, Table, begin, hold
from benchmarks.proxy import distant
from benchmarks.receiver import HOST, Receiver, missing_postfix

if TYPE_CHECKING:
    from tests.private_postfix import PrivatePostfix

_NOTE = (
    "A bare asyncio client that sends the same {octets:,} octets over and over to Postfix, which queues them on "
    "disk and throws them away: {messages:,} messages on {connections} connections. It is no part of pressrun, whose "
    "choice of DATA rests on this."
)


@dataclass(frozen=True)
class Job:
    """What is sent, how often and where; `port` is Postfix's or the proxy's before it."""

    message: bytes
    messages: int
    connections: int
    port: int
    postfix: PrivatePostfix


@dataclass(frozen=True)
class Line:
    """One connection, lines and replies."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def expect(self, *codes: bytes) -> None:
        """Read a reply for each of `codes`, which it must have."""
        for code in codes:
            while (line := await self.reader.readline())[3:4] == b"-":
                pass
            if line[:3] != code:
                raise RuntimeError(f"Postfix said {line!r} where {code!r} was due")


def measure(root: Path, scale: Scale) -> list[Result | Table]:
    """Hold the contest nearby and at a distance."""
    if reason := _missing():
        return [Table("BDAT against DATA", "", (), (f"either: {reason}",))]
    from tests.private_postfix import private_postfix

    with ExitStack() as stack:
        postfix = stack.enter_context(private_postfix(connections=scale.connections * 2))
        near = Receiver("Postfix", postfix.port, Meter("Postfix", 0))
        far = stack.enter_context(distant(near, DELAY))
        return [
            _hold(place, end.port, postfix, scale) for place, end in (("nearby", near), ("at a distance of 20 ms", far))
        ]


def _missing() -> str:
    return missing_postfix("postfix") or ("Postfix starts only as root" if os.geteuid() else "")


def _hold(place: str, port: int, postfix: PrivatePostfix, scale: Scale) -> Result:
    message = fill(make_edition(SIZE))
    job = Job(message, scale.share(50), scale.connections, port, postfix)
    note = _NOTE.format(octets=len(message), messages=job.messages, connections=job.connections)
    return hold(Contest(f"DATA against BDAT, {place}", "message", note, job, CONTENDERS), scale.rounds)


def send_by(job: Job, talk: Callable[[Line, Job, int], Awaitable[None]]) -> Sample:
    """Send all messages the one way or the other; then let Postfix finish."""
    sample = asyncio.run(_send_all(job, talk))
    job.postfix.wait_until_empty(120)
    return sample


async def _send_all(job: Job, talk: Callable[[Line, Job, int], Awaitable[None]]) -> Sample:
    each, more = divmod(job.messages, job.connections)
    started = begin()
    async with asyncio.TaskGroup() as group:
        for number in range(job.connections):
            group.create_task(_connect(job, talk, each + (number < more)))
    return started.until_now(job.messages)


async def _connect(job: Job, talk: Callable[[Line, Job, int], Awaitable[None]], messages: int) -> None:
    line = Line(*await asyncio.open_connection(HOST, job.port))
    await line.expect(b"220")
    line.writer.write(b"EHLO bench.example.com\r\n")
    await line.expect(b"250")
    await talk(line, job, messages)
    line.writer.write(b"QUIT\r\n")
    await line.expect(b"221")
    line.writer.close()


_ENVELOPE = f"MAIL FROM:<bulletin@example.com>\r\nRCPT TO:<{address(0)}>\r\n".encode()


async def talk_data(line: Line, job: Job, messages: int) -> None:
    """DATA, the next envelope behind the dot (RFC 2920 §3.1)."""
    head, body = _ENVELOPE + b"DATA\r\n", job.message.replace(b"\r\n.", b"\r\n..") + b".\r\n"
    line.writer.write(head)
    for left in reversed(range(messages)):
        await line.expect(b"250", b"250", b"354")
        line.writer.write(body + head if left else body)
        await line.expect(b"250")


async def talk_bdat(line: Line, job: Job, messages: int) -> None:
    """BDAT in one chunk, with its envelope in front (RFC 3030 §2)."""
    whole = _ENVELOPE + f"BDAT {len(job.message)} LAST\r\n".encode() + job.message
    for _ in range(messages):
        line.writer.write(whole)
        await line.expect(b"250", b"250", b"250")


CONTENDERS = (Contender("DATA", partial(send_by, talk=talk_data)), Contender("BDAT", partial(send_by, talk=talk_bdat)))
