"""Posts one signed message to one webhook, within bounds of time, size and place, and tells what came of it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

import httpcore

from pressrun import __version__
from pressrun.delivery.outcome import one_line
from pressrun.public_network import PublicNetwork, Resolve, resolve

SECONDS = 15.0
"""How long a receiver may take in all: from looking up its name to the end of what is read of its answer."""

MOST_OCTETS = 4_096
"""How much of an answer is read: it is kept for whoever looks for a fault, and means nothing."""

_KEPT = 500
_GONE = 410


class Posted(StrEnum):
    """What came of a post."""

    TAKEN = "taken"
    REFUSED = "refused"
    GONE = "gone"


@dataclass(frozen=True)
class Answer:
    """How a receiver answered: `code` is None where it didn't; `asked` are the seconds it wants to be left alone."""

    posted: Posted
    code: int | None
    text: str
    asked: float = 0


class WebhookClient:
    """What posts go out by; each goes its own way, and nothing of one is remembered for another."""

    def __init__(self, pool: httpcore.AsyncConnectionPool, seconds: float = SECONDS) -> None:
        self._pool, self._seconds = pool, seconds

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """POST `body`; whatever goes wrong is an answer. A redirect is a refusal: what is said is for this address."""
        fixed = {"content-type": "application/json", "user-agent": f"pressrun/{__version__}", **headers}
        try:
            async with asyncio.timeout(self._seconds):
                return await self._ask(url, fixed, body)
        except (TimeoutError, httpcore.TimeoutException):
            return Answer(Posted.REFUSED, None, f"no answer in {self._seconds:g} s")
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol, ssl.SSLError) as error:
            return Answer(Posted.REFUSED, None, clean_reply(str(error)) or type(error).__name__)

    async def _ask(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        limits = dict.fromkeys(("connect", "read", "write", "pool"), self._seconds)
        request = self._pool.stream(
            "POST", url, headers=[*headers.items()], content=body, extensions={"timeout": limits}
        )
        async with request as response:
            told = {name.lower(): value for name, value in response.headers}
            text = clean_reply((await _read_some(response)).decode("utf-8", "replace"))
        return Answer(_judge(response.status), response.status, text, _asked_for(told.get(b"retry-after", b"")))


@asynccontextmanager
async def open_client(
    *, private: bool, find: Resolve = resolve, seconds: float = SECONDS
) -> AsyncIterator[WebhookClient]:
    """A client for the block. Unless `private`, it connects to public addresses only. No proxy is asked."""
    backend = httpcore.AnyIOBackend() if private else PublicNetwork(find)
    # Nothing is kept open: a name is looked up, and its addresses are checked, for each post.
    pool = httpcore.AsyncConnectionPool(
        ssl.create_default_context(), max_keepalive_connections=0, network_backend=backend
    )
    async with pool:
        yield WebhookClient(pool, seconds)


def clean_reply(text: str) -> str:
    """What a receiver said, on one line, without control characters, and short."""
    return one_line(text)[:_KEPT]


async def _read_some(response: httpcore.Response) -> bytes:
    read = b""
    async for chunk in response.aiter_stream():
        read += chunk
        if len(read) >= MOST_OCTETS:
            break
    return read[:MOST_OCTETS]


def _judge(code: int) -> Posted:
    if 200 <= code < 300:
        return Posted.TAKEN
    return Posted.GONE if code == _GONE else Posted.REFUSED


def _asked_for(header: bytes) -> float:
    """The seconds of a Retry-After (RFC 9110 §10.2.3); a date is taken for nothing said."""
    return float(header) if header.isdigit() and len(header) < 10 else 0
