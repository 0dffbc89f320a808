"""What the web part counts of itself, for Prometheus; no label holds an address, a token or a name of a person."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.exposition import generate_latest

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Meter:
    """The counts of one application since it began. Others of the same store count for themselves."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "pressrun_http_requests",
            "Requests by the route that answered, and how; 429 is what a rate limit refused",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "pressrun_http_request_seconds",
            "Time until the answer began",
            ("route",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._departures = Counter(
            "pressrun_departures", "Requests to leave a list that were stored, by the way", ("source",),
            registry=self.registry,
        )  # fmt: skip

        self._mails = Counter(
            "pressrun_service_mails", "Service mails by kind, and by what came of them", ("kind", "outcome"),
            registry=self.registry,
        )  # fmt: skip

    def count_mail(self, kind: str, outcome: str) -> None:
        """Count a service mail that the relay took, or did not."""
        self._mails.labels(kind, outcome).inc()

    def count_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request that was answered; `route` is the pattern of its path, never the path."""
        # Anybody may make up a method; each would be a time series.
        known = method if method in _METHODS else "other"
        self._requests.labels(route, known, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def count_departure(self, source: str) -> None:
        """Count a request to leave that was stored."""
        self._departures.labels(source).inc()

    def write(self) -> bytes:
        """The counts as Prometheus reads them."""
        return generate_latest(self.registry)


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
