"""Rate limits: how much one key, such as a network or an address, may ask for, counted in bounded memory."""

from __future__ import annotations

import hashlib
import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Limiter:
    """Token buckets: `rate` a second in the long run, `burst` at once; `clock` tells seconds that only go up.

    Keys are kept as hashes, and the `most` that were seen last: what is forgotten begins anew with a full bucket. Each
    process of a server counts for itself.
    """

    rate: float
    burst: float
    clock: Callable[[], float]
    most: int = 100_000
    _buckets: OrderedDict[bytes, tuple[float, float]] = field(default_factory=OrderedDict, repr=False)

    def allow(self, key: str, cost: float = 1) -> float:
        """Take `cost` from the bucket of `key`: 0.0 where it held so much, else the seconds until it will.

        What is not allowed costs nothing. A `cost` above `burst` is never allowed.
        """
        name = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        now = self.clock()
        left, since = self._buckets.pop(name, (self.burst, now))
        left = min(self.burst, left + (now - since) * self.rate)
        is_allowed = left >= cost
        self._buckets[name] = (left - cost if is_allowed else left, now)
        while len(self._buckets) > self.most:
            self._buckets.popitem(last=False)
        return 0.0 if is_allowed else (cost - left) / self.rate


@dataclass(frozen=True)
class Limits:
    """What all doors limit together."""

    network: Limiter  # requests that change or send something, by where they come from: `network_key`
    address: Limiter  # mails to one address that somebody else may have asked for, by the address's key
    domain: Limiter  # the same by the address's domain
    mails: Limiter  # service mails altogether; one key for all
    api: Limiter  # requests by the key of the API
    guesses: Limiter  # tokens and keys that are nobody's, by where they come from


def make_limits(clock: Callable[[], float]) -> Limits:
    """The limits a server begins with."""
    day = 86_400
    return Limits(
        network=Limiter(0.5, 30, clock),
        address=Limiter(3 / day, 3, clock),
        domain=Limiter(1, 100, clock),
        mails=Limiter(1, 60, clock),
        api=Limiter(20, 100, clock),
        guesses=Limiter(0.2, 20, clock),
    )


def network_key(address: str) -> str:
    """What one client can hardly change of its address: all of IPv4, the first 64 bits of IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
    return str(parsed)
