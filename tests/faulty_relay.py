"""A relay for tests that fails as it is told: every byte of its answers can be chosen, every step can be cut short.

It writes down durably what it accepted *before* it says 250, so that its journal is the truth about who got what.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from enum import StrEnum
from pathlib import Path

from pressrun.delivery.relay import Relay, Starttls


class Step(StrEnum):
    """Where in a transaction something is said; CONNECT and EHLO come once for a connection."""

    CONNECT = "connect"
    EHLO = "ehlo"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"  # after the first octets of the message
    DOT = "dot"
    RSET = "rset"


class Then(StrEnum):
    """What the relay does once it has answered."""

    GO_ON = "go on"
    CLOSE = "close"
    STALL = "stall"


@dataclass(frozen=True)
class Answer:
    """What the relay says at a step, byte by byte if asked; `keeps`: whether it accepts the message all the same."""

    reply: bytes = b""
    then: Then = Then.GO_ON
    bytewise: bool = False
    keeps: bool = False


Script = Mapping[Step, Answer]
"""The answers of one transaction that differ from a good relay's."""

CLOSE = Answer(then=Then.CLOSE)
STALL = Answer(then=Then.STALL)
GOOD: Script = {}


def say(reply: bytes, then: Then = Then.GO_ON) -> Answer:
    return Answer(reply + b"\r\n", then)


@dataclass(frozen=True)
class Accepted:
    """A message the relay is responsible for, its dots unstuffed."""

    sender: str
    recipient: str
    content: bytes

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.content, policy=policy.default)  # type: ignore[return-value]

    @property
    def message_id(self) -> str:
        return str(self.message["Message-ID"])


@dataclass
class FaultyRelay:
    """A listening relay; `script` gives one transaction after another what goes wrong, then all goes well."""

    script: Iterator[Script] = field(default_factory=lambda: iter(()))
    extensions: tuple[bytes, ...] = (b"8BITMIME", b"SMTPUTF8")
    goes_on_without_recipient: bool = False
    """Whether it says 354 to a DATA that came behind a refused MAIL or RCPT, as RFC 2920 allows."""
    most_connections: int = 1_000
    journal: Path | None = None
    port: int = 0
    accepted: list[Accepted] = field(default_factory=list)
    commands: list[bytes] = field(default_factory=list)
    connections: int = 0
    open: int = 0
    most_open: int = 0
    raw: list[bytes] = field(default_factory=list)
    """Messages as they came, still stuffed, up to and without the final dot."""

    @property
    def relay(self) -> Relay:
        return Relay("127.0.0.1", self.port, starttls=Starttls.NEVER)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def counts(self) -> Counter[str]:
        """How many messages each recipient got."""
        return Counter(one.recipient for one in self.accepted)

    def keep(self, accepted: Accepted) -> None:
        self.accepted.append(accepted)
        if self.journal is not None:
            row = [accepted.message_id, accepted.recipient, len(accepted.content)]
            with self.journal.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
                file.flush()
                os.fdatasync(file.fileno())

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        self.most_open = max(self.open, self.most_open)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, _ClosedError):
                await _Conversation(self, reader, writer).hold()
        finally:
            self.open -= 1
            writer.close()


class _ClosedError(Exception):
    pass


class _Conversation:
    def __init__(self, relay: FaultyRelay, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.relay, self.reader, self.writer = relay, reader, writer
        self.script: Script = next(relay.script, GOOD)
        self.used = False
        self.sender = self.recipient = ""
        self.refused = False

    async def hold(self) -> None:
        if self.relay.open > self.relay.most_connections:
            await self.say(say(b"421 4.7.0 too many connections", Then.CLOSE))
        await self.answer(Step.CONNECT, b"220 relay.example.com ESMTP\r\n")
        while True:
            line = (await self.reader.readuntil(b"\r\n")).rstrip(b"\r\n")
            self.relay.commands.append(line)
            await self.obey(line)

    async def obey(self, line: bytes) -> None:
        match line[:4].upper():
            case b"EHLO":
                names = (b"relay.example.com", *self.relay.extensions)
                lines = [b"250-" + name for name in names[:-1]] + [b"250 " + names[-1]]
                await self.answer(Step.EHLO, b"\r\n".join(lines) + b"\r\n")
            case b"HELO" | b"NOOP":
                await self.say(say(b"250 relay.example.com"))
            case b"MAIL":
                if self.used:
                    self.script = next(self.relay.script, GOOD)
                self.used = True
                self.sender = line.partition(b"<")[2].partition(b">")[0].decode()
                self.refused = False
                await self.take_or_refuse(Step.MAIL, b"250 2.1.0 ok\r\n")
            case b"RCPT":
                self.recipient = line.partition(b"<")[2].rpartition(b">")[0].decode()
                await self.take_or_refuse(Step.RCPT, b"250 2.1.5 ok\r\n")
            case b"DATA":
                await self.take_data()
            case b"RSET":
                await self.answer(Step.RSET, b"250 2.0.0 ok\r\n")
            case b"QUIT":
                await self.say(say(b"221 2.0.0 bye", Then.CLOSE))
            case _:
                await self.say(say(b"500 5.5.2 what?"))

    async def take_data(self) -> None:
        if self.refused and not self.relay.goes_on_without_recipient:
            await self.say(say(b"503 5.5.1 no valid recipients"))
        elif (await self.answer(Step.DATA, b"354 go on\r\n")).startswith(b"3"):
            await self.take_message()

    async def take_or_refuse(self, step: Step, good: bytes) -> None:
        if self.refused:
            await self.say(say(b"503 5.5.1 MAIL first"))
        else:
            self.refused = not (await self.answer(step, good)).startswith(b"2")

    async def take_message(self) -> None:
        body = b""
        if Step.BODY in self.script:
            body = await self.reader.read(1)
            await self.say(self.script[Step.BODY])
        while not (b"\r\n" + body).endswith(b"\r\n.\r\n"):
            body += await self.reader.readuntil(b"\r\n")
        self.relay.raw.append(body[:-3])
        if self.refused:
            await self.say(say(b"554 5.5.1 no valid recipients"))
            return
        content = body[:-3].replace(b"\r\n.", b"\r\n").removeprefix(b".")
        answer = self.script.get(Step.DOT, say(b"250 2.0.0 taken"))
        if answer.keeps or answer.reply.startswith(b"2"):
            self.relay.keep(Accepted(self.sender, self.recipient, content))
        await self.say(answer)

    async def answer(self, step: Step, good: bytes) -> bytes:
        answer = self.script.get(step, Answer(good))
        await self.say(answer)
        return answer.reply

    async def say(self, answer: Answer) -> None:
        pieces = [bytes([octet]) for octet in answer.reply] if answer.bytewise else [answer.reply]
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            if answer.bytewise:
                await asyncio.sleep(0)
        if answer.then is Then.CLOSE:
            raise _ClosedError
        if answer.then is Then.STALL:
            while await self.reader.read(65_536):
                pass
            raise _ClosedError


@asynccontextmanager
async def faulty_relay(
    script: Iterable[Script] = (), *, port: int = 0, journal: Path | None = None, **changes: object
) -> AsyncIterator[FaultyRelay]:
    """A FaultyRelay that listens on 127.0.0.1 while the block runs."""
    relay = FaultyRelay(iter(script), journal=journal, **changes)  # type: ignore[arg-type]
    tasks: set[asyncio.Task[None]] = set()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await relay.take(reader, writer)
        except asyncio.CancelledError:
            pass
        finally:
            tasks.discard(task)

    server = await asyncio.start_server(take, "127.0.0.1", port, limit=1 << 22)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tuple(tasks), return_exceptions=True)


def read_journal(file: Path) -> Counter[str]:
    """How many messages each recipient got, by the relay's own journal."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return Counter(json.loads(line)[1] for line in lines)
