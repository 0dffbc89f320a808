"""What checking gives: all in order and once, rendered only where nothing stops it; no text brings a rule down."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pressrun.check import RULES, check, check_issue, examine, review
from pressrun.check.manuscript import Manuscript
from pressrun.check.rule import Stage
from pressrun.finding import Severity
from pressrun.source.loader import load_issue
from pressrun.workspace import open_workspace
from rule_findings import article
from small_issue import ISSUE, PUBLICATION, write_small_issue


def test_a_sound_issue_has_no_findings(tmp_path: Path) -> None:
    assert check(write_small_issue(tmp_path), open_workspace(tmp_path)) == []


def test_faults_of_loading_and_of_another_file_come_sorted_and_once(tmp_path: Path) -> None:
    changes = {"issue": ISSUE.replace("2026-03-31", "soon"), "aaa": b"\xff".decode("latin-1")}
    found = check(write_small_issue(tmp_path, second="no front matter", **changes), open_workspace(tmp_path))
    places = [(f.path, f.line, f.column, f.code) for f in found]
    assert places == sorted(places)
    assert len(places) == len(set(places)) == 4


def test_what_is_only_good_to_know_is_in_the_review_alone(tmp_path: Path) -> None:
    folder, workspace = write_small_issue(tmp_path), open_workspace(tmp_path)
    assert {finding.severity for finding in review(folder, workspace).findings} == {Severity.INFO}
    assert check(folder, workspace) == []


def write_template(folder: Path, name: str, text: str) -> None:
    file = folder / "templates" / "themes" / "bulletin" / name
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")


def test_a_template_that_fails_is_a_finding_of_check_and_none_of_examine(tmp_path: Path) -> None:
    folder = write_small_issue(tmp_path, publication=PUBLICATION + "theme: bulletin\n")
    write_template(tmp_path, "mail.txt.j2", "{{ issue.")
    workspace = open_workspace(tmp_path)
    (finding,) = check(folder, workspace)
    assert (finding.code, finding.line, finding.column) == ("bad-template", 16, 8)
    assert "mail.txt.j2:1" in finding.message
    assert examine(folder, workspace).issue is not None
    assert examine(folder, workspace).findings == ()


def test_nothing_is_rendered_where_an_error_stands(tmp_path: Path) -> None:
    folder = write_small_issue(tmp_path, second=article("[a]()"))
    write_template(tmp_path, "mail.txt.j2", "{{ issue.")
    assert [finding.code for finding in check(folder, open_workspace(tmp_path))] == ["empty-link"]


def test_an_issue_alone_is_checked_without_its_mail_and_down_to_what_is_wanted(tmp_path: Path) -> None:
    body = "[a]() [here](https://www.example.com/a)"
    loaded = load_issue(write_small_issue(tmp_path, second=article(body)))
    assert loaded.issue
    assert [f.code for f in check_issue(loaded.issue, Severity.ERROR)] == ["empty-link"]
    assert sorted(f.code for f in check_issue(loaded.issue, Severity.WARNING)) == ["empty-link", "link-text"]
    assert "example-link" in {f.code for f in check_issue(loaded.issue)}


def test_every_rule_has_a_slug_and_a_sentence() -> None:
    for rule in RULES.values():
        assert rule.id == rule.id.lower().replace("_", "-")
        assert rule.says.endswith(".")
        assert rule.look.__doc__


PIECES = [
    *("[a](", "](", ")", "<", ">", "http:", "https://", "www.example.com", "mailto:", "@", "{{ a | b }}", "{{", "}}"),
    *(
        "“",
        "”",
        "（",
        "）",
        "(",
        ")",
        "「",
        "《",
        ",",
        "。",
        "采",
        "购",
        "Café",
        "\n",
        "\n\n",
        "# ",
        "#### ",
        "- ",
        "> ",
        "| ",
    ),
    *(
        "`",
        "**",
        ":::figure\n",
        ":::report\ntitle: a\nsummary: b\n",
        ":::\n",
        ":::event\nslug: a\n",
        "image: media/chart.png\n",
    ),
    *(
        "alt: ",
        "xn--a",
        "127.0.0.1",
        "[::1]",
        "?utm_source=",
        "&e=0123456789",
        "\u202e",
        "e\u0301",
        "\U0001f600",
        "\\",
        "%E9",
    ),
]
texts = st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=30).map("".join)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def look_everywhere(folder: Path, **changes: str) -> None:
    loaded = load_issue(write_small_issue(folder, **changes))
    if loaded.issue is None:
        return
    manuscript = Manuscript(loaded.issue)
    lines = {page.file: page.text.count("\n") + 1 for page in manuscript.pages}
    for rule in RULES.values():
        for finding in rule.find(manuscript) if rule.stage is Stage.SOURCE else ():
            assert 1 <= finding.line <= lines[Path(finding.path)], finding
            assert finding.column >= 1
            assert finding.hint and "\n" not in str(finding) + finding.as_annotation(), finding


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=texts)
def test_no_text_brings_a_rule_down(folder: Path, text: str) -> None:
    look_everywhere(folder, second=f"---\ntitle: x\n---\n{text}\n")


@settings(max_examples=75, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=texts)
def test_no_line_of_the_issue_brings_a_rule_down(folder: Path, text: str) -> None:
    line = "".join(text.split()).replace("'", "") or "a"
    look_everywhere(
        folder,
        issue=ISSUE.replace("A small house", f"'{line}'") + f"subject: '{line}'\nintro: '{line}'\n",
        publication=PUBLICATION + f"  statement: '{line}'\n",
    )
