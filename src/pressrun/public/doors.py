"""What all doors share: the workspace, the keys of links, the clock, the store, limits, and which proxies are ours."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from pressrun.errors import UsageError
from pressrun.hits import WaitingHits
from pressrun.link_keys import LinkKeys
from pressrun.public.departures import Departures
from pressrun.public.limit import Limits, make_limits
from pressrun.public.meter import Meter
from pressrun.store.database import Database
from pressrun.workspace import Workspace

Clock = Callable[[], dt.datetime]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class Doors:
    """What a door needs to answer. `database` is there once the application has started."""

    workspace: Workspace
    keys: LinkKeys
    clock: Clock
    chance: random.Random = field(default_factory=random.SystemRandom)
    limits: Limits = field(default_factory=lambda: make_limits(time.monotonic))
    mail_due: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a service mail is due, so that it needn't wait for the next look."""
    meter: Meter = field(default_factory=Meter)
    hits: WaitingHits = field(default_factory=WaitingHits)
    _opened: list[Database] = field(default_factory=list)

    @property
    def database(self) -> Database:
        """The open store."""
        return self._opened[0]

    @cached_property
    def departures(self) -> Departures:
        """Who asked to leave a list and is about to."""
        return Departures(self.clock)

    @cached_property
    def proxies(self) -> tuple[Network, ...]:
        """The networks whose X-Forwarded-For is believed. Raises UsageError where the setting names none."""
        networks = []
        for part in self.workspace.settings.trusted_proxies.split():
            try:
                networks.append(ipaddress.ip_network(part))
            except ValueError:
                message = f"setting trusted_proxies: {part!r} is neither an address nor a network"
                raise UsageError(message, "write addresses and networks such as 10.0.0.0/8, parted by blanks") from None
        return tuple(networks)

    def open(self, database: Database) -> None:
        """Let the doors use `database`, until `close`."""
        self._opened[:] = [database]

    def close(self) -> None:
        """Let go of the database."""
        self._opened.clear()
