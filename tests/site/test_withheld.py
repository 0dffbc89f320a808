"""What the public may not see yet has no page, no picture, no feed entry and no name anywhere in the site."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from written_issue import write_issue

from command import run_here
from pressrun.errors import PressrunError
from pressrun.site.build import SiteReport, site
from pressrun.site.withheld import Standing, Terms, judge, withheld
from pressrun.workspace import Workspace, open_workspace

NOON = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
moments = st.integers(-10_000, 10_000).map(lambda minutes: NOON + dt.timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("moment", "needs_approval", "approved", "begun", "told"),
    [
        (NOON, False, False, False, None),
        (NOON + HOUR, False, False, False, "it comes out on 2026-05-01 at 13:00 UTC"),
        (NOON - HOUR, True, False, False, "nobody has approved it"),
        (NOON - HOUR, True, True, False, None),
        (NOON + HOUR, True, True, False, "it comes out on 2026-05-01 at 13:00 UTC"),
        (NOON + HOUR, True, False, True, None),
    ],
)
def test_an_issue_is_shown_from_its_moment_on_and_where_it_is_approved(
    moment: dt.datetime, needs_approval: bool, approved: bool, begun: bool, told: str | None
) -> None:
    assert withheld(Terms(moment, needs_approval), NOON, approved=approved, begun=begun) == told


@given(moments, moments, st.booleans(), st.booleans())
def test_what_has_begun_to_leave_is_always_shown(
    moment: dt.datetime, now: dt.datetime, needs: bool, approved: bool
) -> None:
    assert withheld(Terms(moment, needs), now, approved=approved, begun=True) is None


@given(moments, moments, moments, st.booleans(), st.booleans())
def test_what_was_shown_stays_shown(
    moment: dt.datetime, one: dt.datetime, other: dt.datetime, needs: bool, approved: bool
) -> None:
    earlier, later = sorted((one, other))
    reasons = [withheld(Terms(moment, needs), now, approved=approved, begun=False) for now in (earlier, later)]
    assert reasons[0] is not None or reasons[1] is None


def test_a_time_that_the_approver_set_holds() -> None:
    standing = Standing(approved={"a/b": NOON + HOUR, "a/c": None})
    assert judge("a/b", Terms(NOON - HOUR, True), NOON, standing) == "it comes out on 2026-05-01 at 13:00 UTC"
    assert judge("a/c", Terms(NOON - HOUR, True), NOON, standing) is None


def build(workspace: Workspace, now: dt.datetime, **options: object) -> SiteReport:
    return site(workspace, workspace.root / "out", clock=lambda: now, **options)  # type: ignore[arg-type]


def told(report: SiteReport) -> list[tuple[str, str]]:
    return [(issue.key, issue.reason) for issue in report.withheld]


def everything(folder: Path) -> str:
    return "\n".join(
        f"{file.relative_to(folder)} {file.read_bytes().decode(errors='replace')}"
        for file in folder.rglob("*")
        if file.is_file()
    )


@pytest.fixture
def asking(workspace: Workspace) -> Workspace:
    """The two written issues, of a publication whose issues somebody has to approve."""
    file = workspace.issues / "letter/publication.yaml"
    file.write_text(file.read_text(encoding="utf-8") + "approval: required\n", encoding="utf-8")
    return workspace


BEFORE, AFTER = dt.datetime(2026, 3, 31, 0, 59, tzinfo=dt.UTC), dt.datetime(2026, 3, 31, 1, tzinfo=dt.UTC)


def test_nothing_of_an_issue_is_there_before_its_hour_in_the_publications_zone(workspace: Workspace) -> None:
    report = build(workspace, BEFORE)
    assert told(report) == [("letter/2026-01", "it comes out on 2026-03-31 at 09:00 CST")]
    assert "2026-01" not in everything(report.out) and "2025-04" in everything(report.out)
    assert told(build(workspace, AFTER)) == []
    assert (report.out / "letter/2026-01/media/cover.png").is_file()


def test_send_at_is_its_moment_where_it_has_one(workspace: Workspace) -> None:
    file = workspace.issues / "letter/2026-01/issue.yaml"
    file.write_text(file.read_text(encoding="utf-8") + "send_at: 2026-04-02 10:30\nlists: [all]\n", encoding="utf-8")
    assert told(build(workspace, AFTER)) == [("letter/2026-01", "it comes out on 2026-04-02 at 10:30 CST")]


def test_who_publishes_an_issue_shows_it(workspace: Workspace) -> None:
    assert told(build(workspace, BEFORE, shown=["letter/2026-01"])) == []


def test_what_nobody_approved_is_withheld(asking: Workspace) -> None:
    with_one = Standing(approved={"letter/2025-04": None})
    report = build(asking, NOON, ask=lambda: with_one)
    assert told(report) == [("letter/2026-01", "nobody has approved it")]
    assert "2026-01" not in everything(report.out)
    both = Standing(begun=frozenset(["letter/2026-01"]), approved={"letter/2025-04": None})
    assert told(build(asking, NOON, ask=lambda: both)) == []


def test_what_came_out_before_pressrun_needs_no_approval(asking: Workspace) -> None:
    for name in ("2025-04", "2026-01"):
        file = asking.issues / f"letter/{name}/issue.yaml"
        file.write_text(file.read_text(encoding="utf-8") + "archived: true\n", encoding="utf-8")
    assert told(build(asking, NOON)) == []


def test_the_store_is_asked_only_where_that_matters(workspace: Workspace) -> None:
    def ask() -> Standing:
        raise AssertionError("the store was asked")

    build(workspace, NOON, ask=ask)
    with pytest.raises(AssertionError):
        build(workspace, BEFORE, ask=ask)


def test_faults_of_a_draft_that_is_withheld_stop_nothing(workspace: Workspace) -> None:
    (workspace.issues / "letter/2026-01/first.md").write_text("---\n---\n", encoding="utf-8")
    assert build(workspace, BEFORE).publications[0].pages == 4
    with pytest.raises(PressrunError, match=r"first\.md"):
        build(workspace, AFTER)


def test_an_issue_whose_moment_cannot_be_read_stops_the_build(workspace: Workspace) -> None:
    (workspace.issues / "letter/2026-01/issue.yaml").write_text("year: [", encoding="utf-8")
    with pytest.raises(PressrunError, match=r"issue\.yaml"):
        build(workspace, BEFORE)


def test_a_publication_without_anything_to_show_is_not_there_and_comes_and_goes(workspace: Workspace) -> None:
    shutil.rmtree(workspace.issues / "letter/2025-04")
    report = build(workspace, BEFORE)
    assert not (report.out / "letter").exists() and report.front_page.is_file()
    assert (report.publications[0].pages, report.publications[0].feeds) == (0, {})
    assert build(workspace, AFTER).publications[0].pages == 4
    assert build(workspace, BEFORE).publications[0].changed > 4
    assert not (report.out / "letter").exists()
    assert "letter" not in report.front_page.read_text(encoding="utf-8")


def test_an_issue_that_is_withheld_again_is_gone(asking: Workspace) -> None:
    all_approved = Standing(approved={"letter/2026-01": None, "letter/2025-04": None})
    build(asking, NOON, ask=lambda: all_approved)
    report = build(asking, NOON, ask=lambda: Standing(approved={"letter/2025-04": None}))
    assert not (report.out / "letter/2026-01").exists()


def test_withheld_issues_of_other_publications_are_told_each(tmp_path: Path) -> None:
    write_issue(tmp_path, "2026-01", date="2026-06-01")
    workspace = open_workspace(tmp_path)
    assert told(build(workspace, NOON))[0][0] == "letter/2026-01"


def test_the_verb_tells_what_it_withholds_and_shows_what_is_named(asking: Workspace) -> None:
    out = asking.root / "public"
    ended = run_here(asking.root, "site", "--out", out)
    assert ended.status == 0, ended.err
    assert "withheld: letter/2026-01, as nobody has approved it\n" in ended.out
    ended = run_here(asking.root, "site", "--out", out, "--show", "2026-01")
    assert "withheld: letter/2025-04" in ended.out and "letter/2026-01" not in ended.out
    assert (out / "letter/2026-01/index.html").is_file()
    assert not (asking.root / ".pressrun").exists()  # no store is made to be asked
