"""Findings that are meant so are left out and counted; a silence that does nothing is a finding itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from pressrun.check import Review, check, check_issue, examine, review
from pressrun.finding import Finding
from pressrun.source.loader import load_issue
from pressrun.workspace import open_workspace
from rule_findings import article
from small_issue import ISSUE, write_small_issue

HERE = "[here](https://www.example.com/a)"


def silence(*entries: str) -> str:
    return ISSUE + "silence:\n" + "".join(f"  - {{{entry}}}\n" for entry in entries)


def look(folder: Path, **changes: str) -> Review:
    return review(write_small_issue(folder, **changes), open_workspace(folder))


def told(findings: tuple[Finding, ...] | list[Finding]) -> list[tuple[str, int, int, str]]:
    return [(Path(f.path).name, f.line, f.column, f.code) for f in findings if f.code != "example-link"]


def of_files(found: Review) -> list[tuple[str, int, int, str]]:
    return [one for one in told(found.findings) if one[3] != "client-support"]


def test_a_rule_is_silenced_everywhere_or_in_one_file(tmp_path: Path) -> None:
    texts = {"first": article(HERE), "second": article(f"{HERE} {HERE}")}
    everywhere = look(tmp_path, issue=silence("rule: link-text, why: Meant so."), **texts)
    assert (of_files(everywhere), everywhere.silenced) == ([], 3)
    in_one = look(tmp_path, issue=silence("rule: link-text, file: second.md, why: Meant so."), **texts)
    assert (of_files(in_one), in_one.silenced) == ([("first.md", 4, 8, "link-text")], 2)


def test_an_error_of_a_rule_can_be_silenced_and_stops_nothing_then(tmp_path: Path) -> None:
    folder = write_small_issue(
        tmp_path,
        issue=silence("rule: private-link, why: For the house alone."),
        second=article("[a](http://localhost/a)"),
    )
    workspace = open_workspace(tmp_path)
    assert examine(folder, workspace).issue is not None
    assert told(examine(folder, workspace).findings) == []
    assert told(check(folder, workspace)) == []
    loaded = load_issue(folder)
    assert loaded.issue
    assert told(check_issue(loaded.issue)) == []


@pytest.mark.parametrize(
    ("rule", "hint"),
    [
        ("link-txt", "did you mean link-text?"),
        ("missing-file", "faults of loading can't be silenced"),
        ("bad-theme", "faults of loading can't be silenced"),
    ],
)
def test_a_rule_that_is_none_is_told_with_the_nearest(rule: str, hint: str, tmp_path: Path) -> None:
    found = look(tmp_path, issue=silence(f"rule: {rule}, why: So."))
    assert of_files(found) == [("issue.yaml", 16, 12, "silence-unknown")]
    assert hint in next(one.hint for one in found.findings if one.code == "silence-unknown")


def test_a_silence_of_nothing_is_told_for_its_file(tmp_path: Path) -> None:
    issue = silence("rule: link-text, file: second.md, why: So.", "rule: link-dead, why: Nobody asks.")
    found = look(tmp_path, issue=issue, first=article(HERE))
    assert of_files(found) == [("first.md", 4, 8, "link-text"), ("issue.yaml", 16, 12, "silence-unused")]
    message = next(one.message for one in found.findings if one.code == "silence-unused")
    assert message == "link-text finds nothing in second.md that could be silenced"


def test_a_rule_that_did_not_look_is_not_said_to_find_nothing(tmp_path: Path) -> None:
    folder = write_small_issue(tmp_path, issue=silence("rule: mail-large, why: So.", "rule: picture-size, why: So."))
    assert told(examine(folder, open_workspace(tmp_path)).findings) == []
    assert [code for *_, code in told(check(folder, open_workspace(tmp_path)))] == ["silence-unused"] * 2


def test_faults_of_loading_stay(tmp_path: Path) -> None:
    issue = silence("rule: raw-html, why: So.", "rule: link-text, why: So.")
    found = look(tmp_path, issue=issue, second=article(f"<br> {HERE}"))
    assert of_files(found) == [("second.md", 4, 1, "raw-html")]
    assert found.silenced == 0
