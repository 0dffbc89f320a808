"""A reader is told when an event takes place in their own language's form, by the publication's clocks."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from pressrun.event_time import tell_date, tell_event_time
from pressrun.source.block import Event


def told(language: str, zone: str, starts: str, ends: str | None = None) -> str:
    event = Event.model_validate({"slug": "talk", "title": "A talk", "starts": starts, "ends": ends})
    return tell_event_time(event, language, ZoneInfo(zone))


@pytest.mark.parametrize(
    ("language", "day"),
    [
        ("zh-CN", "2026年6月3日"),
        ("ja", "2026年6月3日"),
        ("en", "3 June 2026"),
        ("fr-CH", "3 juin 2026"),
        ("ar", "3 يونيو 2026"),
        ("sw", "2026-06-03"),
    ],
)
def test_a_day_is_written_as_its_language_writes_it(language: str, day: str) -> None:
    assert tell_date(dt.date(2026, 6, 3), language) == day


@pytest.mark.parametrize(
    ("language", "zone", "time"),
    [
        ("en", "Europe/London", "30 June 2026, 09:00–17:00 (BST)"),
        ("en", "Asia/Shanghai", "30 June 2026, 09:00–17:00 (UTC+8)"),
        ("en", "America/St_Johns", "30 June 2026, 09:00–17:00 (UTC−2:30)"),
        ("en", "UTC", "30 June 2026, 09:00–17:00 (UTC)"),
        ("fr", "Europe/Paris", "30 juin 2026, 09:00–17:00 (CEST)"),
        ("ar", "Africa/Cairo", "30 يونيو 2026، 09:00–17:00 (EEST)"),
        ("zh-CN", "Asia/Shanghai", "2026年6月30日 09:00—17:00（北京时间）"),
        ("zh-CN", "Europe/Paris", "2026年6月30日 09:00—17:00（巴黎时间，UTC+2）"),
        ("zh-CN", "Asia/Kolkata", "2026年6月30日 09:00—17:00（UTC+5:30）"),
        ("ja", "Asia/Tokyo", "2026年6月30日 09:00～17:00（JST）"),
        ("sw", "Africa/Nairobi", "2026-06-30 09:00–17:00 (EAT)"),
    ],
)
def test_hours_of_one_day_are_told_with_their_zone(language: str, zone: str, time: str) -> None:
    assert told(language, zone, "2026-06-30 09:00", "2026-06-30 17:00") == time


@pytest.mark.parametrize("ends", [None, "2026-06-30 09:00"])
def test_an_event_without_an_end_is_told_by_its_beginning(ends: str | None) -> None:
    assert told("en", "Europe/London", "2026-06-30 09:00", ends) == "30 June 2026, 09:00 (BST)"


def test_hours_of_several_days_are_told_with_both_days() -> None:
    span = ("2026-12-30 09:00", "2027-01-02 17:00")
    assert told("en", "Europe/London", *span) == "30 December 2026, 09:00 – 2 January 2027, 17:00 (GMT)"
    assert told("zh", "Asia/Shanghai", *span) == "2026年12月30日 09:00—2027年1月2日 17:00（北京时间）"
    assert told("zh", "Asia/Shanghai", "2026-06-30 09:00", "2026-07-01 17:00").endswith("—7月1日 17:00（北京时间）")


def test_hours_of_several_days_are_told_in_any_language() -> None:
    assert told("sw", "UTC", "2026-06-30 09:00", "2026-07-01 17:00") == "2026-06-30 09:00 – 2026-07-01 17:00 (UTC)"


def test_each_end_has_its_zone_where_clocks_are_put_back_between() -> None:
    time = told("en", "Europe/London", "2026-10-24 09:00", "2026-10-25 17:00")
    assert time == "24 October 2026, 09:00 (BST) – 25 October 2026, 17:00 (GMT)"
    assert told("en", "Europe/Vienna", "2026-10-25 01:00", "2026-10-25 12:00") == (
        "25 October 2026, 01:00 (CEST) – 25 October 2026, 12:00 (CET)"
    )


def test_a_time_that_clocks_skip_is_told_as_they_show_it() -> None:
    assert told("en", "Europe/Vienna", "2026-03-29 02:30") == "29 March 2026, 03:30 (CEST)"


def test_of_a_time_that_clocks_show_twice_the_first_is_told() -> None:
    assert told("en", "Europe/Vienna", "2026-10-25 02:30") == "25 October 2026, 02:30 (CEST)"


@pytest.mark.parametrize(
    ("language", "starts", "ends", "days"),
    [
        ("en", "2026-06-30", None, "30 June 2026"),
        ("en", "2026-06-30", "2026-06-30", "30 June 2026"),
        ("en", "2026-07-01", "2026-07-03", "1–3 July 2026"),
        ("en", "2026-06-30", "2026-07-02", "30 June – 2 July 2026"),
        ("en", "2026-12-30", "2027-01-02", "30 December 2026 – 2 January 2027"),
        ("ar", "2026-07-01", "2026-07-03", "1–3 يوليو 2026"),
        ("zh", "2026-06-30", None, "2026年6月30日"),
        ("zh", "2026-07-01", "2026-07-03", "2026年7月1日—3日"),
        ("zh", "2026-06-30", "2026-07-02", "2026年6月30日—7月2日"),
        ("zh", "2026-12-30", "2027-01-02", "2026年12月30日—2027年1月2日"),
        ("ja", "2026-07-01", "2026-07-03", "2026年7月1日～3日"),
        ("sw", "2026-07-01", "2026-07-03", "2026-07-01 – 2026-07-03"),
    ],
)
def test_days_are_told_without_hour_or_zone(language: str, starts: str, ends: str | None, days: str) -> None:
    assert told(language, "Pacific/Apia", starts, ends) == days
