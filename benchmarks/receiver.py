"""Where contenders deliver to: Postfix's smtp-sink, or else a bare sink here; either in a process of its own."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection

from benchmarks.measure import Meter

HOST = "127.0.0.1"
_START_SECONDS = 10
_GREETING = b"250-sink.example.com\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"


@dataclass(frozen=True)
class Receiver:
    """A receiver that answers 250 to everything and keeps nothing; the meter reads the CPU of its process."""

    name: str
    port: int
    meter: Meter


def find_postfix(program: str) -> str | None:
    """Where a program of Postfix's is; it is often on nobody's PATH."""
    return shutil.which(program, path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin")))


def missing_postfix(program: str) -> str:
    """Why that program can't take part; empty if it can."""
    return "" if find_postfix(program) else "Postfix is not installed (Debian: apt install postfix)"


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver that runs until the end of the block."""
    program = find_postfix("smtp-sink")
    with _smtp_sink(program) if program else own_sink() as found:
        yield found


@contextmanager
def _smtp_sink(program: str) -> Iterator[Receiver]:
    port = _free_port()
    user = ["-u", "nobody"] if os.geteuid() == 0 else []  # it refuses to run as root
    process = subprocess.Popen([program, *user, f"{HOST}:{port}", "1000"])
    try:
        _await_port(port)
        yield Receiver("Postfix's smtp-sink", port, Meter("receiver", process.pid))
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as server:
        return int(server.getsockname()[1])


def _await_port(port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            socket.create_connection((HOST, port)).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.02)


@contextmanager
def own_sink() -> Iterator[Receiver]:
    """The bare sink, for machines without Postfix."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there,), daemon=True)
    process.start()
    try:
        if not here.poll(_START_SECONDS):
            raise TimeoutError("the benchmark's sink did not start")
        assert process.pid
        yield Receiver("the benchmark's own asyncio sink", here.recv(), Meter("receiver", process.pid))
    finally:
        process.terminate()
        process.join()


def _serve(connection: Connection) -> None:
    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(Sink, HOST, 0)
        connection.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


class Sink(asyncio.Protocol):
    """As little SMTP as a sender needs: commands are hardly read, messages not at all but for their end."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._in_message = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"220 sink.example.com\r\n")

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while self._pass_message() if self._in_message else self._answer_command():
            pass

    def _pass_message(self) -> bool:
        end = self._waiting.find(b"\r\n.\r\n")
        if end < 0:
            del self._waiting[:-4]  # what may be the start of the end
            return False
        del self._waiting[: end + 5]
        self._in_message = False
        self._transport.write(b"250 2.0.0 Ok\r\n")
        return True

    def _answer_command(self) -> bool:
        line, end, rest = bytes(self._waiting).partition(b"\r\n")
        if not end:
            return False
        self._waiting = bytearray(rest)
        match line[:4].upper():
            case b"EHLO":
                self._transport.write(_GREETING)
            case b"DATA":
                self._in_message = True
                self._waiting[:0] = end  # a message may be nothing but its final dot
                self._transport.write(b"354 go on\r\n")
            case b"QUIT":
                self._transport.write(b"221 2.0.0 Bye\r\n")
                self._transport.close()
            case _:
                self._transport.write(b"250 2.0.0 Ok\r\n")
        return True
