from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.delivery.relay import Warmup
from pressrun.rehearsal.expectation import Bound, Limits, expect, limits_in

NOON = dt.datetime(2026, 2, 20, 12, tzinfo=dt.UTC)
HALF_DAY = 43_200
PLAN = Warmup(dt.date(2026, 2, 20), (200, 500, 1_000))


def test_without_limits_it_takes_as_long_as_the_pace_says() -> None:
    found = expect(1_000, [Limits("a")], 50, NOON)
    assert found.seconds == pytest.approx(20, abs=0.01)
    assert (found.bound, found.end) == (Bound.PACE, NOON + dt.timedelta(seconds=found.seconds or 0))


def test_nothing_to_send_takes_no_time() -> None:
    assert expect(0, [Limits("a")], 50, NOON).seconds == 0


def test_the_rates_of_several_relays_add_up() -> None:
    found = expect(3_000, [Limits("a", 10), Limits("b", 20)], 5_000, NOON)
    assert found.seconds == pytest.approx(100, abs=0.01)
    assert found.bound is Bound.RATE


def test_one_relay_without_limits_takes_what_the_others_do_not() -> None:
    found = expect(3_000, [Limits("a", 10), Limits("b")], 1_000, NOON)
    assert found.seconds == pytest.approx(3, abs=0.01)
    assert found.bound is Bound.PACE


def test_a_rate_above_the_pace_holds_nothing_back() -> None:
    assert expect(1_000, [Limits("a", 1_000)], 100, NOON).bound is Bound.PACE


def test_a_warm_up_plan_spreads_over_its_days() -> None:
    # 200 on this day and 500 on the next: 50 are left for the third.
    found = expect(750, [Limits("a", warmup=PLAN)], 100, NOON)
    assert found.seconds == pytest.approx(HALF_DAY + 86_400 + 0.5, abs=0.01)
    assert found.bound is Bound.WARMUP


def test_before_its_warm_up_begins_a_relay_takes_nothing() -> None:
    later = Warmup(dt.date(2026, 2, 22), (200,))
    found = expect(100, [Limits("a", warmup=later)], 100, NOON)
    assert found.seconds == pytest.approx(HALF_DAY + 86_400 + 1, abs=0.01)


def test_a_send_goes_on_over_midnight_without_a_break() -> None:
    found = expect(86_400, [Limits("a", 1)], 100, NOON)
    assert found.seconds == pytest.approx(86_400, abs=0.01)
    assert found.bound is Bound.RATE


def test_over_a_year_is_told_as_such() -> None:
    slow = Limits("a", 1e-6)
    assert expect(1_000, [slow], 100, NOON).seconds is None
    assert expect(1_000, [slow], 100, NOON).end is None


def test_limits_are_read_and_neither_place_nor_password() -> None:
    urls = (
        "smtp://me:secret@relay.example.com:2525?rate=10/s&name=first smtps://other.example.com?warmup=2026-02-20:200"
    )
    first, second = limits_in(urls)
    assert first == Limits("first", 10.0, None)
    assert second.warmup == Warmup(dt.date(2026, 2, 20), (200,))
    assert "secret" not in repr((first, second))


@given(
    st.integers(0, 10_000_000),
    st.lists(st.floats(0.1, 1e5), min_size=1, max_size=3),
    st.floats(0.1, 1e5),
    st.integers(0, 366 * 86_400).map(lambda seconds: NOON + dt.timedelta(seconds=seconds)),
)
def test_with_rates_alone_it_is_the_slower_of_rates_and_pace(
    messages: int, rates: list[float], pace: float, start: dt.datetime
) -> None:
    found = expect(messages, [Limits(str(n), rate) for n, rate in enumerate(rates)], pace, start)
    wanted = messages / min(pace, sum(rates))
    if wanted > 366 * 86_400:
        assert found.seconds is None
    elif wanted < 365 * 86_400:
        assert found.seconds == pytest.approx(wanted, rel=1e-3, abs=0.01)
