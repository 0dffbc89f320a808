"""One-click unsubscribes: a real `pressrun serve`, and a mailbox provider that posts on kept connections."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from benchmarks.edition import KEY, LIST
from benchmarks.measure import Bar, Meter, Scale, Table, run_apart, say
from benchmarks.store import Kind, Store, filled_store, missing
from pressrun.delivery.event_loop import run
from pressrun.delivery.leave_link import Leave, make_leave_token
from pressrun.store.database import open_database
from pressrun.store.tables import memberships

CONNECTIONS = 100
WANTED = 1_000  # requests a second
_BODY = b"List-Unsubscribe=One-Click"
_HEAD = "POST /news/unsubscribe/{} HTTP/1.1\r\nHost: news.example.com\r\nContent-Length: 26\r\n"
_KIND = "Content-Type: application/x-www-form-urlencoded\r\n\r\n"


@dataclass(frozen=True)
class Job:
    """Where the server listens, and how many people leave."""

    port: int
    people: int


@dataclass(frozen=True)
class Load:
    """What a run of posts took: by the clock, each in seconds, and how many were not answered 200."""

    seconds: float
    each: Sequence[float]
    errors: int

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.each) / self.seconds

    def quantile(self, share: float) -> float:
        """The seconds within which this share was answered."""
        return sorted(self.each)[min(len(self.each) - 1, int(len(self.each) * share))]


def measure(root: Path, scale: Scale) -> list[Table]:
    """Let a fifth of the recipients leave, from a store of each kind."""
    people = scale.share(5)
    note = (
        f"{people:,} people leave by one-click (RFC 8058), each by a request of their own, on {CONNECTIONS} kept "
        "connections, from a process on the same machine. Each is answered when its departure is durable: left, "
        "consent withdrawn, event recorded."
    )
    rows = [("", "requests a second", "half within", "99 of 100 within", "errors", "server's CPU per request")]
    bars: list[Bar] = []
    absent: list[str] = []
    for kind in Kind:
        if why := missing(kind):
            absent.append(f"{kind}: {why}")
            continue
        say(f"One-click unsubscribes: {kind}")
        load, cpu = _hold(kind, people)
        shown = f"{cpu / people * 1e6:,.0f} µs" if cpu is not None else ""
        within = (f"{load.quantile(share) * 1e3:,.0f} ms" for share in (0.5, 0.99))
        rows.append((str(kind), f"{load.rate:,.0f}", *within, str(load.errors), shown))
        if kind is Kind.SQLITE:
            is_met = load.rate >= WANTED and not load.errors
            measured = f"{load.rate:,.0f}, {load.errors} errors"
            bars.append(Bar("one-click unsubscribes a second", f"{WANTED:,} without an error", measured, is_met))
    return [Table("One-click unsubscribes", note, tuple(rows), tuple(absent), tuple(bars))]


def _hold(kind: Kind, people: int) -> tuple[Load, float | None]:
    with filled_store(kind, people) as store, _served(store) as (server, port):
        meter = Meter("pressrun serve", server.pid)
        before = meter.read()
        load = run_apart(post_all, Job(port, people))
        after = meter.read()
        left = asyncio.run(_count_left(store))
        if left != people - load.errors:
            raise RuntimeError(f"{people - load.errors} were told that they left, {left} did")
    return load, None if before is None or after is None else after - before


@contextmanager
def _served(store: Store) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    with tempfile.TemporaryDirectory(prefix="pressrun-bench-") as folder:
        (Path(folder) / "issues").mkdir()
        (Path(folder) / "pressrun.toml").touch()
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "pressrun", "--workspace", folder, "serve", "--port", str(port)]
        known = {"PRESSRUN_DATABASE_URL": store.url, "PRESSRUN_SECRET_KEY": KEY.newest.secret.decode()}
        process = subprocess.Popen(command, env={**os.environ, **known}, stderr=subprocess.DEVNULL)
        try:
            _wait_for(f"http://127.0.0.1:{port}/health", process)
            yield process, port
        finally:
            process.terminate()
            process.wait()


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while process.poll() is None:
        try:
            with opener.open(address, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server ended")


async def _count_left(store: Store) -> int:
    query = sa.select(sa.func.count()).select_from(memberships).where(memberships.c.left_at.is_not(None))
    async with open_database(store.url) as database, database.read() as connection:
        return await connection.scalar(query) or 0


def post_all(job: Job) -> Load:
    """Let everybody leave, as a mailbox provider does who was told by many readers at once."""
    tokens = [make_leave_token(Leave(number, LIST), KEY) for number in range(1, job.people + 1)]
    requests = [(_HEAD + _KIND).format(token).encode() + _BODY for token in tokens]
    return run(_post_all(job.port, requests))


async def _post_all(port: int, requests: list[bytes]) -> Load:
    loop, each, errors = asyncio.get_running_loop(), [], [0]
    posters = [_Poster(requests, each, errors) for _ in range(min(CONNECTIONS, len(requests)))]
    started = time.perf_counter()
    for poster in posters:
        await loop.create_connection(lambda poster=poster: poster, "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.gather(*(poster.ended for poster in posters))
    return Load(time.perf_counter() - started, each, errors[0] + len(requests))


class _Poster(asyncio.Protocol):
    """Posts on one connection what is left of `requests`, one after the other's answer."""

    def __init__(self, requests: list[bytes], each: list[float], errors: list[int]) -> None:
        self._requests, self._each, self._errors = requests, each, errors
        self._begun, self._read = 0.0, b""
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._post()

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, found, body = self._read.partition(b"\r\n\r\n")
        if not found or len(body) < int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]):
            return
        self._each.append(time.perf_counter() - self._begun)
        self._errors[0] += not head.startswith(b"HTTP/1.1 200 ")
        self._read = b""
        self._post()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():  # in the middle of a request
            self._errors[0] += 1
            self.ended.set_result(None)

    def _post(self) -> None:
        if not self._requests:
            self.ended.set_result(None)
            self._transport.close()
            return
        self._begun = time.perf_counter()
        self._transport.write(self._requests.pop())
