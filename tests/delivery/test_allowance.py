"""Allowances: never more than the rate and one burst, the day's number to the message, whatever the clocks do."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pressrun.delivery.allowance import Account, Allowance, burst_of, has_limit, put_back, take
from pressrun.delivery.relay import Relay, Warmup

NOW = dt.datetime(2026, 11, 20, 9, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)
DAY = dt.timedelta(days=1)


def relay(rate: float | None = None, *steps: int, start: dt.date = NOW.date()) -> Relay:
    return Relay("r.example.com", 25, rate=rate, warmup=Warmup(start, steps) if steps else None)


class Book:
    """The store's part, in memory."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.account: Account | None = None

    def take(self, wanted: int, now: dt.datetime) -> Allowance:
        allowance = take(self.relay, self.account, wanted, now)
        self.account = allowance.account
        return allowance

    def put_back(self, allowance: Allowance, unused: int) -> None:
        assert self.account is not None
        self.account = put_back(self.relay, self.account, allowance, unused)

    def take_all(self, now: dt.datetime) -> int:
        """As many as there are at one moment."""
        total = 0
        while (count := self.take(10**6, now).count) > 0:
            total += count
        return total


def test_a_relay_without_limits_gives_what_is_wanted() -> None:
    assert take(relay(), None, 500, NOW) == Allowance(500, NOW)
    assert not has_limit(relay(), NOW)


@pytest.mark.parametrize(("rate", "burst"), [(100.0, 100), (13.9, 13), (1.0, 1), (0.01, 1)])
def test_a_burst_is_a_second_s_worth_and_one_at_least(rate: float, burst: int) -> None:
    assert burst_of(rate) == burst
    assert Book(relay(rate)).take_all(NOW) == burst


def test_a_rate_comes_back_with_time_and_no_more_than_a_burst_is_saved_up() -> None:
    book = Book(relay(100))
    assert book.take_all(NOW) == 100
    assert book.take_all(NOW + SECOND / 2) == 50
    assert book.take_all(NOW + 10 * SECOND) == 100


def test_only_what_is_wanted_is_reserved() -> None:
    book = Book(relay(100))
    assert book.take(30, NOW).count == 30
    assert book.take_all(NOW) == 70


def test_it_is_worth_asking_again_when_a_quarter_of_a_burst_is_free() -> None:
    book = Book(relay(100))
    assert book.take(30, NOW).free_at == NOW
    assert book.take(70, NOW).free_at == NOW + SECOND / 4
    assert book.take(100, NOW + SECOND / 4).count == 25


@given(st.floats(1e-6, 1e6), st.integers(1, 10**6))
@example(50000 / 3600, 13)
@example(1e5, 1)
def test_where_nothing_is_given_there_is_a_later_moment_at_which_something_is(rate: float, wanted: int) -> None:
    book = Book(relay(rate))
    book.take_all(NOW)
    nothing = book.take(wanted, NOW)
    assert nothing.count == 0
    assert nothing.free_at > NOW
    assert book.take(wanted, nothing.free_at).count >= 1


@settings(max_examples=300, deadline=None)
@given(
    rate=st.floats(1e-3, 1e4) | st.sampled_from([100.0, 50000 / 3600, 1e5 / 86400, 1.0, 3.0]),
    events=st.lists(
        st.tuples(st.floats(0, 5) | st.just(0.0), st.integers(1, 3000), st.floats(0, 1), st.integers(0, 3)), max_size=40
    ),
)
def test_no_more_is_let_through_in_any_time_than_the_rate_allows_and_one_burst(
    rate: float, events: list[tuple[float, int, float, int]]
) -> None:
    """Several workers reserve, use some, and give the rest back at once, later or never."""
    book, now, sent = Book(relay(rate)), NOW, list[tuple[dt.datetime, int]]()
    kept: list[tuple[int, Allowance]] = []
    for seconds, wanted, used, back in events:
        now += seconds * SECOND
        allowance = book.take(wanted, now)
        sent.append((now, allowance.count))
        kept.append((len(sent) - 1, allowance))
        if back and back <= len(kept):
            at, earlier = kept.pop(-back)
            unused = earlier.count - round(earlier.count * used)
            book.put_back(earlier, unused)
            sent[at] = (sent[at][0], earlier.count - unused)
    for first, (begin, _) in enumerate(sent):
        total = 0
        for moment, count in sent[first:]:
            total += count
            assert total <= rate * (moment - begin).total_seconds() + burst_of(rate) + 1e-5


@settings(max_examples=200, deadline=None)
@given(
    rate=st.none() | st.floats(0.1, 100),
    steps=st.lists(st.integers(0, 300), min_size=1, max_size=4),
    events=st.lists(st.tuples(st.floats(0, 9), st.integers(1, 400), st.floats(0, 1)), max_size=60),
)
def test_no_day_of_a_plan_takes_more_than_its_number(
    rate: float | None, steps: list[int], events: list[tuple[float, int, float]]
) -> None:
    book, now = Book(relay(rate, *steps)), NOW
    sent: dict[dt.date, int] = {}
    for hours, wanted, used in events:
        now += dt.timedelta(hours=hours)
        allowance = book.take(wanted, now)
        unused = allowance.count - round(allowance.count * used)
        if allowance.account is not None:
            book.put_back(allowance, unused)
        sent[now.date()] = sent.get(now.date(), 0) + allowance.count - unused
    plan = book.relay.warmup
    assert plan is not None
    for day, count in sent.items():
        most = plan.most_on(day)
        assert most is None or count <= most


@given(st.integers(0, 5000), st.integers(1, 5000))
def test_a_day_s_number_can_be_used_to_the_last_message(most: int, wanted: int) -> None:
    book, total = Book(relay(None, most)), 0
    while (allowance := book.take(wanted, NOW)).count:
        assert allowance.count <= max(1, min(100, (most - total) // 10))
        total += allowance.count
    assert total == most
    assert allowance.free_at == dt.datetime(2026, 11, 21, tzinfo=dt.UTC)


def test_each_day_has_its_number_and_after_the_last_there_is_none() -> None:
    book = Book(relay(None, 200, 500))
    assert [book.take_all(NOW + number * DAY) for number in (-1, 0, 1)] == [0, 200, 500]
    assert not has_limit(book.relay, NOW + 2 * DAY)
    assert book.take(10_000, NOW + 2 * DAY) == Allowance(10_000, NOW + 2 * DAY)


def test_a_rate_holds_on_after_the_plan() -> None:
    book = Book(relay(10, 5))
    assert book.take_all(NOW) == 5
    assert book.take_all(NOW + DAY) == 10


def test_days_are_days_in_utc() -> None:
    book = Book(relay(None, 200, 500))
    beijing = dt.timezone(dt.timedelta(hours=8))
    assert book.take_all(dt.datetime(2026, 11, 21, 7, 59, tzinfo=beijing)) == 200
    assert book.take_all(dt.datetime(2026, 11, 21, 8, 0, tzinfo=beijing)) == 500


def test_the_last_message_of_a_day_says_when_the_next_day_begins() -> None:
    book = Book(relay(None, 1, 1))
    assert book.take(5, NOW).free_at == dt.datetime(2026, 11, 21, tzinfo=dt.UTC)


def test_what_was_not_used_is_given_back() -> None:
    book = Book(relay(100, 1000))
    allowance = book.take(100, NOW)
    book.put_back(allowance, 60)
    assert book.account == Account(NOW + 0.4 * SECOND, NOW.date(), 40)


def test_no_more_is_given_back_than_was_reserved() -> None:
    book = Book(relay(100, 1000))
    book.take(40, NOW)
    book.put_back(book.take(20, NOW), 10**6)
    assert book.account == Account(NOW + 0.4 * SECOND, NOW.date(), 40)


def test_a_rate_gets_nothing_back_when_its_time_is_over() -> None:
    book = Book(relay(100))
    early = book.take(100, NOW)
    assert book.take_all(NOW + 10 * SECOND) == 100
    book.put_back(early, 100)
    assert book.take_all(NOW + 10 * SECOND) == 0


def test_a_day_gets_nothing_back_from_the_day_before() -> None:
    book = Book(relay(None, 100, 100))
    early = book.take(10, NOW)
    assert book.take_all(NOW + DAY) == 100
    book.put_back(early, 10)
    assert book.take_all(NOW + DAY) == 0


def test_a_clock_that_steps_back_a_day_neither_opens_the_gate_nor_jams_it() -> None:
    book = Book(relay(100))
    assert book.take_all(NOW) == 100
    assert book.take_all(NOW - DAY) == 0
    assert book.take_all(NOW - DAY + SECOND) == 100
    assert book.take_all(NOW - DAY + 2 * SECOND) == 100


def test_workers_whose_clocks_differ_by_seconds_share_one_rate() -> None:
    book, total = Book(relay(100)), 0
    for tenth in range(100):
        now = NOW + tenth * SECOND / 10
        total += book.take(100, now).count + book.take(100, now - 20 * SECOND).count
    assert total <= 100 * 9.9 + 100


def test_a_rate_that_was_raised_is_not_held_back_by_the_old_one() -> None:
    book = Book(relay(1 / 86400))
    assert book.take_all(NOW) == 1
    book.relay = relay(100)
    assert book.take_all(NOW + 2 * SECOND) == 0
    assert book.take_all(NOW + 4 * SECOND) == 100


def test_two_clocks_at_midnight_count_for_one_day_and_lose_nothing() -> None:
    book = Book(relay(None, 100, 200))
    midnight = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
    ahead, behind = midnight + SECOND, midnight - SECOND
    total = 0
    for _ in range(300):
        total += book.take(1, ahead).count + book.take(1, behind).count
    assert total == 200


def test_a_clock_behind_midnight_gets_no_more_than_its_own_day_s_number() -> None:
    book = Book(relay(None, 100, 200))
    midnight = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
    assert book.take(60, midnight + SECOND).count == 20
    assert book.take_all(midnight - SECOND) == 80
    assert book.take_all(midnight + SECOND) == 100


def test_a_clock_behind_midnight_does_not_pass_the_number_of_the_day_it_counts_for() -> None:
    book = Book(relay(None, 200, 50))
    midnight = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
    assert book.take(60, midnight + SECOND).count == 5
    assert book.take_all(midnight - SECOND) == 45
    assert book.take_all(midnight + SECOND) == 0


def test_a_clock_that_was_years_ahead_does_not_close_the_plan() -> None:
    book = Book(relay(None, *[100] * 1000))
    assert book.take_all(NOW + 300 * DAY) == 100
    assert book.take_all(NOW) == 0  # what was sent under the wrong date was sent today
    assert book.take_all(NOW + DAY) == 100
