"""A receiver of webhooks for tests: a real HTTP server that answers as it is told and keeps what it was sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def answer(code: int, *headers: str, body: str = "") -> bytes:
    lines = [f"HTTP/1.1 {code} Told", f"Content-Length: {len(body.encode())}", *headers, "", body]
    return "\r\n".join(lines).encode()


@dataclass
class Request:
    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """`script` holds the answers to come; without one, 200. An empty answer means that none is given."""

    script: list[bytes] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.requests.append(Request(head[0], headers, body))
        said = self.script.pop(0) if self.script else OK
        writer.write(said)
        if not said:
            await reader.read()  # until the client has had enough
        writer.close()


@asynccontextmanager
async def receiver(script: Iterable[bytes] = ()) -> AsyncIterator[Receiver]:
    """One on a free port of this machine."""
    made = Receiver([*script])
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        yield made
