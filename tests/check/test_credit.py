"""Articles of which nothing says where they come from are found, and reports without publisher or address."""

from __future__ import annotations

from pathlib import Path

import pytest

from pressrun.finding import Severity
from rule_findings import article, find, places
from small_issue import PUBLICATION

LONG = "A workshop asked how public buyers can move from the lowest price to value over a building’s whole life. " * 2


@pytest.mark.parametrize(
    ("body", "head", "is_found"),
    [
        (LONG, "", True),
        ("采" * 60, "", True),
        ("A notice of a line.", "", False),
        (LONG, "authors: [Ann]\n", False),
        (LONG, "sources: [{name: A source}]\n", False),
        (LONG + "[There](https://www.example.com) it stands.", "", False),
        (LONG + "\n\n:::report\ntitle: A\nsummary: B\n:::", "", False),
        (LONG + "\n\n:::quote\ntext: A\n:::", "", True),
    ],
)
def test_an_article_says_where_it_comes_from(body: str, head: str, is_found: bool, tmp_path: Path) -> None:
    found = places("source-missing", tmp_path, second=article(body, head))
    assert found == ([("second.md", 2, 1)] if is_found else [])


def test_where_the_colophon_says_it_for_all_it_is_only_good_to_know(tmp_path: Path) -> None:
    publication = PUBLICATION + "  statement: All is taken from public news.\n"
    (finding,) = find("source-missing", tmp_path, second=article(LONG), publication=publication)
    assert finding.severity is Severity.INFO


def test_a_report_without_credits_is_told_of_at_its_block(tmp_path: Path) -> None:
    body = "A.\n\n:::report\ntitle: A\npublisher: B\nsummary: C\n:::\n\n:::report\ntitle: D\nsummary: E\n:::"
    first, second = find("report-credit", tmp_path, second=article(body))
    assert (first.line, first.message) == (6, "this report has no url")
    assert (second.line, second.message) == (12, "this report has no publisher and no url")
