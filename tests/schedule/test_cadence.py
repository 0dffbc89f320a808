"""Expected issues: on which days, and which of them have none that could go out."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pressrun.schedule.cadence import Candidate, Lack, belongs_to, expected, find_gaps, near_days, within
from pressrun.source.model import Cadence

VIENNA = ZoneInfo("Europe/Vienna")
SHANGHAI = ZoneInfo("Asia/Shanghai")


def cadence(rule: str = "FREQ=MONTHLY;BYMONTHDAY=-1", **changes: object) -> Cadence:
    return Cadence.model_validate({"rule": rule, "since": "2026-01-01"} | changes)


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def gaps(now: str, *issues: Candidate, cadence_: Cadence | None = None) -> list[tuple[str, Lack, str | None]]:
    found = find_gaps("spp", cadence_ or cadence(), SHANGHAI, utc(now), issues)
    assert all(gap.publication == "spp" and str(gap.day) in gap.said for gap in found)
    return [(gap.day.isoformat(), gap.lack, gap.issue) for gap in found]


def test_the_days_are_those_of_the_zone_with_both_ends() -> None:
    span = (utc("2026-01-31T20:00"), utc("2026-03-30T16:30"))
    assert expected(cadence(), VIENNA, *span) == [day("2026-01-31"), day("2026-02-28")]
    assert expected(cadence(), SHANGHAI, *span) == [day("2026-02-28"), day("2026-03-31")]  # hours ahead: next day


def test_days_are_looked_at_from_before_they_come_until_after_they_are_gone() -> None:
    assert near_days(cadence(), SHANGHAI, utc("2026-06-26T15:00")) == []
    for now in ("2026-06-26T16:00", "2026-06-30T00:00", "2026-07-03T15:00"):
        assert near_days(cadence(), SHANGHAI, utc(now)) == [day("2026-06-30")]
    assert near_days(cadence(), SHANGHAI, utc("2026-07-03T16:00")) == []


def test_an_issue_that_is_not_there_is_missing() -> None:
    assert gaps("2026-06-28T00:00") == [("2026-06-30", Lack.MISSING, None)]
    assert gaps("2026-06-20T00:00") == []


@pytest.mark.parametrize(
    ("date", "is_met"),
    [("2026-06-30", True), ("2026-06-16", True), ("2026-07-15", True), ("2026-06-15", False), ("2026-07-16", False)],
)
def test_an_issue_is_for_the_expected_day_it_is_nearest_to(date: str, is_met: bool) -> None:
    found = gaps("2026-06-28T00:00", Candidate("spp/2026-06", day(date)))
    assert found == ([] if is_met else [("2026-06-30", Lack.MISSING, None)])


def test_what_keeps_the_issue_from_going_out_is_told() -> None:
    broken = Candidate("spp/2026-06", day("2026-06-30"), Lack.FAULTY, "3 errors")
    assert gaps("2026-06-28T00:00", broken) == [("2026-06-30", Lack.FAULTY, "spp/2026-06")]
    sound = Candidate("spp/2026-06b", day("2026-06-29"))
    assert gaps("2026-06-28T00:00", broken, sound) == []


def test_a_rule_with_a_single_day_takes_what_is_dated_around_it() -> None:
    once = cadence("FREQ=DAILY;COUNT=1", since="2026-06-30")
    assert gaps("2026-06-28T00:00", Candidate("spp/2026", day("2026-06-01")), cadence_=once) == []
    assert gaps("2026-06-28T00:00", Candidate("spp/2024", day("2024-06-30")), cadence_=once) != []


# How far apart the days of a rule lie at most.
APART = {"FREQ=DAILY": 1, "FREQ=WEEKLY;BYDAY=MO,TH": 4, "FREQ=MONTHLY;BYMONTHDAY=-1": 31, "FREQ=YEARLY": 366}


@given(st.sampled_from(sorted(APART)), st.dates(day("2027-02-01"), day("2029-12-31")))
@settings(deadline=None)
def test_every_date_is_for_one_expected_day(rule: str, date: dt.date) -> None:
    wanted = cadence(rule)
    around = expected(wanted, VIENNA, *(utc(f"{date}T12:00") + dt.timedelta(days=n * APART[rule]) for n in (-1, 1)))
    assert sum(within(date, belongs_to(wanted, one)) for one in around) == 1
