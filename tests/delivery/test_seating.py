"""Seats: never more than the relay has, equal parts for who wants them, all for who is alone."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from pressrun.delivery.seating import TURN, Claim, seats_for

NOW = dt.datetime(2026, 11, 20, 9, tzinfo=dt.UTC)


class Room:
    """The relay's seats, as workers take and leave them one after another."""

    def __init__(self, limit: int, **wants: int) -> None:
        self.limit = limit
        self.claims = {name: Claim(name, 0, wanted) for name, wanted in wants.items()}
        self.open = dict.fromkeys(wants, 0)

    def ask(self, name: str, now: dt.datetime = NOW) -> int:
        """The worker looks: what it may use from now on, which is what it opens, and what it still has besides."""
        seats = seats_for(name, self.limit, list(self.claims.values()), now)
        self.claims[name] = replace(self.claims[name], held=max(seats, self.open[name]))
        self.open[name] = max(seats, self.open[name])
        return seats

    def close(self, name: str, now: dt.datetime = NOW) -> None:
        """The worker closes what it has too many."""
        self.open[name] = min(self.open[name], seats_for(name, self.limit, list(self.claims.values()), now))

    def settle(self, now: dt.datetime = NOW) -> dict[str, int]:
        for _ in range(3):
            for name in self.claims:
                self.close(name, now)
                self.ask(name, now)
        return {name: claim.held for name, claim in self.claims.items()}


def test_who_is_alone_gets_all_it_wants() -> None:
    assert Room(5, a=8).settle() == {"a": 5}
    assert Room(5, a=3).settle() == {"a": 3}


def test_a_second_one_gets_its_part_once_the_first_has_given_it_up() -> None:
    room = Room(6, a=8, b=8)
    room.claims["b"] = Claim("b", 0, 0)
    assert room.ask("a") == 6
    room.claims["b"] = Claim("b", 0, 8)
    assert room.ask("b") == 0
    assert room.ask("a") == 3
    assert room.ask("b") == 0  # its connections are still open
    room.close("a")
    room.ask("a")
    assert room.ask("b") == 3


def test_what_one_does_not_want_the_others_share() -> None:
    assert Room(8, a=1, b=8, c=8).settle() == {"a": 1, "b": 4, "c": 3}


def test_what_nobody_wants_stays_where_it_is() -> None:
    room = Room(4, a=4, b=0)
    assert room.settle() == {"a": 4, "b": 0}
    room.claims["a"] = replace(room.claims["a"], wanted=0)
    assert room.settle() == {"a": 4, "b": 0}
    room.claims["b"] = replace(room.claims["b"], wanted=3)
    assert room.settle() == {"a": 1, "b": 3}


def test_where_there_are_more_workers_than_seats_all_have_their_turn() -> None:
    room = Room(2, a=4, b=4, c=4, d=4, e=4)
    turns = [room.settle(NOW + number * TURN) for number in range(5)]
    assert all(sum(held.values()) == 2 for held in turns)
    assert {name: sum(held[name] for held in turns) for name in room.claims} == dict.fromkeys("abcde", 2)


def test_a_limit_that_was_lowered_is_kept_to_as_connections_close() -> None:
    room = Room(8, a=8)
    room.settle()
    room.limit = 3
    assert room.ask("a") == 3
    assert room.settle() == {"a": 3}


@settings(max_examples=300, deadline=None)
@given(
    limit=st.integers(1, 12),
    wants=st.lists(st.integers(0, 12), min_size=1, max_size=8),
    seed=st.integers(0, 1000),
)
def test_there_are_never_more_than_the_limit_and_in_the_end_as_many_as_are_wanted(
    limit: int, wants: list[int], seed: int
) -> None:
    room, chance, now = Room(limit, **{f"w{n}": want for n, want in enumerate(wants)}), random.Random(seed), NOW
    for _ in range(60):
        name = chance.choice(list(room.claims))
        match chance.randrange(4):
            case 0:
                room.claims[name] = replace(room.claims[name], wanted=chance.randrange(13))
            case 1:
                room.close(name, now)
            case 2:
                now += chance.random() * TURN
            case _:
                room.ask(name, now)
        assert sum(claim.held for claim in room.claims.values()) <= limit
        assert all(room.open[claim.worker_id] <= claim.held for claim in room.claims.values())
    held, wanted = room.settle(now), [claim.wanted for claim in room.claims.values()]
    assert sum(held.values()) >= min(limit, sum(wanted))
    if sum(1 for want in wanted if want) <= limit:
        assert all(held[claim.worker_id] for claim in room.claims.values() if claim.wanted)
