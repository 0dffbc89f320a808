"""A proxy that makes a receiver distant: every octet comes a while later, in order, in either direction."""

from __future__ import annotations

import asyncio
import multiprocessing
import selectors
import socket
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from statistics import median

from benchmarks.measure import Meter
from benchmarks.receiver import HOST, Receiver

_START_SECONDS = 20


@contextmanager
def distant(receiver: Receiver, delay: float) -> Iterator[Receiver]:
    """`receiver` behind a proxy that keeps each octet for `delay` seconds, until the end of the block.

    What is given has the proxy's process in it: its meter tells the proxy's CPU.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, receiver.port, delay), daemon=True)
    process.start()
    try:
        if not here.poll(_START_SECONDS):
            raise TimeoutError("the benchmark's proxy did not start")
        assert process.pid
        yield Receiver(receiver.name, here.recv(), Meter("proxy", process.pid))
    finally:
        process.terminate()
        process.join()


def round_trip(port: int) -> float:
    """How long a command's answer takes, in seconds: the median of a few."""
    with socket.create_connection((HOST, port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.recv(1024)
        return median(_ask(connection) for _ in range(9))


def _ask(connection: socket.socket) -> float:
    started = time.perf_counter()
    connection.sendall(b"NOOP\r\n")
    connection.recv(1024)
    return time.perf_counter() - started


def _serve(ready: Connection, port: int, delay: float) -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(partial(Near, loop, port, delay), HOST, 0)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    # Not epoll, which rounds a wait up to the next millisecond.
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        runner.run(run())


class _Lag:
    """What one direction has under way; a timer runs while there is anything."""

    def __init__(self, loop: asyncio.AbstractEventLoop, delay: float) -> None:
        self._loop, self._delay = loop, delay
        self._under_way: deque[tuple[float, bytes | None]] = deque()
        self._out: asyncio.Transport | None = None

    def lead_to(self, transport: asyncio.Transport) -> None:
        self._out = transport
        if self._under_way:
            self._arrive()

    def put(self, data: bytes | None) -> None:
        """Let `data` arrive in a while; None is the connection's end."""
        self._under_way.append((self._loop.time() + self._delay, data))
        if len(self._under_way) == 1 and self._out:
            self._loop.call_later(self._delay, self._arrive)

    def _arrive(self) -> None:
        assert self._out
        while self._under_way and self._under_way[0][0] <= self._loop.time():
            _, data = self._under_way.popleft()
            if data is None:
                self._out.close()
            else:
                self._out.write(data)
        if self._under_way:
            self._loop.call_at(self._under_way[0][0], self._arrive)


class _End(asyncio.Protocol):
    """One end of a connection: what it takes in goes the way of `lag`."""

    def __init__(self, lag: _Lag) -> None:
        self.lag = lag

    def data_received(self, data: bytes) -> None:
        self.lag.put(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lag.put(None)


class Near(_End):
    """The sender's end, which opens the far one."""

    def __init__(self, loop: asyncio.AbstractEventLoop, port: int, delay: float) -> None:
        super().__init__(_Lag(loop, delay))
        self._loop, self._port, self._back = loop, port, _Lag(loop, delay)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._back.lead_to(transport)
        self._opening = self._loop.create_task(self._open())

    async def _open(self) -> None:
        far, _ = await self._loop.create_connection(lambda: _End(self._back), HOST, self._port)
        self.lag.lead_to(far)
