"""Rows that wait: each domain in turn, none beyond its window, none of one that rests, and none forgotten."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pressrun.delivery.backlog import Backlog, domain_of
from pressrun.delivery.destination import COHORT, REST, Destinations
from pressrun.delivery.outcome import Kind
from pressrun.store.journal import Claimed
from small_edition import NOW

WINDOW = 2


def row(number: int, domain: str) -> Claimed:
    return Claimed(number, 1, "all", number, f"r{number}@{domain}", "", {}, f"<{number}@x>", 1, NOW)


def rows(*domains: str) -> list[Claimed]:
    return [row(number, domain) for number, domain in enumerate(domains)]


def make_backlog(initial: int = WINDOW, most: int = 4) -> Backlog:
    return Backlog(Destinations(initial=initial, most=most), random.Random(1))


def take_all(backlog: Backlog, now: float = 0) -> list[Claimed]:
    return list(iter(lambda: backlog.take(now), None))


def make_rest(backlog: Backlog, domain: str, now: float = 0) -> None:
    """Let the domain answer nothing but 4xx."""
    backlog.add(row(10_000 + n, domain) for n in range(COHORT))
    for _ in range(COHORT):
        taken = backlog.take(now)
        assert taken is not None
        backlog.end(taken, Kind.TEMPORARY, now)


def test_domains_take_turns_and_each_keeps_its_order() -> None:
    backlog = make_backlog()
    backlog.add(rows("a.example", "a.example", "a.example", "b.example", "b.example", "c.example"))
    assert [one.id for one in take_all(backlog)] == [0, 3, 5, 1, 4]
    assert len(backlog) == 1


def test_a_row_that_is_here_already_is_not_taken_twice() -> None:
    backlog = make_backlog()
    waiting, begun = rows("a.example", "b.example")
    backlog.add([begun])
    assert backlog.take(0) is begun
    backlog.add([waiting])
    backlog.add([waiting, begun])
    assert len(backlog) == 1
    backlog.end(begun, Kind.NOT_SENT, 0)
    backlog.add([begun])
    assert sorted(one.id for one in take_all(backlog)) == [waiting.id, begun.id]


def test_a_row_that_was_put_off_may_come_back() -> None:
    backlog = make_backlog()
    make_rest(backlog, "a.example")
    backlog.add(rows("a.example"))
    assert [len(there) for _, there in backlog.pop_resting(0)] == [1]
    backlog.add(rows("a.example"))
    assert len(backlog) == 1


def test_a_domain_has_no_more_begun_than_its_window() -> None:
    backlog = make_backlog()
    backlog.add(rows(*["a.example"] * 5))
    first, second = take_all(backlog)
    assert backlog.take(0) is None and not backlog.has_ready
    backlog.end(first, Kind.PERMANENT, 0)
    assert backlog.has_ready
    assert [one.id for one in take_all(backlog)] == [2]
    backlog.end(second, Kind.TEMPORARY, 0)
    assert take_all(backlog) == []  # halved to one, which is under way


def test_a_domain_is_one_in_whatever_case() -> None:
    backlog = make_backlog()
    backlog.add(rows("A.example", "a.EXAMPLE", "a.example"))
    assert len(take_all(backlog)) == WINDOW
    assert domain_of(row(1, "A.Example")) == "a.example"


def test_a_row_put_back_is_the_next_of_its_domain() -> None:
    backlog = make_backlog()
    backlog.add(rows("a.example", "a.example"))
    taken = backlog.take(0)
    assert taken is not None and len(backlog) == 1
    backlog.put_back(taken, 0)
    assert len(backlog) == 2
    assert [one.id for one in take_all(backlog)] == [0, 1]


def test_rows_of_a_domain_that_rests_are_given_out_for_later_and_others_stay() -> None:
    backlog = make_backlog()
    make_rest(backlog, "slow.example")
    backlog.add([row(1, "slow.example"), row(2, "well.example"), row(3, "slow.example")])
    assert [one.id for one in take_all(backlog)] == [2]
    assert backlog.has_resting(1) and not backlog.has_resting(REST * 1.2)
    ((seconds, resting),) = backlog.pop_resting(1)
    assert 0.8 * REST - 1 <= seconds <= 1.2 * REST - 1
    assert [one.id for one in resting] == [1, 3]
    assert (len(backlog), backlog.pop_resting(1), backlog.has_resting(1)) == (0, [], False)


def test_after_its_rest_one_row_tries_the_domain() -> None:
    backlog = make_backlog()
    make_rest(backlog, "slow.example")
    later = 1.3 * REST
    backlog.add([row(1, "slow.example"), row(2, "slow.example")])
    assert take_all(backlog, 1) == []
    assert backlog.pop_resting(later) == [] and backlog.has_ready
    (trial,) = take_all(backlog, later)
    backlog.end(trial, Kind.ACCEPTED, later)
    assert [one.id for one in take_all(backlog, later)] == [2]


class Sending(RuleBasedStateMachine):
    """A backlog as lanes and the feed use it, against plain counts."""

    domains = st.sampled_from(["a.example", "b.example", "C.example"])

    def __init__(self) -> None:
        super().__init__()
        self.backlog = make_backlog()
        self.number, self.now = 0, 0.0
        self.waiting: set[int] = set()
        self.begun: list[Claimed] = []

    @rule(domains=st.lists(domains, min_size=1, max_size=8))
    def add(self, domains: list[str]) -> None:
        fresh = [row(self.number + n, domain) for n, domain in enumerate(domains)]
        self.number += len(fresh)
        self.waiting |= {one.id for one in fresh}
        self.backlog.add(fresh)

    @rule()
    def take(self) -> None:
        taken = self.backlog.take(self.now)
        if taken is None:
            # Only windows that are full and rests may keep a row.
            if self.waiting and not self.begun:
                assert self.backlog.has_resting(self.now)
                assert self.backlog.pop_resting(self.now)
                raise_unless_empty(self.backlog)
                self.waiting.clear()
            return
        self.waiting.remove(taken.id)
        self.begun.append(taken)

    @precondition(lambda self: self.begun)
    @rule(
        at=st.integers(0, 100),
        kind=st.sampled_from([Kind.ACCEPTED, *[Kind.TEMPORARY] * 3, Kind.PERMANENT, Kind.NOT_SENT]),
    )
    def end(self, at: int, kind: Kind) -> None:
        self.backlog.end(self.begun.pop(at % len(self.begun)), kind, self.now)

    @precondition(lambda self: self.begun)
    @rule(at=st.integers(0, 100))
    def put_back(self, at: int) -> None:
        one = self.begun.pop(at % len(self.begun))
        self.backlog.put_back(one, self.now)
        self.waiting.add(one.id)

    @rule(seconds=st.sampled_from([1.0, 100.0, 500.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def put_off(self) -> None:
        for seconds, resting in self.backlog.pop_resting(self.now):
            assert 0 < seconds <= 1.2 * REST
            assert len({domain_of(one) for one in resting}) == 1
            self.waiting -= {one.id for one in resting}

    @invariant()
    def nothing_is_lost_and_no_window_exceeded(self) -> None:
        assert len(self.backlog) == len(self.waiting)
        assert max(Counter(domain_of(one) for one in self.begun).values(), default=0) <= 4


def raise_unless_empty(backlog: Backlog) -> None:
    if len(backlog):
        pytest.fail("rows wait of a domain that neither rests nor has any begun")


Sending.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestSending = Sending.TestCase
