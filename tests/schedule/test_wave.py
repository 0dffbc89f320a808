"""Waves: nine o'clock comes to each zone at its own moment."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import given
from hypothesis import strategies as st

from pressrun.schedule.hours import open_hours
from pressrun.schedule.wave import NOWHERE, REACH, all_waves, waves
from pressrun.schedule.window import Window

SHANGHAI = ZoneInfo("Asia/Shanghai")
NINE = dt.datetime.fromisoformat("2026-06-30T09:00")
names = st.lists(st.sampled_from(sorted(available_timezones())), max_size=8)


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def test_each_zone_has_its_moment() -> None:
    assert waves(NINE, ["Pacific/Auckland", "Asia/Shanghai", "Europe/Vienna"]) == {
        "Pacific/Auckland": utc("2026-06-29T21:00"),
        "Asia/Shanghai": utc("2026-06-30T01:00"),
        "Europe/Vienna": utc("2026-06-30T07:00"),
    }


def test_names_that_no_zone_has_are_left_out() -> None:
    assert waves(NINE, ["Europe/Viena", "", "../../etc/passwd", "/etc/localtime", "europe/vienna", "北京"]) == {}


def test_people_without_a_known_zone_go_with_the_publications() -> None:
    found = all_waves(NINE, ["Europe/Vienna", "Europe/Viena"], SHANGHAI)
    assert found == {
        "Europe/Vienna": utc("2026-06-30T07:00"),
        "Europe/Viena": utc("2026-06-30T01:00"),
        NOWHERE: utc("2026-06-30T01:00"),
    }


def test_the_window_is_that_of_the_place() -> None:
    from_ten = Window(SHANGHAI, open_hours(dt.time(10), None, []))
    assert waves(NINE, ["Europe/Vienna"], from_ten) == {"Europe/Vienna": utc("2026-06-30T08:00")}
    assert all_waves(NINE, [], SHANGHAI, from_ten) == {NOWHERE: utc("2026-06-30T02:00")}


@given(names, st.datetimes(dt.datetime.fromisoformat("2000-01-01"), dt.datetime.fromisoformat("2037-12-31")))
def test_the_waves_of_one_time_lie_within_reach(zones: list[str], local: dt.datetime) -> None:
    found = waves(local, zones)
    assert found.keys() == set(zones)
    assert not found or max(found.values()) - min(found.values()) <= REACH
