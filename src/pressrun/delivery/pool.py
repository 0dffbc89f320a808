"""Which relay the next connection goes to: shares by weight, and rest for relays that fail.

Moments are seconds of any clock that never steps back. Nothing here waits or connects: the engine says what happened.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from pressrun.delivery.relay import Relay

REST = 5.0
"""Seconds a relay rests after its first failure; each further one doubles it, up to `LONGEST_REST`."""

LONGEST_REST = 300.0
"""The longest rest, in seconds; each is given or taken a fifth."""

WAIT = 60.0
"""Seconds until a relay that refused one more connection is asked for more, a quarter of what it has at a time."""

_PAST = float("-inf")
_NEVER = float("inf")


class _Place:
    """What is known of one relay."""

    __slots__ = (
        "ceiling", "failures", "held_until", "kept", "leaving", "most", "most_until", "open", "relay", "rests_until",
        "seats", "seats_until", "share",
    )  # fmt: skip

    def __init__(self, relay: Relay, ceiling: int) -> None:
        self.relay = relay
        self.ceiling = ceiling  # never more than this
        self.open = 0
        self.leaving = 0  # open ones that are being closed
        self.share = 0
        self.failures = 0  # in a row
        self.rests_until = _PAST
        self.kept = 0  # connections that work although another could not be opened
        self.held_until = _PAST
        self.most = ceiling  # lower where the relay refused more
        self.most_until = _PAST
        self.seats = ceiling  # fewer where other workers have some
        self.seats_until = _NEVER

    def room(self, now: float) -> int:
        """How many connections there may be to the relay."""
        return min(self.good_for(now), self.seats)

    def good_for(self, now: float) -> int:
        """How many connections the relay would take, were it this worker's alone."""
        if now < self.held_until:
            return 0
        if now < self.rests_until:
            return min(self.kept, self.most)
        return 1 if self.failures else self.most  # after a rest one connection tries first

    def is_resting(self, now: float) -> bool:
        """Whether nothing is to be had from the relay since it failed."""
        return now < self.rests_until and not self.kept

    def next_change(self, now: float) -> float:
        """When its room may change though nothing happens."""
        moments = (self.held_until, self.rests_until, self.most_until)
        return min((moment for moment in moments if moment > now), default=_NEVER)

    def raise_most(self, now: float) -> None:
        """Allow some more connections again, once the wait is over."""
        while self.most < self.ceiling and self.most_until <= now:
            self.most = min(self.most + max(1, self.most // 4), self.ceiling)
            self.most_until += WAIT


class RelayPool:
    """Shares `connections` out between relays by weight, and moves them away from relays that fail.

    The engine asks `choose` for a relay, says `opened` before it connects, and `closed` once for each `opened`,
    whatever came of it. All of a relay's connections together never exceed its own limit. With fewer connections than
    relays the heaviest relays have them.
    """

    def __init__(self, relays: Sequence[Relay], connections: int, chance: random.Random) -> None:
        self._connections = connections
        self._chance = chance
        self._places = {
            relay.name: _Place(relay, min(relay.connections or connections, connections)) for relay in relays
        }
        self._shared_until = _PAST

    def choose(self, now: float) -> Relay | None:
        """The relay furthest below its share; None where each is at its share, rests or is held.

        None also while connections that should move hold the places: they go first.
        """
        self._refresh(now)
        if sum(place.open for place in self._places.values()) >= self._connections:
            return None
        below = [place for place in self._places.values() if place.open < place.share and now < place.seats_until]
        return min(below, key=lambda place: place.open / place.share).relay if below else None

    def seat(self, relay: Relay, count: int, until: float) -> None:
        """No more than `count` connections to `relay`, as other workers have the others; after `until` no new ones."""
        place = self._places[relay.name]
        if count != place.seats:
            self._shared_until = _PAST
        place.seats, place.seats_until = count, until

    def crowd(self, relay: Relay, count: int) -> None:
        """From here on no more than `count` connections to `relay`; those there are too many go between messages."""
        place = self._places[relay.name]
        self.seat(relay, min(place.seats, count), place.seats_until)

    def open_to(self, relay: Relay) -> int:
        """How many connections to `relay` there are."""
        return self._places[relay.name].open

    def wanted(self, relay: Relay, now: float) -> int:
        """How many connections `relay` would have, had no other worker any to it."""
        self._refresh(now)
        names = list(self._places)
        rooms = [place.good_for(now) if name == relay.name else place.room(now) for name, place in self._places.items()]
        return share_out(self._connections, self._weights(), rooms)[names.index(relay.name)]

    def opened(self, relay: Relay) -> None:
        """A connection to `relay` is being opened: from here on it counts."""
        self._places[relay.name].open += 1

    def leaving(self, relay: Relay) -> None:
        """A connection to `relay` is about to be closed; it counts until `closed`."""
        self._places[relay.name].leaving += 1

    def closed(self, relay: Relay) -> None:
        """A connection to `relay` is gone, or was never got. Say so before waiting for its QUIT."""
        place = self._places[relay.name]
        place.open -= 1
        place.leaving = max(place.leaving - 1, 0)

    def failed(self, relay: Relay, now: float) -> None:
        """A connection could not be opened, secured or logged in, or the sender was refused: the relay rests."""
        place = self._places[relay.name]
        if place.is_resting(now):
            return  # connections that fail together are one failure
        place.failures += 1
        rest = min(REST * 2 ** min(place.failures - 1, 10), LONGEST_REST)
        place.rests_until = now + rest * self._chance.uniform(0.8, 1.2)
        place.kept = 0
        self._shared_until = _PAST

    def worked(self, relay: Relay) -> None:
        """A message was answered: the relay is well.

        Said while it rests, the connections it has go on, and only further ones wait for the end of the rest.
        """
        place = self._places[relay.name]
        if place.failures:
            place.failures = 0
            place.kept = max(place.open, 1)
            self._shared_until = _PAST

    def refused_more(self, relay: Relay, now: float) -> None:
        """A connection was refused for being one too many (421): for a while those that are left are the most.

        Said before `closed`. Where it was the only one, somebody else has them all, and the relay rests.
        """
        place = self._places[relay.name]
        if place.open < 2:
            self.failed(relay, now)
            return
        place.most = min(place.most, place.open - 1)
        place.most_until = now + WAIT
        self._shared_until = _PAST

    def hold(self, relay: Relay, until: float) -> None:
        """Nothing may go to `relay` before `until`, as its rate or its day is used up: no fault of its."""
        self._places[relay.name].held_until = until
        self._shared_until = _PAST

    def is_overfull(self, relay: Relay, now: float) -> bool:
        """Whether a connection of `relay` should be closed between messages: for another relay, or another worker.

        Each `leaving` and `closed` counts for the next answer, so that no more leave than should.
        """
        if now >= self._shared_until:
            self._refresh(now)
        place = self._places[relay.name]
        staying = place.open - place.leaving
        if staying > place.seats:
            return True
        return staying > place.share and any(other.open < other.share for other in self._places.values())

    def is_down(self, now: float) -> bool:
        """Whether every relay rests after failing."""
        return all(place.is_resting(now) for place in self._places.values())

    def next_try(self, now: float) -> float | None:
        """When the first of the relays that rest or are held may be tried; None where none is."""
        idle = [place for place in self._places.values() if not place.good_for(now)]
        return min((max(place.held_until, place.rests_until) for place in idle), default=None)

    def is_crowded(self, now: float) -> bool:
        """Whether there is a relay that would take connections, were it not for other workers."""
        return any(place.good_for(now) and not place.seats for place in self._places.values())

    def shares(self, now: float) -> Mapping[str, int]:
        """How many connections each relay should have, by its name."""
        self._refresh(now)
        return {name: place.share for name, place in self._places.items()}

    def _refresh(self, now: float) -> None:
        if now < self._shared_until:
            return
        places = list(self._places.values())
        for place in places:
            place.raise_most(now)
        shares = share_out(self._connections, self._weights(), [place.room(now) for place in places])
        for place, share in zip(places, shares, strict=True):
            place.share = share
        self._shared_until = min(place.next_change(now) for place in places)

    def _weights(self) -> list[int]:
        return [place.relay.weight for place in self._places.values()]


def share_out(connections: int, weights: Sequence[int], rooms: Sequence[int]) -> list[int]:
    """Whole shares of `connections` by weight, none above its room; each that has room gets one first, if it can.

    Sainte-Laguë's method: one at a time to whom the next is due most. More connections never make a share smaller.
    """
    shares = [0] * len(weights)
    for _ in range(min(connections, sum(rooms))):
        open_to = [at for at, share in enumerate(shares) if share < rooms[at]]
        due = max(open_to, key=lambda at: (shares[at] == 0, weights[at] / (2 * shares[at] + 1)))
        shares[due] += 1
    return shares
