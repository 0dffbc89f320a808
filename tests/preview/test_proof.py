from __future__ import annotations

from pathlib import Path

import pytest

from pressrun.preview.proof import attempt
from pressrun.workspace import Workspace, open_workspace
from small_issue import FIRST, ISSUE, write_small_issue


def workspace_with(folder: Path, **changes: str) -> Workspace:
    write_small_issue(folder, **changes)
    return open_workspace(folder)


def test_a_sound_issue_is_made_in_every_form(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path)
    made = attempt(workspace, workspace.issue_folder("2026-01"))
    assert made.proof
    assert made.faults == ()
    assert "A text with" in made.proof.rendering.edition.html
    assert "A text with" in made.proof.pages[made.proof.page]
    assert [entry.title for entry in made.proof.entries] == ["The first", "第二篇"]


def test_a_page_is_found_by_its_path_and_by_its_folder(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path)
    proof = attempt(workspace, workspace.issue_folder("2026-01")).proof
    assert proof
    for path in ("2026-01/index.html", "2026-01/", "2026-01", "2026-01/./", "2026-01/x/../index.html"):
        assert proof.find_page(path) == ("2026-01/index.html", proof.pages["2026-01/index.html"])
    assert proof.find_page("") == proof.find_page("index.html")
    for path in ("nowhere", "../2026-01/index.html", "/etc/passwd", "2026-01/issue.yaml"):
        assert proof.find_page(path) is None


def test_only_pictures_that_the_issue_shows_are_found(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path)
    folder = workspace.issue_folder("2026-01")
    (folder / "media" / "unused.png").write_bytes((folder / "media" / "cover.png").read_bytes())
    proof = attempt(workspace, folder).proof
    assert proof
    assert proof.find_picture("media/cover.png") == folder / "media" / "cover.png"
    for name in ("media/unused.png", "media/../issue.yaml", "issue.yaml", "media/", ""):
        assert proof.find_picture(name) is None


def test_a_yaml_error_is_a_fault_with_its_place(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, issue=ISSUE.replace("number: 1", "number: [1"))
    made = attempt(workspace, workspace.issue_folder("2026-01"))
    assert made.proof is None
    assert made.faults[0].path == "issues/small/2026-01/issue.yaml"
    assert made.faults[0].line
    assert made.faults[0].remedy


@pytest.mark.parametrize("text", ["{{ nothing.there }}", "{% if %}"])
def test_an_error_in_a_template_is_a_fault_with_its_place(tmp_path: Path, text: str) -> None:
    workspace = workspace_with(tmp_path)
    theme = tmp_path / "templates" / "themes" / "bulletin"
    theme.mkdir(parents=True)
    (theme / "mail.txt.j2").write_text(f"one\n{text}\n")
    made = attempt(workspace, workspace.issue_folder("2026-01"))
    assert made.proof is None
    assert [(fault.path, fault.line) for fault in made.faults] == [("templates/themes/bulletin/mail.txt.j2", 2)]


def test_a_finding_that_only_stops_a_send_is_shown_beside_the_proof(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, first=FIRST.replace("(https://www.example.com/page)", "(nowhere)"))
    made = attempt(workspace, workspace.issue_folder("2026-01"))
    assert made.proof
    assert made.faults == ()
    assert [finding.code for finding in made.findings if finding.severity == "error"] == ["bad-link"]
