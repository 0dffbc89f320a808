"""The mail of a correction is an issue of its own: sound, sent to the same lists, and out of the count."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from command import run_here
from pressrun.check import check
from pressrun.correct import correct
from pressrun.errors import UsageError
from pressrun.finding import Severity
from pressrun.render.source import FaultyIssueError, render_issue
from pressrun.site.build import site
from pressrun.source.loader import load_issue
from pressrun.workspace import Workspace, open_workspace
from small_issue import ISSUE, write_small_issue

NOW = dt.datetime(2026, 4, 9, 22, 30, tzinfo=dt.UTC)  # the tenth already, where it is published
LISTED = f"{ISSUE}lists: [news, friends]\n"
CORRECTIONS = """\
corrections:
  - {date: 2026-04-08, article: second, what: "We wrote *12*; it is 21."}
  - {date: 2026-04-09, what: "The cover is by Ann: a \\"house\\"."}
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    write_small_issue(tmp_path, issue=LISTED + CORRECTIONS)
    return open_workspace(tmp_path)


def test_it_is_a_sound_issue_that_says_what_was_put_right(workspace: Workspace) -> None:
    folder = correct(workspace, "2026-01", NOW)
    assert folder == workspace.issues / "small/2026-01-correction"
    issue = load_issue(folder).issue
    assert issue
    assert [f for f in check(folder, workspace) if f.severity is Severity.ERROR or f.code == "numbering"] == []
    assert [f for f in check(folder.with_name("2026-01"), workspace) if f.code == "numbering"] == []
    assert (issue.meta.corrects, issue.meta.date, issue.lists) == ("2026-01", dt.date(2026, 4, 10), ("news", "friends"))
    assert issue.subject == "Correction: Small News Issue 1 of 2026, 7 in all"
    assert issue.meta.preheader == "We wrote 12; it is 21."
    mail = render_issue(workspace, issue.key).edition
    for told in ("We wrote", "it is 21.", "https://small.example.com/news/2026-01/second/", "a “house”"):
        assert told in mail.text.replace('"house"', "“house”"), told


def test_only_what_no_mail_told_yet_is_told(workspace: Workspace) -> None:
    correct(workspace, "2026-01", NOW)
    with pytest.raises(UsageError, match="no correction that no mail told"):
        correct(workspace, "2026-01", NOW)
    file = workspace.issues / "small/2026-01/issue.yaml"
    file.write_text(f"{file.read_text()}  - {{date: 2026-04-09, what: One more.}}\n")
    folder = correct(workspace, "2026-01", NOW)
    assert folder.name == "2026-01-correction-2"
    text = (folder / "correction.md").read_text()
    assert "One more." in text and "it is 21" not in text


def add(workspace: Workspace, *corrections: str) -> None:
    """Add corrections to the issue."""
    file = workspace.issues / "small/2026-01/issue.yaml"
    file.write_text(file.read_text() + "".join(f"  - {{{one}}}\n" for one in corrections))


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("date: 2026-04-10, article: first, what: A typo.", "date: 2026-04-10, article: second, what: A typo."),
        ("date: 2026-04-10, article: first, what: A typo.", "date: 2026-04-11, article: first, what: A typo."),
        ("date: 2026-04-10, article: first, what: A typo.", "date: 2026-04-09, article: second, what: A typo."),
        ("date: 2026-04-10, article: first, what: A typo.", "date: 2026-04-10, what: A typo."),
        ("date: 2026-04-10, what: A typo.", "date: 2026-04-10, article: first, what: A typo."),
        ("date: 2026-04-10, what: A typo.", "date: 2026-04-11, what: A typo."),
        ("date: 2026-04-10, what: 'We wrote: A typo.'", "date: 2026-04-10, what: A typo."),
        ("date: 2026-04-10, what: A typo. It is mended.", "date: 2026-04-10, what: A typo."),
    ],
)
def test_a_correction_in_words_used_before_is_told_too(workspace: Workspace, first: str, then: str) -> None:
    add(workspace, first)
    correct(workspace, "2026-01", NOW)
    add(workspace, then)
    folder = correct(workspace, "2026-01", NOW)
    text = (folder / "correction.md").read_text()
    about = {"first": "/first/)", "second": "/second/)"}.get(then.partition("article: ")[2].partition(",")[0], "Small")
    assert text.count("## ") == text.count("A typo.") == 1 and about in text.partition("## ")[2]
    with pytest.raises(UsageError, match="no correction that no mail told"):
        correct(workspace, "2026-01", NOW)


def test_what_was_told_stays_told_under_new_titles_and_beside_what_an_editor_adds(workspace: Workspace) -> None:
    file = correct(workspace, "2026-01", NOW) / "correction.md"
    text = file.read_text()
    assert "第二篇" in text
    file.write_text(text.replace("it is 21.", "it is 21.\n\nWe are sorry."))
    article = workspace.issues / "small/2026-01/second.md"
    article.write_text(article.read_text().replace("第二篇", "另一篇"))
    add(workspace, "date: 2026-04-10, what: One more.")
    text = (correct(workspace, "2026-01", NOW) / "correction.md").read_text()
    assert text.count("## ") == 1 and "One more." in text


def test_a_notice_written_by_hand_is_read_whatever_its_file_is_called(workspace: Workspace) -> None:
    folder = correct(workspace, "2026-01", NOW)
    (folder / "correction.md").rename(folder / "notice.md")
    issue = folder / "issue.yaml"
    issue.write_text(issue.read_text().replace("- correction\n", "- notice\n"))
    with pytest.raises(UsageError, match="no correction that no mail told"):
        correct(workspace, "2026-01", NOW)
    add(workspace, "date: 2026-04-10, what: One more.")
    text = (correct(workspace, "2026-01", NOW) / "correction.md").read_text()
    assert "One more." in text and "it is 21" not in text


def test_an_issue_without_corrections_has_none(tmp_path: Path) -> None:
    write_small_issue(tmp_path)
    with pytest.raises(UsageError, match=r"no correction.*corrections: of its issue\.yaml"):
        correct(open_workspace(tmp_path), "2026-01", NOW)


def test_a_correction_is_not_corrected_but_its_issue_is(workspace: Workspace) -> None:
    correct(workspace, "2026-01", NOW)
    with pytest.raises(UsageError, match="is a correction itself"):
        correct(workspace, "2026-01-correction", NOW)


def test_a_faulty_issue_is_told(workspace: Workspace) -> None:
    (workspace.issues / "small/2026-01/first.md").write_text("---\n---\n")
    with pytest.raises(FaultyIssueError):
        correct(workspace, "2026-01", NOW)
    assert [path.name for path in (workspace.issues / "small").iterdir() if path.is_dir()] == ["2026-01"]


def test_the_archive_gives_it_a_page_and_no_place_in_the_order(workspace: Workspace, tmp_path: Path) -> None:
    correct(workspace, "2026-01", NOW)
    site(workspace, tmp_path / "out")
    out = tmp_path / "out/small"
    page = (out / "2026-01-correction/index.html").read_text()
    assert 'href="../2026-01/index.html"' in page and "This is a correction to" in page
    for name in ("index.html", "2026-01/index.html", "atom.xml", "search-index.js"):
        assert "2026-01-correction" not in (out / name).read_text(), name
    assert len(json.loads((out / "feed.json").read_bytes())["items"]) == 2


def test_the_verb_says_what_to_do_next(workspace: Workspace) -> None:
    ended = run_here(workspace.root, "correct", "small/2026-01")
    assert ended.status == 0, ended.err
    assert "pressrun publish small/2026-01-correction" in ended.out
