"""The send window opens and closes by the clock, whatever the clock does."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.schedule.hours import open_hours
from pressrun.schedule.window import Window, common_window_of, window_of
from pressrun.source.model import Publication, Quiet, SendWindow
from small_publication import make_publication

VIENNA = ZoneInfo("Europe/Vienna")
NEW_YORK = ZoneInfo("America/New_York")
WEEK = frozenset(range(7))
MINUTE = dt.timedelta(minutes=1)


def publication(zone: str = "Europe/Vienna", **window: object) -> Publication:
    return make_publication(timezone=zone, send_window=SendWindow.model_validate(window))


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def test_without_a_window_mail_leaves_at_any_time() -> None:
    window = window_of(make_publication())
    now = utc("2026-06-30T03:00")
    assert (window.opens(now), window.closes(now)) == (now, None)
    assert window_of(publication()).closes(now) is None


@pytest.mark.parametrize(
    ("wanted", "now", "opens", "closes"),
    [
        # Vienna is two hours ahead of UTC in summer; 2026-06-30 is a Tuesday.
        ({"not_before": "09:00"}, "2026-06-30T05:00", "2026-06-30T07:00", "2026-06-30T05:00"),
        ({"not_before": "09:00"}, "2026-06-30T07:00", "2026-06-30T07:00", "2026-06-30T22:00"),
        ({"not_after": "18:00"}, "2026-06-30T16:00", "2026-06-30T22:00", "2026-06-30T16:00"),
        ({"not_after": "18:00"}, "2026-06-30T15:59:59", "2026-06-30T15:59:59", "2026-06-30T16:00"),
        ({"quiet": [{"start": "22:00", "end": "07:00"}]}, "2026-06-30T21:00", "2026-07-01T05:00", "2026-06-30T21:00"),
        ({"quiet": [{"start": "22:00", "end": "07:00"}]}, "2026-06-30T12:00", "2026-06-30T12:00", "2026-06-30T20:00"),
        ({"days": ["mon", "fri"]}, "2026-06-30T12:00", "2026-07-02T22:00", "2026-06-30T12:00"),
        ({"days": ["tue", "wed"]}, "2026-06-30T12:00", "2026-06-30T12:00", "2026-07-01T22:00"),
        ({"days": ["tue"], "not_after": "12:00"}, "2026-06-30T12:00", "2026-07-06T22:00", "2026-06-30T12:00"),
    ],
)
def test_when_it_opens_and_closes(wanted: dict[str, object], now: str, opens: str, closes: str) -> None:
    window = window_of(publication(**wanted))
    assert (window.opens(utc(now)), window.closes(utc(now))) == (utc(opens), utc(closes))


@pytest.mark.parametrize(
    ("zone", "wanted", "now", "opens"),
    [
        # Clocks skip 02:00 to 03:00: what begins in between begins when they have jumped.
        ("Europe/Vienna", {"not_before": "02:30"}, "2026-03-29T00:00", "2026-03-29T01:00"),
        ("America/New_York", {"not_before": "02:30"}, "2026-03-08T06:00", "2026-03-08T07:00"),
        # A window that lies in the skipped hour stays shut for that day.
        ("Europe/Vienna", {"not_before": "02:10", "not_after": "02:50"}, "2026-03-29T00:00", "2026-03-30T00:10"),
        (
            "Europe/Vienna",
            {"not_before": "02:10", "not_after": "02:50", "days": ["sun"]},
            "2026-03-28T23:30",
            "2026-04-05T00:10",
        ),
        # An hour that clocks show twice is open twice.
        ("Europe/Vienna", {"not_before": "02:10", "not_after": "02:50"}, "2026-10-25T00:55", "2026-10-25T01:10"),
        ("Australia/Lord_Howe", {"not_before": "02:15"}, "2026-10-03T15:00", "2026-10-03T15:30"),
    ],
)
def test_on_days_when_clocks_jump(zone: str, wanted: dict[str, object], now: str, opens: str) -> None:
    assert window_of(publication(zone, **wanted)).opens(utc(now)) == utc(opens)


def test_the_same_hours_elsewhere() -> None:
    window = window_of(publication(not_before="09:00")).in_zone(NEW_YORK)
    assert window.opens(utc("2026-06-30T12:00")) == utc("2026-06-30T13:00")


def test_quiet_hours_come_from_the_publication_as_times() -> None:
    quiet = Quiet.model_validate({"start": "12:00", "end": "13:00"})
    window = window_of(make_publication(send_window=SendWindow(quiet=(quiet,))))
    assert window.hours == ((0, 12 * 3600), (13 * 3600, 24 * 3600))


clock = st.times().map(lambda time: time.replace(microsecond=0))
quiet_hours = st.lists(st.tuples(clock, clock).filter(lambda pair: pair[0] != pair[1]), max_size=2)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    zone = ZoneInfo(
        draw(st.sampled_from(["Europe/Vienna", "America/New_York", "Australia/Lord_Howe", "Asia/Shanghai"]))
    )
    days = draw(st.frozensets(st.integers(0, 6), min_size=1))
    for quiet in (draw(quiet_hours), []):
        try:
            return Window(zone, open_hours(None, None, quiet), days)
        except ValueError:
            continue
    raise AssertionError


# The weeks around jumps: these are what may go wrong.
moments = st.sampled_from(["2026-03-08", "2026-03-29", "2026-04-05", "2026-10-04", "2026-10-25", "2026-11-01"]).flatmap(
    lambda day: st.datetimes(
        dt.datetime.fromisoformat(day) - dt.timedelta(days=9), dt.datetime.fromisoformat(day) + dt.timedelta(days=2)
    ).map(lambda moment: moment.replace(tzinfo=dt.UTC))
)


@given(windows(), moments, st.floats(0, 1))
def test_it_is_shut_until_it_opens_and_open_until_it_closes(window: Window, now: dt.datetime, part: float) -> None:
    opens = window.opens(now)
    assert opens >= now and window.is_open(opens)
    assert window.opens(opens) == opens
    if opens > now:
        assert window.closes(now) == now
        assert not window.is_open(now + (opens - now) * part * 0.999)
        assert not window.is_open(opens - dt.timedelta(seconds=1)) or opens - now < dt.timedelta(seconds=1)
    closes = window.closes(opens)
    if closes is None:
        assert window.days == WEEK
        return
    assert not window.is_open(closes)
    assert window.is_open(opens + (closes - opens) * part * 0.999)


def test_where_each_zone_has_a_window_of_its_own_there_is_none_for_all() -> None:
    night, shut = utc("2026-06-30T01:00"), SendWindow(not_before=dt.time(9))
    assert not common_window_of(make_publication(send_window=shut)).is_open(night)
    assert common_window_of(make_publication(send_window=shut, recipient_local=True)).closes(night) is None
