"""Health and metrics: whether the web part can do its work, and the figures that Prometheus collects of it."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import sqlalchemy as sa
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge
from prometheus_client.exposition import generate_latest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from pressrun.errors import StoreError
from pressrun.public.doors import Doors
from pressrun.public.request import network_of
from pressrun.store.gauge import Gauges, read_gauges

KEPT_SECONDS = 15
"""How long figures out of the store are told again: counting the rows of a million deliveries takes a while."""

HEALTH_SECONDS = 5
"""How long the store may take to answer before it counts as gone."""

_FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip", "via")
_NO_STORE = {"cache-control": "no-store"}


def routes(doors: Doors) -> Sequence[BaseRoute]:
    """The routes of this door."""
    desk = _Desk(doors)
    return (Route("/health", desk.tell_health), Route("/metrics", desk.tell_metrics))


@asynccontextmanager
async def working(doors: Doors) -> AsyncIterator[None]:
    """Nothing goes on beside answering."""
    yield


@dataclass
class _Desk:
    """Answers monitors; what was read from the store is kept for a while."""

    doors: Doors
    _kept: bytes = b""
    _kept_until: float = 0.0
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def tell_health(self, request: Request) -> Response:
        """200 where the store answers, else 503."""
        try:
            async with asyncio.timeout(HEALTH_SECONDS), self.doors.database.connect() as connection:
                await connection.execute(sa.select(1))
        except (StoreError, TimeoutError):
            return PlainTextResponse("the store can't be reached\n", 503, _NO_STORE)
        return PlainTextResponse("ok\n", 200, _NO_STORE)

    async def tell_metrics(self, request: Request) -> Response:
        """The figures, for whoever may have them."""
        token = self.doors.workspace.settings.metrics_token.get_secret_value()
        if token and not _bears(request, token):
            challenge = {"www-authenticate": 'Bearer realm="metrics"'}  # RFC 6750 §3
            return PlainTextResponse("this needs the setting metrics_token\n", 401, challenge | _NO_STORE)
        if not token and not self._is_from_here(request):
            return PlainTextResponse("only this machine may ask, or set metrics_token\n", 403, _NO_STORE)
        figures = self.doors.meter.write() + await self._read_store()
        return Response(figures, 200, {"content-type": CONTENT_TYPE_LATEST} | _NO_STORE)

    def _is_from_here(self, request: Request) -> bool:
        # A proxy on this machine asks for others too, and says so.
        if any(name in request.headers for name in _FORWARDED):
            return False
        try:
            return ipaddress.ip_address(network_of(request, self.doors)).is_loopback
        except ValueError:
            return False

    async def _read_store(self) -> bytes:
        async with self._reading:  # whoever asks meanwhile gets the same
            if time.monotonic() >= self._kept_until:
                self._kept = _write(await read_gauges(self.doors.database, self.doors.clock()))
                self._kept_until = time.monotonic() + KEPT_SECONDS
            return self._kept


def _bears(request: Request, token: str) -> bool:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    return hmac.compare_digest(given.strip().encode(), token.encode()) and scheme.lower() == "bearer"


def _write(gauges: Gauges) -> bytes:
    registry = CollectorRegistry()
    stages = Gauge("pressrun_confirmations", "Requests to join that are kept", ("stage",), registry=registry)
    for stage, count in gauges.confirmations.items():
        stages.labels(stage).set(count)
    posts = Gauge("pressrun_webhook_posts", "Posts of webhooks that are kept", ("state",), registry=registry)
    for state, count in gauges.posts.items():
        posts.labels(state).set(count)
    rows = Gauge("pressrun_deliveries", "Deliveries of the issues planned last", ("issue", "state"), registry=registry)
    for (issue, state), count in gauges.deliveries.items():
        rows.labels(issue, state).set(count)
    Gauge("pressrun_workers_alive", "Processes that are delivering", registry=registry).set(gauges.workers)
    return generate_latest(registry)
