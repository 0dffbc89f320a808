"""Rules for days: what they give, and what is refused before it can loop for ever."""

from __future__ import annotations

import datetime as dt
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.schedule.rule import check_rule, read_rule

SINCE = dt.date(2026, 1, 1)


def days(text: str, count: int = 3, since: dt.date = SINCE) -> list[str]:
    return [day.date().isoformat() for day in islice(read_rule(text, since), count)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FREQ=MONTHLY;BYMONTHDAY=-1", ["2026-01-31", "2026-02-28", "2026-03-31"]),
        ("FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=1", ["2026-01-01", "2026-04-01", "2026-07-01"]),
        ("FREQ=MONTHLY;BYDAY=1MO", ["2026-01-05", "2026-02-02", "2026-03-02"]),
        ("freq=weekly;byday=fr", ["2026-01-02", "2026-01-09", "2026-01-16"]),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", ["2028-02-29", "2032-02-29", "2036-02-29"]),
        ("FREQ=DAILY;UNTIL=20260102", ["2026-01-01", "2026-01-02"]),
        ("FREQ=DAILY;COUNT=1", ["2026-01-01"]),
    ],
)
def test_the_days_of_a_rule(text: str, expected: list[str]) -> None:
    assert check_rule(text) == text
    assert days(text) == expected


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("every month", "written like FREQ=MONTHLY"),
        ("", "written like FREQ=MONTHLY"),
        ("FREQ=", "written like FREQ=MONTHLY"),
        ("RRULE:FREQ=DAILY", "RRULE:FREQ has no place"),
        ("DTSTART=20260101;FREQ=DAILY", "DTSTART has no place"),
        ("FREQ=DAILY;BYHOUR=9", "BYHOUR has no place"),
        ("BYDAY=MO", "FREQ is one of DAILY, WEEKLY, MONTHLY, YEARLY"),
        ("FREQ=HOURLY", "FREQ is one of"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL is a number from 1"),
        ("FREQ=DAILY;INTERVAL=1000000000", "INTERVAL is a number from 1"),
        ("FREQ=DAILY;INTERVAL=٣", "INTERVAL is a number from 1"),
        ("FREQ=DAILY;FREQ=WEEKLY", "FREQ stands in the rule twice"),
        ("FREQ=WEEKLY;BYDAY=XX", "not a rule of RFC 5545: invalid 'BYDAY'"),
        ("FREQ=DAILY;UNTIL=20260101T000000Z", "UNTIL is a day"),
        ("FREQ=DAILY;UNTIL=20261350", "not a rule of RFC 5545"),
        ("FREQ=DAILY;COUNT=many", "not a rule of RFC 5545"),
    ],
)
def test_what_is_no_rule_for_days_is_refused(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        check_rule(text)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("FREQ=MONTHLY;BYMONTHDAY=99", "gives no day"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "gives no day"),
        ("FREQ=DAILY;INTERVAL=7;BYDAY=MO", "gives no day"),  # since a Thursday
        ("FREQ=DAILY;COUNT=0", "ends before its first day"),
        ("FREQ=DAILY;UNTIL=20251231", "ends before its first day"),
    ],
)
def test_a_rule_without_a_day_is_refused(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        read_rule(text, SINCE)


@given(st.dates(dt.date(1900, 1, 1), dt.date(2999, 12, 31)))
def test_a_rule_with_days_has_them_whenever_it_begins(since: dt.date) -> None:
    (day,) = days("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", 1, since)
    assert dt.date.fromisoformat(day) >= since
