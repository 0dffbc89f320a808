"""Numbers and dates of an issue are held against each other and against the publication's other issues."""

from __future__ import annotations

from pathlib import Path

import pytest

from rule_findings import find, places
from small_issue import FIRST, ISSUE, write_small_issue

Numbered = tuple[int, int, int]  # year, number in it, running total


def write_neighbour(folder: Path, id: str, numbered: Numbered, date: str = "2025-12-31") -> None:
    year, number, total = numbered
    neighbour = folder / "issues" / "small" / id
    neighbour.mkdir(parents=True)
    text = f"year: {year}\nnumber: {number}\ntotal: {total}\ndate: {date}\n"
    (neighbour / "issue.yaml").write_text(text, encoding="utf-8")


def numbered(year: int, number: int, total: int) -> str:
    return ISSUE.replace("year: 2026\nnumber: 1\ntotal: 7", f"year: {year}\nnumber: {number}\ntotal: {total}")


@pytest.mark.parametrize(
    ("before", "own", "lines"),
    [
        ((2025, 4, 6), (2026, 1, 7), []),
        ((2025, 4, 6), (2026, 2, 8), []),  # one between is not here
        ((2025, 2, 20), (2026, 2, 24), []),
        ((2025, 4, 6), (2026, 2, 7), [2]),  # 2 after 4
        ((2026, 1, 6), (2026, 2, 7), []),
        ((2026, 1, 6), (2026, 3, 8), []),
        ((2026, 1, 6), (2026, 3, 7), [3]),
        ((2026, 1, 6), (2026, 2, 8), [3]),
        ((2025, 4, 9), (2026, 1, 7), [3]),
        ((2026, 1, 6), (2026, 1, 7), [2]),
        ((2025, 4, 7), (2026, 1, 7), [3]),
        ((2026, 2, 8), (2026, 1, 7), []),  # the other comes after; its own check tells
    ],
)
def test_a_step_between_two_issues_has_to_be_possible(
    before: Numbered, own: Numbered, lines: list[int], tmp_path: Path
) -> None:
    write_neighbour(tmp_path, "before", before)
    assert [line for _, line, _ in places("numbering", tmp_path, issue=numbered(*own))] == lines


def test_a_faulty_neighbour_is_passed_over(tmp_path: Path) -> None:
    write_neighbour(tmp_path, "2025-03", (2025, 3, 5))
    write_neighbour(tmp_path, "2025-04", (2025, 4, 6))
    (tmp_path / "issues/small/2025-04/issue.yaml").write_text("year: soon\n", encoding="utf-8")
    write_neighbour(tmp_path, "2025-05", (2025, 5, 7))
    (tmp_path / "issues/small/2025-05/issue.yaml").write_bytes(b"\xff")
    assert places("numbering", tmp_path, issue=numbered(2026, 1, 7)) == []


def test_issues_that_are_not_here_are_told_of(tmp_path: Path) -> None:
    write_neighbour(tmp_path, "2025-02", (2025, 2, 4))
    (finding,) = find("issue-missing", tmp_path, issue=numbered(2026, 1, 7))
    assert finding.message == "no issue here has the 2 running numbers between 2025-02 and this one"


def dated(changes: str, date: str = "2026-03-31") -> str:
    return ISSUE.replace("2026-03-31", date) + changes


@pytest.mark.parametrize(
    ("issue", "places_"),
    [
        (dated(""), []),
        (dated("lists: [a]\nsend_at: 2026-03-31 09:00\n"), []),
        (dated("lists: [a]\nsend_at: 2026-04-01 09:00\n"), [(16, 10)]),
        (dated("", "2027-02-01"), []),
        (dated("", "2027-04-01"), [(4, 7)]),
        (dated("", "2025-12-31"), [(4, 7)]),
        (dated("title: Spring 2025\n"), [(15, 8)]),
        (dated("title: Spring 2026\n"), []),
        (dated("subject: Looking back at 2025 and ahead to 2026\n"), []),
        (dated("subject: The road to 2030\n"), []),
        (dated("subject: 2025年第1期\n"), [(15, 10)]),
        (dated("subject: No. 2025/3 of 3.2025\n"), []),
        (dated("corrections:\n- {date: 2026-03-01, what: A.}\n"), [(16, 10)]),
        (dated("corrections:\n- {date: 2026-04-01, what: A.}\n"), []),
    ],
)
def test_dates_and_years_of_an_issue_agree(issue: str, places_: list[tuple[int, int]], tmp_path: Path) -> None:
    assert [(line, column) for _, line, column in places("dates-disagree", tmp_path, issue=issue)] == places_


def test_an_article_is_updated_after_the_issue_came_out(tmp_path: Path) -> None:
    first = FIRST.replace("title: The first\n", "title: The first\nupdated: 2026-03-30\n")
    assert places("dates-disagree", tmp_path, first=first) == [("first.md", 3, 10)]
    assert places("dates-disagree", tmp_path, first=first.replace("03-30", "04-02")) == []


def test_an_issue_is_not_dated_before_one_numbered_before_it(tmp_path: Path) -> None:
    write_neighbour(tmp_path, "2025-04", (2025, 4, 6), date="2026-04-30")
    (finding,) = find("dates-disagree", tmp_path)
    assert (finding.line, "2025-04, numbered before it, 2026-04-30" in finding.message) == (4, True)


def test_the_neighbours_are_those_of_the_same_publication(tmp_path: Path) -> None:
    write_small_issue(tmp_path)
    other = tmp_path / "issues" / "tall" / "2026-01"
    other.mkdir(parents=True)
    (other / "issue.yaml").write_text(ISSUE, encoding="utf-8")
    assert places("numbering", tmp_path) == []


@pytest.mark.parametrize(
    ("times", "lines"),
    [
        ("starts: 2026-03-31", []),
        ("starts: 2026-03-30 18:00", [7]),
        ("starts: 2026-03-30\nends: 2026-04-02", []),
        ("starts: 2026-03-01\nends: 2026-03-02", [8]),
    ],
)
def test_an_event_is_not_over_when_the_issue_comes_out(times: str, lines: list[int], tmp_path: Path) -> None:
    second = f"---\ntitle: x\n---\n:::event\nslug: a\ntitle: A\n{times}\n:::\n"
    assert [line for _, line, _ in places("dates-disagree", tmp_path, second=second)] == lines
