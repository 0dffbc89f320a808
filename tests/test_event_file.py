"""An event's calendar file is valid, says the right moment, and is known again by a calendar that has it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar
from icalendar import Event as CalendarEvent

from pressrun.event_file import event_uid, events_of, make_event_file
from pressrun.source.block import Event
from pressrun.source.issue import Issue
from rendered_issue import load_folder
from small_issue import ISSUE, PUBLICATION, write_small_issue

ARTICLE = """\
---
title: 活动
language: zh-CN
---
:::event
slug: talk
title: 关于EPEAT的报告会, 线上; 免费
starts: 2026-06-30 09:00
ends: 2026-06-30 17:00
place: 日内瓦"万国宫"
text: "**欢迎**{{ name | 您 }}参加。"
url: "https://www.example.com/talk?a=1,2;3"
:::

::: when city == "Wien"
:::event
slug: walk
title: A walk
starts: 2026-06-30
:::
::: otherwise
:::event
slug: swim
title: A swim
starts: 2026-07-01
:::
:::
"""


@pytest.fixture
def issue(tmp_path: Path) -> Issue:
    return load_folder(write_small_issue(tmp_path, second=ARTICLE))


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Issue:
    """An issue without events."""
    return load_folder(write_small_issue(tmp_path_factory.mktemp("bare")))


def an_event(starts: str, ends: str | None = None, **more: str) -> Event:
    return Event.model_validate({"slug": "one", "title": "One", "starts": starts, "ends": ends, **more})


def read(content: bytes) -> CalendarEvent:
    calendar = Calendar.from_ical(content.decode())
    assert calendar.errors == []
    assert (calendar["version"], calendar["prodid"]) == ("2.0", "-//pressrun//pressrun//EN")
    (event,) = calendar.walk("VEVENT")
    assert isinstance(event, CalendarEvent)
    assert event.errors == []
    return event


def lines(content: bytes) -> list[str]:
    return content.decode().replace("\r\n ", "").split("\r\n")


def test_every_event_of_an_issue_is_found_in_its_order(issue: Issue) -> None:
    assert [event.slug for event in events_of(issue)] == ["talk", "walk", "swim"]


def test_the_file_says_what_when_and_where(issue: Issue) -> None:
    event = read(make_event_file(issue, events_of(issue)[0]))
    assert event["summary"] == "关于 EPEAT 的报告会, 线上; 免费"
    assert event["location"] == "日内瓦“万国宫”"
    assert event["description"] == "欢迎您参加。"
    assert event["url"] == "https://www.example.com/talk?a=1,2;3"
    assert event.decoded("dtstart") == dt.datetime(2026, 6, 30, 7, tzinfo=dt.UTC)
    assert event.decoded("dtend") == dt.datetime(2026, 6, 30, 15, tzinfo=dt.UTC)


def test_texts_are_escaped_and_moments_in_utc(issue: Issue) -> None:
    written = lines(make_event_file(issue, events_of(issue)[0]))
    assert "SUMMARY:关于 EPEAT 的报告会\\, 线上\\; 免费" in written
    assert "DTSTART:20260630T070000Z" in written
    assert "URL:https://www.example.com/talk?a=1,2;3" in written


def test_an_event_without_an_address_leads_to_its_issue(issue: Issue) -> None:
    assert read(make_event_file(issue, an_event("2026-06-30")))["url"] == issue.url


@pytest.mark.parametrize(
    ("starts", "ends", "after"),
    [
        ("2026-06-30", None, "20260701"),
        ("2026-06-30", "2026-06-30", "20260701"),
        ("2026-06-30", "2026-07-02", "20260703"),
    ],
)
def test_days_end_before_the_day_after(issue: Issue, starts: str, ends: str | None, after: str) -> None:
    written = lines(make_event_file(issue, an_event(starts, ends)))
    assert "DTSTART;VALUE=DATE:20260630" in written
    assert f"DTEND;VALUE=DATE:{after}" in written


@pytest.mark.parametrize(
    ("starts", "moment"),
    [
        ("2026-03-29 02:30", "20260329T013000Z"),  # skipped in Vienna: half an hour after the jump
        ("2026-10-25 02:30", "20261025T003000Z"),  # there twice: the first one
    ],
)
def test_a_time_on_a_day_when_clocks_jump_is_one_moment(issue: Issue, starts: str, moment: str) -> None:
    assert f"DTSTART:{moment}" in lines(make_event_file(issue, an_event(starts)))


@pytest.mark.parametrize("ends", [None, "2026-03-29 02:30", "2026-03-29 03:15"])
def test_an_end_that_is_not_later_is_left_out(issue: Issue, ends: str | None) -> None:
    event = read(make_event_file(issue, an_event("2026-03-29 02:30", ends)))  # 03:15 comes before 02:30 there
    assert "dtend" not in event


def test_a_second_build_has_the_same_bytes_and_another_event_another_name(issue: Issue) -> None:
    talk, walk, swim = events_of(issue)
    assert make_event_file(issue, talk) == make_event_file(issue, talk)
    assert len({event_uid(issue, event) for event in (talk, walk, swim)}) == 3
    renamed = talk.model_copy(update={"title": "Another", "starts": dt.date(2027, 1, 1), "ends": None})
    assert event_uid(issue, renamed) == event_uid(issue, talk)


def test_the_name_is_made_of_the_publications_tag_and_never_changes(issue: Issue) -> None:
    # Calendars know the event by it: were it another in a later version, they would show the event twice.
    assert str(event_uid(issue, events_of(issue)[0])) == "7190f996-642d-5a52-a31c-f3881a786ff2"


def test_a_correction_makes_a_newer_version_of_the_same_event(tmp_path: Path) -> None:
    first = load_folder(write_small_issue(tmp_path / "a", second=ARTICLE))
    corrections = "corrections:\n  - {date: 2026-04-02, what: The hour.}\n  - {date: 2026-04-09, what: The place.}\n"
    later = load_folder(write_small_issue(tmp_path / "b", second=ARTICLE, issue=ISSUE + corrections))
    old, new = (read(make_event_file(each, events_of(each)[0])) for each in (first, later))
    assert old["uid"] == new["uid"]
    assert "sequence" not in old
    assert new["sequence"] == 2
    assert old.decoded("dtstamp") == dt.datetime(2026, 3, 31, 7, tzinfo=dt.UTC)
    assert new.decoded("dtstamp") == dt.datetime(2026, 4, 9, 7, tzinfo=dt.UTC)


def test_the_text_is_set_in_the_articles_language_or_the_publications(tmp_path: Path) -> None:
    publication = PUBLICATION.replace("language: en", "language: fr")
    article = '---\ntitle: x\n---\n:::event\nslug: a\ntitle: Le "jour"\nstarts: 2026-06-30\n:::\n'
    issue = load_folder(write_small_issue(tmp_path, publication=publication, second=article))
    assert read(make_event_file(issue, events_of(issue)[0]))["summary"] == "Le « jour »"


@settings(deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs", "Cc", "Co", "Cn", "Zl", "Zp"]), min_size=1))
def test_any_text_comes_back_from_lines_of_75_octets(bare: Issue, text: str) -> None:
    place = "x" + text.replace('"', "").replace("'", "").replace("-", "").replace(".", "").strip() + "x"
    event = an_event("2026-06-30", place=place)
    content = make_event_file(bare, event)
    assert max(len(line) for line in content.split(b"\r\n")) <= 75  # RFC 5545 §3.1
    for line in content.split(b"\r\n"):
        line.decode()  # no character is cut in two
    assert read(content)["location"] == place
