"""Relays as their URLs name them, `smtp://user:password@host:port` or `smtps://…`, with the limits of each."""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from pressrun.errors import UsageError

MESSAGES = 1000
"""How many messages go over one connection before it is renewed, where the URL doesn't say."""

_SECONDS = {"s": 1, "min": 60, "h": 3600, "day": 86400}
_RATE = re.compile(r"(\d{1,12}(?:\.\d{1,6})?(?:e\d{1,2})?)/(s|min|h|day)", re.ASCII)
_WARMUP = re.compile(r"(\d{4}-\d\d-\d\d):(\d{1,9}(?:,\d{1,9})*)", re.ASCII)
_NAME = re.compile(r"[\w.:\[\]-]{1,100}")
_REMEDY = "write smtp://user:password@host:port or smtps://…, with / @ : in name and password as %2F %40 %3A"


class Starttls(StrEnum):
    """When a plain connection is secured: whenever offered, always or else not at all, or never."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True)
class Warmup:
    """How many messages a relay may take on each day (UTC) from `start` on; after the last of `steps` any number."""

    start: dt.date
    steps: tuple[int, ...]

    def most_on(self, day: dt.date) -> int | None:
        """The most on `day`, None for no limit. Before the plan begins the relay takes nothing."""
        number = (day - self.start).days
        if number < 0:
            return 0
        return self.steps[number] if number < len(self.steps) else None


@dataclass(frozen=True)
class Relay:
    """Where messages are handed to, as whom, and within which limits. The password shows in no representation.

    `name` is what logs and limits know the relay by, host:port unless given; `connections` is the most at once of
    all workers together, None for as many as each has; `messages` the most on one connection; `rate` is in messages a
    second, None for no limit.
    """

    host: str
    port: int
    implicit_tls: bool = False
    starttls: Starttls = Starttls.AUTO
    verify: bool = True
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    name: str = ""
    weight: int = 1
    connections: int | None = None
    messages: int = MESSAGES
    rate: float | None = None
    warmup: Warmup | None = None

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", self.address)

    @property
    def address(self) -> str:
        """host:port."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_limited(self) -> bool:
        """Whether a message needs an allowance first: the relay has a rate or a warm-up plan."""
        return self.rate is not None or self.warmup is not None

    def __str__(self) -> str:
        return self.name if self.name == self.address else f"{self.name} ({self.address})"


def parse_relays(text: str) -> tuple[Relay, ...]:
    """The relays that `text` names: URLs parted by blanks or newlines, each name once. Raises UsageError."""
    urls = text.split()
    if not urls:
        raise UsageError("no relay is named", _REMEDY)
    if len(urls) == 1:
        return (parse_relay(urls[0]),)
    # A password with a blank in it parts a URL in two: neither half may be told as a wrong option.
    if halves := [number for number, url in enumerate(urls, 1) if not url.startswith(("smtp://", "smtps://"))]:
        raise _unreadable(f"SMTP URL {halves[0]} of {len(urls)}")
    relays: dict[str, Relay] = {}
    for number, url in enumerate(urls, 1):
        relay = _parse(url, f"SMTP URL {number} of {len(urls)}")
        if relay.name in relays:
            raise UsageError(f"two relays are called {relay.name}", "give one of them another name: ?name=second")
        relays[relay.name] = relay
    return tuple(relays.values())


def parse_relay(url: str) -> Relay:
    """The relay that one URL names; docs/relays.md lists its options. Raises UsageError, which holds no password."""
    return _parse(url, "the SMTP URL")


def _parse(url: str, called: str) -> Relay:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _unreadable(called) from None
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or _is_cut_short(parts):
        raise _unreadable(called)
    username, password = (unquote(part) if part else None for part in (parts.username, parts.password))
    return Relay(
        host=parts.hostname,
        port=port or (465 if parts.scheme == "smtps" else 587 if username else 25),
        implicit_tls=parts.scheme == "smtps",
        username=username,
        password=password,
        **_read_options(parts.query, called),
    )


def _is_cut_short(parts: SplitResult) -> bool:
    # A password with a bare / ? or # in it ends the host there: the rest of it must be neither obeyed nor told.
    return parts.path not in ("", "/") or bool(parts.fragment) or "@" in parts.query


def _unreadable(called: str) -> UsageError:
    return UsageError(f"{called} can't be read", _REMEDY)


def _read_options(query: str, called: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in _OPTIONS:
            near = difflib.get_close_matches(name, _OPTIONS, n=1)
            remedy = f"did you mean {near[0]}?" if near else f"it takes {', '.join(_OPTIONS)}"
            raise UsageError(f"{called} has no option {name}", remedy)
        if name in values:
            raise UsageError(f"{called} says {name} twice", "say it once")
        read, remedy = _OPTIONS[name]
        try:
            values[name] = read(value)
        except ValueError:
            raise UsageError(f"{called} says {name}={value}", remedy) from None
    return values


def _read_switch(value: str) -> bool:
    if value not in ("yes", "no"):
        raise ValueError
    return value == "yes"


def _read_name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError
    return value


def _count_to(most: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not (value.isascii() and value.isdecimal() and 1 <= len(value) <= 9 and 1 <= int(value) <= most):
            raise ValueError
        return int(value)

    return read


def _read_rate(value: str) -> float:
    match = _RATE.fullmatch(value)
    rate = float(match[1]) / _SECONDS[match[2]] if match else 0
    # Slower than a message in ten days, or faster than the store's microseconds: a slip.
    if not 1e-6 <= rate <= 1e6:
        raise ValueError
    return rate


def _read_warmup(value: str) -> Warmup:
    match = _WARMUP.fullmatch(value)
    if not match:
        raise ValueError
    return Warmup(dt.date.fromisoformat(match[1]), tuple(int(step) for step in match[2].split(",")))


_OPTIONS: dict[str, tuple[Callable[[str], Any], str]] = {
    "starttls": (Starttls, "say auto, always or never"),
    "verify": (_read_switch, "say yes or no"),
    "name": (_read_name, "use letters, digits and . : - _ alone, 100 at most"),
    "weight": (_count_to(1000), "say a whole number from 1 to 1000"),
    "connections": (_count_to(1000), "say a whole number from 1 to 1000"),
    "messages": (_count_to(999_999_999), "say a whole number from 1 on"),
    "rate": (_read_rate, "say how many in a s, min, h or day: 100/s, 6000/min, 50000/h, 1e5/day"),
    "warmup": (_read_warmup, "say the first day (UTC) and how many on each: 2026-11-20:200,500,1000,5000"),
}
