"""The open hours of a day: bounds, quiet hours over midnight, and what leaves nothing."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.schedule.hours import DAY, open_hours

HOUR = 3600
clock = st.times().map(lambda time: time.replace(microsecond=0))


def at(hour: int, minute: int = 0) -> dt.time:
    return dt.time(hour, minute)


@pytest.mark.parametrize(
    ("bounds", "quiet", "expected"),
    [
        ((None, None), [], [(0, DAY)]),
        ((at(9), at(18)), [], [(9 * HOUR, 18 * HOUR)]),
        ((at(0), None), [], [(0, DAY)]),
        ((None, None), [(at(22), at(7))], [(7 * HOUR, 22 * HOUR)]),
        ((None, None), [(at(22), at(0))], [(0, 22 * HOUR)]),
        ((at(9), at(18)), [(at(12), at(13, 30))], [(9 * HOUR, 12 * HOUR), (13 * HOUR + 1800, 18 * HOUR)]),
        ((at(9), at(18)), [(at(8), at(10)), (at(9, 30), at(11))], [(11 * HOUR, 18 * HOUR)]),
    ],
)
def test_what_is_open(
    bounds: tuple[dt.time | None, dt.time | None],
    quiet: list[tuple[dt.time, dt.time]],
    expected: list[tuple[int, int]],
) -> None:
    assert list(open_hours(*bounds, quiet)) == expected


@pytest.mark.parametrize(
    ("bounds", "quiet", "fault"),
    [
        ((at(18), at(9)), [], "not_after is not later"),
        ((at(9), at(9)), [], "not_after is not later"),
        ((None, at(0)), [], "not_after is not later"),
        ((None, None), [(at(9), at(9))], "end when they begin"),
        ((at(9), at(18)), [(at(8), at(19))], "no hour of the day"),
        ((None, None), [(at(6), at(18)), (at(18), at(6))], "no hour of the day"),
    ],
)
def test_what_leaves_nothing_is_refused(
    bounds: tuple[dt.time | None, dt.time | None], quiet: list[tuple[dt.time, dt.time]], fault: str
) -> None:
    with pytest.raises(ValueError, match=fault):
        open_hours(*bounds, quiet)


@given(st.lists(st.tuples(clock, clock).filter(lambda pair: pair[0] != pair[1]), max_size=4), clock)
def test_a_time_is_open_where_no_quiet_hours_hold_it(quiet: list[tuple[dt.time, dt.time]], now: dt.time) -> None:
    second = now.hour * HOUR + now.minute * 60 + now.second
    is_quiet = any(start <= now < end if start < end else now >= start or now < end for start, end in quiet)
    try:
        hours = open_hours(None, None, quiet)
    except ValueError:
        assert is_quiet
        return
    assert any(begin <= second < end for begin, end in hours) is not is_quiet
