"""What a build leaves in its folder, and what it leaves alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner
from written_issue import write_issue

import pressrun.cli.site
from pressrun.cli.app import app
from pressrun.errors import PressrunError, UsageError
from pressrun.site.build import site
from pressrun.site.folder import MARKER
from pressrun.workspace import Workspace, open_workspace

assert pressrun.cli.site


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_report_counts_what_stands_in_the_folder(workspace: Workspace, tmp_path: Path) -> None:
    report = site(workspace, tmp_path / "deep" / "out")
    (one,) = report.publications
    written = [name for name in files_of(report.out / "letter") if name != MARKER]
    assert report.front_page.is_file()
    assert (one.id, one.title, one.pages, one.entries, one.files) == ("letter", "绿色采购通讯", 7, 4, len(written))
    assert one.feeds["atom"] == "https://news.example.com/letter/atom.xml"


def test_only_pictures_that_an_issue_uses_are_copied(workspace: Workspace, tmp_path: Path) -> None:
    site(workspace, tmp_path / "out")
    media = {file.stem for file in (tmp_path / "out/letter/2026-01/media").iterdir()}
    assert media == {"cover", "band", "lead", "chart", "report"}


def test_same_sources_give_the_same_bytes(workspace: Workspace, tmp_path: Path) -> None:
    site(workspace, tmp_path / "one")
    site(workspace, tmp_path / "two")
    site(workspace, tmp_path / "two")
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


def test_real_issues_give_the_same_bytes(real_site: Path, tmp_path: Path) -> None:
    site(open_workspace(Path(__file__).parents[2]), tmp_path / "out")
    assert files_of(tmp_path / "out") == files_of(real_site)


def test_a_build_takes_the_place_of_the_last_one_whole(workspace: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "out"
    site(workspace, out)
    shutil.rmtree(tmp_path / "issues/letter/2025-04")
    (out / "letter" / "stray.txt").write_text("from an older version")
    (out / ".pressrun-new-killed").mkdir()
    site(workspace, out)
    assert not (out / "letter/2025-04").exists()
    assert not (out / "letter/stray.txt").exists()
    assert sorted(path.name for path in out.iterdir()) == [MARKER, "index.html", "letter", "robots.txt", "style.css"]


@pytest.mark.parametrize("theirs", ["letter/photo.jpg", "index.html"])
def test_what_others_put_there_is_never_replaced(workspace: Workspace, tmp_path: Path, theirs: str) -> None:
    file = tmp_path / "out" / theirs
    file.parent.mkdir(parents=True)
    file.write_text("mine")
    with pytest.raises(UsageError, match="was not written by pressrun site"):
        site(workspace, tmp_path / "out")
    assert files_of(tmp_path / "out") == {theirs: b"mine"}


def test_other_files_beside_the_publications_stay(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "CNAME").write_text("news.example.com")
    site(workspace, tmp_path / "out")
    site(workspace, tmp_path / "out")
    assert (tmp_path / "out" / "CNAME").read_text() == "news.example.com"


def test_a_failed_build_leaves_the_last_one_standing(workspace: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "out"
    site(workspace, out)
    before = files_of(out)
    (tmp_path / "templates/site").mkdir(parents=True)
    (tmp_path / "templates/site/issue.html.j2").write_text("{{ nothing_of_that_name }}")
    with pytest.raises(PressrunError, match=r"issue\.html\.j2:1"):
        site(workspace, out)
    assert files_of(out) == before


def test_errors_of_issues_are_counted_and_the_first_named(workspace: Workspace, tmp_path: Path) -> None:
    for name in ("2025-04", "2026-01"):
        (tmp_path / f"issues/letter/{name}/media/cover.png").unlink()
        (tmp_path / f"issues/letter/{name}/first.md").write_text("---\n---\n", encoding="utf-8")
    with pytest.raises(PressrunError, match=r"have \d errors: issues/letter/2025-04/first\.md:.*more.*pressrun check"):
        site(workspace, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_unknown_publication_is_wrong_usage(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'leter'.*known: letter"):
        site(workspace, tmp_path / "out", ["leter"])


def test_a_publication_built_alone_leaves_the_others_listed(workspace: Workspace, tmp_path: Path) -> None:
    write_issue(tmp_path / "other", "2026-01")
    shutil.copytree(tmp_path / "other/issues/letter", tmp_path / "issues/second")
    site(workspace, tmp_path / "out")
    before = files_of(tmp_path / "out")
    report = site(workspace, tmp_path / "out", ["second"])
    assert [one.id for one in report.publications] == ["second"]
    assert files_of(tmp_path / "out") == before


def test_verb_prints_where_to_look(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(
        app, ["--workspace", str(tmp_path), "site", "--out", "public", "letter"], catch_exceptions=False
    )
    assert result.exit_code == 0
    assert "绿色采购通讯: 7 pages, 4 feed entries" in result.output
    assert "in public/letter/" in result.output
    assert result.output.endswith("Look at public/index.html\n")
