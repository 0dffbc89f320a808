"""What an inbox shows: subjects too wide, preheaders too thin, and what filters know spam by."""

from __future__ import annotations

from pathlib import Path

import pytest

from pressrun.check.width import columns_of
from rule_findings import find, places
from small_issue import ISSUE


def with_keys(subject: str | None = None, preheader: str | None = None, title: str | None = None) -> str:
    issue = ISSUE if preheader is None else ISSUE.replace("What is small this spring", f"'{preheader}'")
    issue += "" if subject is None else f"subject: '{subject}'\n"
    return issue + ("" if title is None else f"title: '{title}'\n")


@pytest.mark.parametrize(
    ("subject", "is_long"),
    [
        ("a" * 60, False),
        ("a" * 61, True),
        ("采" * 30, False),
        ("采" * 30 + "。", True),
        ("a" * 50 + "{{ name | " + "b" * 10 + " }}", False),
        ("a" * 50 + "{{ name | " + "b" * 11 + " }}", True),
    ],
)
def test_a_subject_is_measured_as_it_shows(subject: str, is_long: bool, tmp_path: Path) -> None:
    assert places("subject-long", tmp_path, issue=with_keys(subject)) == ([("issue.yaml", 15, 10)] if is_long else [])


def test_a_long_title_that_is_the_subject_is_found_at_the_title(tmp_path: Path) -> None:
    assert places("subject-long", tmp_path, issue=with_keys(title="a" * 70)) == [("issue.yaml", 15, 8)]


@pytest.mark.parametrize(
    ("preheader", "said"),
    [
        ("a" * 24, "inboxes have room for more"),
        ("a" * 25, None),
        ("采" * 13, None),
        ("a" * 130, None),
        ("a" * 131, "inboxes show 130 at most"),
        ("news of a long and rainy spring", "repeats the subject"),
    ],
)
def test_a_preheader_fills_its_room_and_adds_something(preheader: str, said: str | None, tmp_path: Path) -> None:
    found = find("preheader", tmp_path, issue=with_keys("News of a long and rainy spring", preheader))
    assert [said in finding.message for finding in found if said] == ([True] if said else [])
    assert [(finding.line, finding.column) for finding in found] == ([(5, 12)] if said else [])


@pytest.mark.parametrize(
    "subject",
    [
        "NEWS OF SPRING",
        "News!!",
        "真的？！",
        "Free money inside",
        "Free for you",
        "点击领取报告",
        "免费！",
        "$$$",
        "Act now: news",
    ],
)
def test_a_subject_that_shouts_is_found(subject: str, tmp_path: Path) -> None:
    assert places("spam-pattern", tmp_path, issue=with_keys(subject)) == [("issue.yaml", 15, 10)]


@pytest.mark.parametrize(
    "subject",
    [
        "UNEP and COP30",
        "COP30",
        "News!",
        "Fossil-free buying",
        "免费课程上线",
        "发票数字化",
        "中文标题",
        "Is it free? A look",
    ],
)
def test_one_that_says_it_plainly_is_left_alone(subject: str, tmp_path: Path) -> None:
    assert places("spam-pattern", tmp_path, issue=with_keys(subject)) == []


@pytest.mark.parametrize(
    ("text", "columns"), [("", 0), ("abc", 3), ("采购", 4), ("，", 2), ("é", 1), ("e\u0301", 1), ("a\u200db", 2)]
)
def test_columns_are_those_of_a_terminal(text: str, columns: int) -> None:
    assert columns_of(text) == columns
