"""Local times become moments, on the days when clocks jump too."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.schedule.moment import local_moment

ZONES = ["Europe/Vienna", "America/New_York", "Australia/Lord_Howe", "Asia/Shanghai", "Pacific/Apia", "Asia/Kathmandu"]


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("zone", "local", "expected"),
    [
        ("Asia/Shanghai", "2026-06-30T09:00", "2026-06-30T01:00"),
        ("Europe/Vienna", "2026-03-29T01:59", "2026-03-29T00:59"),
        ("Europe/Vienna", "2026-03-29T02:30", "2026-03-29T01:30"),  # skipped: shown as 03:30
        ("Europe/Vienna", "2026-03-29T03:00", "2026-03-29T01:00"),
        ("Europe/Vienna", "2026-10-25T02:30", "2026-10-25T00:30"),  # twice: the first
        ("Europe/Vienna", "2026-10-25T03:00", "2026-10-25T02:00"),
        ("America/New_York", "2026-03-08T02:30", "2026-03-08T07:30"),
        ("America/New_York", "2026-11-01T01:30", "2026-11-01T05:30"),
        ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:45"),  # jumps by half an hour
        ("Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45"),
        ("Pacific/Apia", "2011-12-30T09:00", "2011-12-30T19:00"),  # a whole day was skipped
    ],
)
def test_a_local_time_is_read_by_the_rule_of_rfc_5545(zone: str, local: str, expected: str) -> None:
    assert local_moment(dt.datetime.fromisoformat(local), ZoneInfo(zone)) == utc(expected)


def test_a_time_with_a_zone_is_none_of_a_clock_on_a_wall() -> None:
    with pytest.raises(ValueError, match="no zone of its own"):
        local_moment(utc("2026-06-30T09:00"), ZoneInfo("Asia/Shanghai"))


@given(
    st.datetimes(dt.datetime.fromisoformat("2000-01-01"), dt.datetime.fromisoformat("2037-12-31")),
    st.sampled_from(ZONES).map(ZoneInfo),
)
def test_clocks_show_the_local_time_or_skip_it(local: dt.datetime, zone: ZoneInfo) -> None:
    moment = local_moment(local, zone)
    assert moment.tzinfo is dt.UTC
    shown = moment.astimezone(zone)
    if shown.replace(tzinfo=None) == local:
        assert shown.fold == 0
        return
    # A gap: what is shown lies after it, by as much as the local time lies in it.
    jump = shown.replace(tzinfo=None) - local
    before = (moment - jump).astimezone(zone).utcoffset()
    after = shown.utcoffset()
    assert before is not None and after is not None
    assert after - before == jump > dt.timedelta(0)
