"""A preheader that says the subject or the title again is found, however it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from rule_findings import find
from small_issue import ISSUE

TITLE = "Spring News of the Small House"


@pytest.mark.parametrize("preheader", [TITLE, TITLE.lower(), TITLE.upper()])
def test_one_that_repeats_the_title_is_found_whatever_its_case(preheader: str, tmp_path: Path) -> None:
    issue = ISSUE.replace("What is small this spring", preheader) + f"title: {TITLE}\nsubject: A subject of its own\n"
    (finding,) = find("preheader", tmp_path, issue=issue)
    assert (finding.line, finding.column) == (5, 12)
    assert finding.message.startswith("the preheader repeats the title")


def test_one_that_repeats_title_and_subject_is_told_once(tmp_path: Path) -> None:
    issue = ISSUE.replace("What is small this spring", TITLE.lower()) + f"title: {TITLE}\n"
    (finding,) = find("preheader", tmp_path, issue=issue)
    assert finding.message.startswith("the preheader repeats the subject")
