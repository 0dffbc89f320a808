"""The receiver, a process of its own: what it accepts is on the disk before it answers, so its journal is the truth.

    python -m torture.receiver JOURNAL PORT    (0: any free port)

Speaks SMTP with PIPELINING (RFC 2920): commands that came together are answered together and in order. Reads orders
from its standard input, a line each: `plan {…}`, `go`, `stats`; reports on its standard output, a line of JSON each.
A sender that speaks out of turn (RFC 2920 §3.1) is written down too.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import re
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from torture.fault import ACCEPTING, Fault, FaultPlan, Kind, Step, plan_from_json

_MESSAGE_ID = re.compile(rb"^message-id:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_RECEIVED = re.compile(rb"\A(?:Received:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*)+")
_QUEUE_ID = re.compile(rb"\(Postfix\) with E?SMTPS? id (\w+)")
_ODD = b"hm \xff\xfe\x00 what\r\n"


class ClosedError(Exception):
    """The connection is over."""


class Receiver:
    """What all connections share: the plan, the journal, the counts."""

    def __init__(self, journal: Path) -> None:
        self.plan = FaultPlan()
        self.chance = random.Random(0)
        self.counts: Counter[str] = Counter()
        self.open = 0
        self.held: set[asyncio.Future[None]] = set()
        self._journal = os.open(journal, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o644)

    def follow(self, plan: FaultPlan) -> None:
        """From now on behave like this; what was counted stays."""
        self.plan, self.chance = plan, random.Random(plan.seed)
        self.counts["budget"] = plan.most

    def draw(self, step: Step) -> Kind | None:
        """What goes wrong at this step, this time."""
        kinds = [fault.kind for fault in self.plan.faults if fault.step is step]
        if not kinds or self.counts["budget"] <= 0 or self.chance.random() >= self.plan.rate:
            return None
        kind = self.chance.choice(kinds)
        self.counts["budget"] -= 1
        self.counts["faults"] += 1
        self.counts[str(Fault(step, kind))] += 1
        self.counts["broken"] += Fault(step, kind).may_leave_doubt
        return kind

    def write_down(self, **record: object) -> None:
        """Returns when the record is on the disk."""
        os.write(self._journal, json.dumps(record).encode() + b"\n")
        os.fdatasync(self._journal)

    def keep(self, recipient: str, content: bytes) -> None:
        """Take the responsibility for a message."""
        head, _, _ = content.partition(b"\r\n\r\n")
        received = _RECEIVED.match(content)
        found, queued = _MESSAGE_ID.search(head), _QUEUE_ID.search(received[0]) if received else None
        digest = hashlib.sha256(content[received.end() :] if received else content).hexdigest()[:16]
        self.write_down(
            id=found[1].decode() if found else "",
            to=recipient,
            queue=queued[1].decode() if queued else "",
            digest=digest,
        )
        self.counts["kept"] += 1

    async def before_answer(self) -> None:
        """Wait as the plan says; the message is safe, its sender doesn't know yet."""
        self.counts["dots"] += 1
        if self.plan.hold_every and self.counts["dots"] % self.plan.hold_every == 0:
            gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.held.add(gate)
            report(event="held")
            await gate
        if self.plan.delay:
            await asyncio.sleep(self.chance.uniform(0, self.plan.delay))

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hold one connection's conversation."""
        self.open += 1
        self.counts["connections"] += 1
        self.counts["most open"] = max(self.counts["most open"], self.open)
        try:
            with suppress(OSError, ClosedError):
                await Conversation(self, reader, writer).hold()
        finally:
            self.open -= 1
            writer.close()


class Conversation:
    """One connection; `sender` and `recipient` are None until they are accepted."""

    def __init__(self, receiver: Receiver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.receiver, self.reader, self.writer = receiver, reader, writer
        self.waiting = bytearray()
        self.replies = bytearray()
        self.sender: bytes | None = None
        self.recipient: str | None = None
        self.last_in_group = False  # the next command may not have been sent yet
        self.verbs: dict[bytes, Callable[[bytes], Awaitable[None]]] = {
            b"EHLO": self.greet, b"HELO": self.greet, b"MAIL": self.take_sender, b"RCPT": self.take_recipient,
            b"DATA": self.take_data, b"RSET": self.reset, b"QUIT": self.leave, b"NOOP": self.nothing,
        }  # fmt: skip

    async def hold(self) -> None:
        """Until either side has had enough."""
        await self.answer(Step.CONNECT, b"220 receiver.example.com ESMTP")
        self.last_in_group = True
        while True:
            self.must_be_silent(not self.receiver.plan.pipelining or self.last_in_group, "spoke before the answer")
            self.last_in_group = False
            line = await self.read_line()
            await self.verbs.get(line[:4].upper(), self.wonder)(line)

    def must_be_silent(self, required: bool, fault: str) -> None:
        """Write down a sender that sent more than it may have known it could."""
        if required and self.waiting:
            self.receiver.counts["out of turn"] += 1
            report(event="out of turn", fault=fault, sent=bytes(self.waiting[:60]).decode("latin-1"))

    async def read_line(self) -> bytes:
        """The next command; what is to be said goes out when there is nothing more to read (RFC 2920 §3.2)."""
        while (end := self.waiting.find(b"\r\n")) < 0:
            await self.flush()
            await self.read_more()
        line = bytes(self.waiting[:end])
        del self.waiting[: end + 2]
        return line

    async def read_more(self) -> None:
        data = await self.reader.read(65_536)
        if not data:
            raise ClosedError
        self.waiting += data

    async def flush(self) -> None:
        self.writer.write(bytes(self.replies))
        self.replies.clear()
        await self.writer.drain()

    async def answer(self, step: Step, good: bytes) -> bool:
        """Say what this step gets; whether it was the good answer."""
        kind = self.receiver.draw(step)
        if kind is None:
            self.replies += good + b"\r\n"
        else:
            await self.go_wrong(kind, good)
        return kind in (None, Kind.BYTEWISE)

    async def go_wrong(self, kind: Kind, good: bytes = b"") -> None:
        """Say and do what `kind` is."""
        match kind:
            case Kind.TEMPORARY:
                self.replies += b"451 4.3.0 come again later\r\n"
            case Kind.PERMANENT:
                self.replies += b"554 5.7.1 never\r\n"
            case Kind.GARBAGE | Kind.GARBAGE_ACCEPTED:
                self.replies += _ODD
            case Kind.BYTEWISE:
                await self.say_bytewise(good + b"\r\n")
            case Kind.STALL | Kind.STALL_ACCEPTED:
                await self.flush()
                while True:
                    await self.read_more()
            case Kind.CLOSING:
                self.replies += b"421 4.3.2 going down\r\n"
                await self.flush()
                raise ClosedError
            case Kind.REFUSE if good.startswith(b"220"):
                self.writer.transport.abort()
                raise ClosedError
            case Kind.REFUSE:
                self.replies += b"502 5.5.1 not known\r\n"
            case _:
                await self.flush()
                raise ClosedError

    async def say_bytewise(self, reply: bytes) -> None:
        await self.flush()
        for octet in reply:
            self.writer.write(bytes([octet]))
            await self.writer.drain()
            await asyncio.sleep(0.0005)

    async def greet(self, line: bytes) -> None:
        self.forget()
        self.must_be_silent(True, "spoke behind EHLO")
        if line[:4].upper() == b"HELO":
            self.replies += b"250 receiver.example.com\r\n"
        else:
            names = [b"receiver.example.com", b"8BITMIME", b"SMTPUTF8"]
            names += [b"PIPELINING"] if self.receiver.plan.pipelining else []
            await self.answer(
                Step.EHLO, b"\r\n".join([*(b"250-" + name for name in names), b"250 ENHANCEDSTATUSCODES"])
            )
        self.last_in_group = True

    async def take_sender(self, line: bytes) -> None:
        self.forget()
        if await self.answer(Step.MAIL, b"250 2.1.0 ok"):
            self.sender = line

    async def take_recipient(self, line: bytes) -> None:
        if self.sender is None:
            self.replies += b"503 5.5.1 MAIL first\r\n"
        elif await self.answer(Step.RCPT, b"250 2.1.5 ok"):
            self.recipient = line.partition(b"<")[2].partition(b">")[0].decode()

    async def take_data(self, line: bytes) -> None:
        unasked = self.recipient is None
        if unasked and not (self.receiver.plan.takes_data_unasked and self.sender is not None):
            self.replies += b"503 5.5.1 no valid recipients\r\n"
            return
        self.must_be_silent(True, "sent the message before 354")  # RFC 2920 §3.1: DATA ends its group
        if unasked:
            self.replies += b"354 go on\r\n"
        elif not await self.answer(Step.DATA, b"354 go on"):
            return
        await self.flush()
        content = await self.read_message()
        await self.end_message(content, unasked)

    async def read_message(self) -> bytes:
        """Everything up to the final dot, which is taken away, as is the stuffing."""
        if kind := self.receiver.draw(Step.BODY):
            await self.break_off(kind)
        while (end := (b"\r\n" + self.waiting).find(b"\r\n.\r\n")) < 0:
            await self.read_more()
        content = bytes(self.waiting[:end])
        del self.waiting[: end + 3]
        return content.replace(b"\r\n.", b"\r\n").removeprefix(b".")

    async def break_off(self, kind: Kind) -> None:
        """Go wrong after some of the message has come, and drop it."""
        enough = self.receiver.chance.randint(1, 10_000)
        while len(self.waiting) < enough and not self.waiting.endswith(b"\r\n.\r\n"):
            await self.read_more()
        await self.go_wrong(kind)
        await self.flush()
        raise ClosedError

    async def end_message(self, content: bytes, unasked: bool) -> None:
        """What the final dot gets."""
        kind = None if unasked else self.receiver.draw(Step.DOT)
        recipient = self.recipient or ""
        self.forget()
        if unasked:
            self.replies += b"554 5.5.1 no valid recipients\r\n"
            return
        if kind is None or kind in ACCEPTING:
            self.receiver.keep(recipient, content)
            await self.receiver.before_answer()
        good = b"250 2.0.0 taken"
        if kind is None:
            self.replies += good + b"\r\n"
        else:
            await self.go_wrong(kind, good)

    def forget(self) -> None:
        self.sender = self.recipient = None

    async def reset(self, line: bytes) -> None:
        self.forget()
        self.replies += b"250 2.0.0 ok\r\n"

    async def nothing(self, line: bytes) -> None:
        self.replies += b"250 2.0.0 ok\r\n"

    async def leave(self, line: bytes) -> None:
        self.replies += b"221 2.0.0 bye\r\n"
        await self.flush()
        raise ClosedError

    async def wonder(self, line: bytes) -> None:
        self.receiver.counts["out of turn"] += 1
        report(event="out of turn", fault="no command", sent=line[:60].decode("latin-1"))
        self.replies += b"500 5.5.2 what?\r\n"


def report(**event: Any) -> None:
    """Tell whoever started this process."""
    print(json.dumps(event), flush=True)


async def obey(receiver: Receiver) -> None:
    """Follow the orders on standard input until it ends."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := (await reader.readline()).decode().strip():
        word, _, rest = line.partition(" ")
        match word:
            case "plan":
                receiver.follow(plan_from_json(rest))
                report(event="plan")
            case "go":
                for gate in receiver.held:
                    gate.set_result(None)
                receiver.held.clear()
            case "stats":
                report(event="stats", **receiver.counts)


async def receive(journal: Path, port: int) -> None:
    """Listen until standard input ends."""
    receiver = Receiver(journal)
    server = await asyncio.start_server(receiver.take, "127.0.0.1", port, backlog=256)
    report(event="listening", port=server.sockets[0].getsockname()[1])
    await obey(receiver)
    os._exit(0)  # connections that stall are not worth waiting for


if __name__ == "__main__":
    asyncio.run(receive(Path(sys.argv[1]), int(sys.argv[2])))
