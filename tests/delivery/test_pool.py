"""The pool: shares by weight within every limit, rest for what fails, and the shares back when it recovers."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pressrun.delivery.pool import LONGEST_REST, REST, WAIT, RelayPool, share_out
from pressrun.delivery.relay import Relay

LONG = 10_000.0


def relay(name: str, weight: int = 1, connections: int | None = None) -> Relay:
    return Relay(f"{name}.example.com", 25, name=name, weight=weight, connections=connections)


A, B, C = relay("a", 3), relay("b"), relay("c")


def pool_of(*relays: Relay, connections: int = 8) -> RelayPool:
    return RelayPool(relays, connections, random.Random(1))


def fill(pool: RelayPool, now: float = 0.0) -> list[str]:
    """Open all there is room for."""
    names = []
    while (chosen := pool.choose(now)) is not None:
        pool.opened(chosen)
        names.append(chosen.name)
    return names


def settle(pool: RelayPool, relays: list[Relay], held: list[str], now: float) -> int:
    """Move connections until none should move; how many did."""
    moved = 0
    while over := next((r for r in relays if r.name in held and pool.is_overfull(r, now)), None):
        pool.closed(over)
        held.remove(over.name)
        chosen = pool.choose(now)
        assert chosen is not None
        pool.opened(chosen)
        held.append(chosen.name)
        moved += 1
        assert moved < 100, "connections move for ever"
    return moved


def fail_to_open(pool: RelayPool, which: Relay, now: float) -> None:
    pool.opened(which)
    pool.failed(which, now)
    pool.closed(which)


def test_connections_are_shared_out_by_weight() -> None:
    pool = pool_of(A, B)
    assert sorted(fill(pool)) == ["a"] * 6 + ["b"] * 2
    assert pool.choose(0.0) is None


def test_shares_fill_evenly_from_the_start() -> None:
    assert sorted(fill(pool_of(A, B))[:4]) == ["a", "a", "a", "b"]


def test_a_relay_s_own_limit_holds_and_the_others_get_the_rest() -> None:
    assert sorted(fill(pool_of(relay("a", 3, connections=2), B))) == ["a"] * 2 + ["b"] * 6
    assert sorted(fill(pool_of(relay("a", 3, connections=2), relay("b", connections=3)))) == ["a"] * 2 + ["b"] * 3


def test_a_light_relay_has_one_connection_at_least() -> None:
    assert sorted(fill(pool_of(relay("a", 1000), B, C))) == ["a"] * 6 + ["b", "c"]


def test_with_fewer_connections_than_relays_the_heaviest_have_them() -> None:
    assert sorted(fill(pool_of(B, A, relay("c", 2), connections=2))) == ["a", "c"]


def test_a_relay_that_failed_rests_and_the_others_take_its_share() -> None:
    pool = pool_of(A, B)
    fail_to_open(pool, A, 0.0)
    assert sorted(fill(pool)) == ["b"] * 8
    assert not pool.is_down(0.0)


def test_rests_double_to_five_minutes() -> None:
    pool, now, rests = pool_of(A), 0.0, []
    for _ in range(10):
        fail_to_open(pool, A, now)
        until = pool.next_try(now)
        assert until is not None
        rests.append(until - now)
        now = until
    for rest, middle in zip(rests, [REST * 2**n for n in range(6)] + [LONGEST_REST] * 4, strict=True):
        assert 0.8 * middle <= rest <= 1.2 * middle
    assert len({round(rest / middle, 3) for rest, middle in zip(rests[6:], [LONGEST_REST] * 4, strict=True)}) > 1


def test_connections_that_fail_together_are_one_failure() -> None:
    pool = pool_of(A)
    fill(pool)
    for _ in range(8):
        pool.failed(A, 0.0)
        pool.closed(A)
    until = pool.next_try(0.0)
    assert until is not None and until <= 1.2 * REST


def test_after_a_rest_one_connection_tries_and_the_first_answer_brings_the_share_back() -> None:
    pool = pool_of(A, B)
    fail_to_open(pool, A, 0.0)
    held, now = fill(pool), 2 * REST
    assert settle(pool, [A, B], held, now) == 1
    assert sorted(held) == ["a"] + ["b"] * 7
    pool.worked(A)
    assert settle(pool, [A, B], held, now) == 5
    assert sorted(held) == ["a"] * 6 + ["b"] * 2
    assert pool.shares(now) == {"a": 6, "b": 2}


def test_connections_that_work_go_on_where_only_a_new_one_failed() -> None:
    pool = pool_of(A, B)
    fill(pool)
    pool.closed(A)  # renewed: five are left
    fail_to_open(pool, A, 0.0)
    pool.worked(A)
    assert pool.shares(1.0) == {"a": 5, "b": 3}
    assert not pool.is_overfull(A, 1.0)
    assert fill(pool, 1.0) == ["b"]
    assert pool.shares(2 * REST) == {"a": 6, "b": 2}


def test_nothing_moves_while_the_others_have_no_room() -> None:
    pool = pool_of(A, relay("b", connections=2))
    assert len(fill(pool)) == 8
    pool.failed(A, 0.0)
    assert not pool.is_overfull(A, 0.0)


def test_other_workers_seats_leave_it_fewer_and_the_other_relays_get_the_rest() -> None:
    pool = pool_of(relay("a", 3, connections=6), B)
    pool.seat(relay("a"), 2, LONG)
    assert sorted(fill(pool)) == ["a"] * 2 + ["b"] * 6
    assert pool.wanted(relay("a"), 0.0) == 6
    assert pool.open_to(relay("a")) == 2


def test_connections_beyond_its_seats_go_between_messages_and_no_more_than_those() -> None:
    limited = relay("a", connections=6)
    pool = pool_of(limited)
    assert len(fill(pool)) == 6
    pool.crowd(limited, 4)
    for _ in range(2):
        assert pool.is_overfull(limited, 0.0)
        pool.leaving(limited)
    assert not pool.is_overfull(limited, 0.0)
    pool.closed(limited)
    pool.closed(limited)
    assert not pool.is_overfull(limited, 0.0)
    assert fill(pool) == []


def test_a_crowd_gives_no_seats() -> None:
    limited = relay("a", connections=6)
    pool = pool_of(limited)
    pool.seat(limited, 2, LONG)
    pool.crowd(limited, 4)
    assert len(fill(pool)) == 2


def test_where_others_have_all_seats_the_relay_is_neither_down_nor_tried_at_some_moment() -> None:
    limited = relay("a", connections=6)
    pool = pool_of(limited)
    pool.seat(limited, 0, LONG)
    assert pool.choose(0.0) is None
    assert not pool.is_down(0.0)
    assert pool.next_try(0.0) is None
    assert pool.is_crowded(0.0)
    pool.seat(limited, 1, LONG)
    assert fill(pool) == ["a"]
    assert not pool.is_crowded(0.0)


def test_a_relay_that_rests_wants_no_seats() -> None:
    limited = relay("a", connections=6)
    pool = pool_of(limited)
    fail_to_open(pool, limited, 0.0)
    assert pool.wanted(limited, 0.0) == 0
    assert pool.wanted(limited, 2 * REST) == 1  # which tries first


def test_when_its_seats_may_be_another_s_it_opens_nothing_new() -> None:
    limited = relay("a", connections=2)
    pool = pool_of(limited, B)
    pool.seat(limited, 2, 10.0)
    assert sorted(fill(pool, 9.0)) == ["a"] * 2 + ["b"] * 6
    pool.closed(limited)
    assert pool.choose(10.0) is None
    pool.seat(limited, 2, 40.0)
    assert fill(pool, 10.0) == ["a"]


def test_no_more_are_open_than_there_are_while_those_of_a_relay_that_failed_are_still_there() -> None:
    pool = pool_of(A, B)
    assert len(fill(pool)) == 8
    pool.failed(A, 0.0)
    assert pool.choose(0.0) is None
    assert pool.is_overfull(A, 0.0)
    pool.closed(A)
    assert pool.choose(0.0) == B


def test_all_relays_at_rest_are_down_until_the_first_may_be_tried() -> None:
    pool = pool_of(A, B)
    fail_to_open(pool, A, 0.0)
    assert pool.next_try(0.0) is not None
    fail_to_open(pool, B, 3.0)
    assert pool.is_down(3.0)
    assert pool.choose(3.0) is None
    until = pool.next_try(3.0)
    assert until is not None and 4.0 <= until <= 6.0
    assert not pool.is_down(until)
    assert pool.choose(until) == A


def test_a_relay_that_works_has_nothing_to_wait_for() -> None:
    assert pool_of(A, B).next_try(0.0) is None


def test_a_relay_that_refuses_one_more_keeps_those_it_has_for_a_while() -> None:
    pool = pool_of(A, B)
    fill(pool)
    for _ in range(2):  # the fifth and the sixth are too many
        pool.refused_more(A, 0.0)
        pool.closed(A)
    assert pool.shares(0.0) == {"a": 4, "b": 4}
    assert not pool.is_down(0.0)
    assert fill(pool) == ["b", "b"]
    assert pool.shares(WAIT + 1) == {"a": 5, "b": 3}
    assert pool.shares(2 * WAIT + 1) == {"a": 6, "b": 2}


def test_a_relay_that_refuses_the_only_connection_rests() -> None:
    pool = pool_of(A)
    pool.opened(A)
    pool.refused_more(A, 0.0)
    pool.closed(A)
    assert pool.is_down(0.0)


def test_a_relay_that_is_held_gives_its_share_away_and_is_not_down() -> None:
    pool = pool_of(A, B)
    held = fill(pool)
    pool.hold(A, 100.0)
    assert settle(pool, [A, B], held, 1.0) == 6
    assert held == ["b"] * 8
    pool.hold(B, 50.0)
    assert not pool.is_down(1.0)
    assert pool.choose(1.0) is None
    assert pool.next_try(1.0) == 50.0
    assert pool.shares(101.0) == {"a": 6, "b": 2}


@given(
    connections=st.integers(1, 60),
    relays=st.lists(st.tuples(st.integers(1, 1000), st.integers(0, 40)), min_size=1, max_size=8),
)
def test_shares_sum_to_what_there_is_and_never_pass_a_limit(connections: int, relays: list[tuple[int, int]]) -> None:
    weights, rooms = [weight for weight, _ in relays], [room for _, room in relays]
    shares = share_out(connections, weights, rooms)
    assert sum(shares) == min(connections, sum(rooms))
    assert all(0 <= share <= room for share, room in zip(shares, rooms, strict=True))
    if connections >= sum(room > 0 for room in rooms):
        assert all(share >= 1 for share, room in zip(shares, rooms, strict=True) if room)
    for share, weight, room in zip(shares, weights, rooms, strict=True):
        # Nobody heavier has less, but for its limit.
        lighter = [other for other, its in zip(shares, weights, strict=True) if its < weight]
        assert share == room or not lighter or share >= max(lighter)


class Engine(RuleBasedStateMachine):
    """An engine that opens, closes and fails as chance has it, and keeps to what the pool says."""

    @initialize(
        connections=st.integers(1, 12),
        relays=st.lists(st.tuples(st.integers(1, 9), st.none() | st.integers(1, 6)), min_size=1, max_size=4),
        seed=st.integers(0, 99),
    )
    def begin(self, connections: int, relays: list[tuple[int, int | None]], seed: int) -> None:
        self.connections = connections
        self.relays = [relay(f"r{at}", *each) for at, each in enumerate(relays)]
        self.pool = RelayPool(self.relays, connections, random.Random(seed))
        self.now, self.open = 0.0, []

    @rule(seconds=st.floats(0, 400))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(works=st.booleans(), refused=st.booleans())
    def connect(self, works: bool, refused: bool) -> None:
        chosen = self.pool.choose(self.now)
        if chosen is None:
            return
        self.pool.opened(chosen)
        if works:
            self.open.append(chosen)
            return
        (self.pool.refused_more if refused else self.pool.failed)(chosen, self.now)
        self.pool.closed(chosen)

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        using = data.draw(st.sampled_from(self.open))
        self.pool.worked(using)
        if self.pool.is_overfull(using, self.now):
            self.open.remove(using)
            self.pool.closed(using)
            other = self.pool.choose(self.now)
            assert other is not None and other != using, "a connection is told to go and has nowhere else to"
            self.pool.opened(other)
            self.open.append(other)

    @precondition(lambda self: self.open)
    @rule(data=st.data(), broken=st.booleans())
    def lose(self, data: st.DataObject, broken: bool) -> None:
        lost = data.draw(st.sampled_from(self.open))
        self.open.remove(lost)
        if broken:
            self.pool.failed(lost, self.now)
        self.pool.closed(lost)

    @rule(data=st.data(), seconds=st.floats(0, 400))
    def hold(self, data: st.DataObject, seconds: float) -> None:
        self.pool.hold(data.draw(st.sampled_from(self.relays)), self.now + seconds)

    @invariant()
    def never_over_a_limit(self) -> None:
        assert len(self.open) <= self.connections
        shares = self.pool.shares(self.now)
        assert sum(shares.values()) <= self.connections
        for each in self.relays:
            assert self.open.count(each) <= (each.connections or self.connections)
            assert shares[each.name] <= (each.connections or self.connections)

    @invariant()
    def somebody_may_be_tried_or_will_be(self) -> None:
        if not any(self.pool.shares(self.now).values()):
            until = self.pool.next_try(self.now)
            assert until is not None and until > self.now

    def teardown(self) -> None:
        """When all are well again, every share is as it was at first."""
        if not hasattr(self, "pool"):
            return
        self.now += LONG
        for _ in range(200):
            for each in set(self.open):
                self.pool.worked(each)
            if over := next((each for each in self.open if self.pool.is_overfull(each, self.now)), None):
                self.open.remove(over)
                self.pool.closed(over)
            elif (chosen := self.pool.choose(self.now)) is not None:
                self.pool.opened(chosen)
                self.open.append(chosen)
            else:
                break
        fresh = RelayPool(self.relays, self.connections, random.Random(0))
        expected = fresh.shares(0.0)
        assert self.pool.shares(self.now) == expected
        assert {each.name: self.open.count(each) for each in self.relays} == expected


TestEngine = Engine.TestCase
TestEngine.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


@pytest.mark.parametrize("seed", range(3))
def test_a_relay_that_comes_and_goes_moves_few_connections(seed: int) -> None:
    """However often messages are answered, a connection moves only when a relay fell out or came back."""
    chance = random.Random(seed)
    pool = RelayPool([A, B], 8, chance)
    held = fill(pool)
    moves = changes = 0
    for step in range(2000):
        now = step * 0.05
        if chance.random() < 0.005:
            pool.failed(B, now)
            changes += 1
            moves += settle(pool, [A, B], held, now)
        for name in sorted(set(held)):
            pool.worked(A if name == "a" else B)
        moves += settle(pool, [A, B], held, now)
    assert changes and moves <= changes * 2 * 2  # both of B's leave, and come back
