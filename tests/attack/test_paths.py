"""Paths: no name, address or link leads to a file that is not meant to be read (CVE-2023-40028 and its kin)."""

from __future__ import annotations

import os
from pathlib import Path

import httpx
import pytest
from besieged import Besieged

from command import run_here
from pressrun.errors import PressrunError, RenderError, UsageError
from pressrun.render.environment import make_html_environment, render_template
from pressrun.site.build import site
from pressrun.source.loader import load_issue
from pressrun.workspace import open_workspace
from rendered_issue import render_folder
from small_issue import FIRST, ISSUE, PUBLICATION, write_picture, write_small_issue

SECRET = "the-secret-that-must-not-leave"
UPWARDS = (
    "../secret", "..%2fsecret", "%2e%2e/secret", "%2e%2e%2fsecret", "..%252fsecret", "%252e%252e%252fsecret",
    "..\\secret",
    "..%5csecret", "....//secret", "..;/secret", "..%c0%afsecret", "%c0%ae%c0%ae/secret", "..%00/secret", "/secret",
    "//secret", "./../secret", "a/../../secret", "%2fsecret", "..%ef%bc%8fsecret", "small/../../secret",
    "small/2026-01/%2e%2e/%2e%2e/%2e%2e/secret", "preview/..%2fsecret", "preview/%2e%2e/%2e%2e/secret",
)  # fmt: skip
HIDDEN = (
    ".pressrun/secret-key",
    ".git/config",
    "small/.env",
    ".pressrun-site.json",
    "small/.htaccess",
    ".well-known/../.env",
)


@pytest.mark.parametrize("path", UPWARDS)
async def test_no_address_leads_out_of_what_is_served(web: Besieged, path: str) -> None:
    for folder in (web.workspace.state, web.workspace.root, web.workspace.site_folder.parent):
        (folder / "secret").write_text(SECRET)
    for start in ("/", "/preview/", "/small/", "/small/2026-01/"):
        url = httpx.URL("https://small.example.com").copy_with(raw_path=(start + path).encode())
        answer = await web.client.get(url)
        assert answer.status_code in (301, 302, 307, 308, 400, 404, 405), (start, path)
        assert SECRET not in answer.text


@pytest.mark.parametrize("path", HIDDEN)
async def test_hidden_files_are_not_served(web: Besieged, path: str) -> None:
    file = web.workspace.site_folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        file.write_text(SECRET)
    assert (await web.client.get(f"/{path}")).status_code == 404


@pytest.mark.parametrize("folder", ["site_folder", "preview_folder"])
async def test_a_link_out_of_what_is_served_is_not_followed(web: Besieged, folder: str) -> None:
    (web.workspace.root / "secret.txt").write_text(SECRET)
    served = getattr(web.workspace, folder)
    (served / "link.txt").symlink_to(web.workspace.root / "secret.txt")
    (served / "linked").symlink_to(web.workspace.root)
    start = "/preview" if folder == "preview_folder" else ""
    for path in ("link.txt", "linked/secret.txt", "linked/.pressrun/secret-key"):
        answer = await web.client.get(f"{start}/{path}")
        assert answer.status_code == 404 and SECRET not in answer.text


@pytest.mark.parametrize(
    "name", ["../secret", "/etc", "small/../../secret", "small/2026-01/..", "", ".", "small/\x00", "..\\x"]
)
def test_an_issue_is_a_name_and_no_path(tmp_path: Path, name: str) -> None:
    write_small_issue(tmp_path / "workspace")
    (tmp_path / "workspace" / "secret").mkdir()
    (tmp_path / "workspace" / "secret" / "issue.yaml").write_text(ISSUE)
    workspace = open_workspace(tmp_path / "workspace")
    with pytest.raises(UsageError):
        workspace.issue_folder(name)
    for command in (("check", name), ("status", name), ("report", name), ("render", name)):
        assert run_here(tmp_path / "workspace", *command).status == 2, command


@pytest.mark.parametrize(
    "name", ["media/../../secret.png", "media//etc/passwd", "../secret.png", "/etc/passwd", "media/..",
             "media/\\..\\x.png",              "file:///etc/passwd", "https://evil.example.org/x.png"]
)  # fmt: skip
def test_a_picture_comes_from_media_only(tmp_path: Path, name: str) -> None:
    write_picture(tmp_path / "secret.png")
    issue = write_small_issue(tmp_path, issue=ISSUE.replace("media/cover.png", name))
    assert load_issue(issue).issue is None


@pytest.mark.parametrize("place", ["first.md", "issue.yaml", "../publication.yaml"])
def test_a_source_file_that_links_elsewhere_is_not_read(tmp_path: Path, place: str) -> None:
    issue = write_small_issue(tmp_path / "workspace")
    texts = {"first.md": FIRST, "issue.yaml": ISSUE, "../publication.yaml": PUBLICATION}
    (tmp_path / "outside").write_text(texts[place].replace("The end.", SECRET))
    (issue / place).unlink()
    (issue / place).symlink_to(tmp_path / "outside")
    loaded = load_issue(issue)
    assert loaded.issue is None
    assert "unreadable" in {finding.code for finding in loaded.findings}
    assert SECRET not in "".join(map(str, loaded.findings))


def test_a_source_file_that_links_to_its_neighbour_is_read(tmp_path: Path) -> None:
    issue = write_small_issue(tmp_path)
    (issue.parent / "shared.md").write_text(FIRST)
    (issue / "first.md").unlink()
    (issue / "first.md").symlink_to("../shared.md")
    assert load_issue(issue).issue is not None


@pytest.mark.parametrize("target", ["../../../.pressrun", "../../..", "/etc"])
def test_nothing_is_attached_through_a_media_folder_that_is_elsewhere(tmp_path: Path, target: str) -> None:
    """Whoever may commit must not send the store, the key or the machine's files to themselves."""
    attached = f"{ISSUE}attachments:\n  - {{file: media/hostname, name: data.txt}}\n"
    issue = write_small_issue(tmp_path, issue=attached)
    (tmp_path / ".pressrun").mkdir()
    for folder in (tmp_path, tmp_path / ".pressrun"):
        (folder / "hostname").write_text(SECRET)
        for picture in (issue / "media").iterdir():
            (folder / picture.name).write_bytes(picture.read_bytes())
    (issue / "media").rename(tmp_path / "old")
    (issue / "media").symlink_to(target)
    loaded = load_issue(issue)
    assert loaded.issue is None
    assert [finding for finding in loaded.findings if "hostname leads out of media/" in finding.message]


def test_what_lies_in_media_is_attached(tmp_path: Path) -> None:
    issue = write_small_issue(tmp_path, issue=f"{ISSUE}attachments:\n  - {{file: media/data.txt}}\n")
    (issue / "media" / "data.txt").write_text("data")
    loaded = load_issue(issue)
    assert loaded.issue is not None and [one.name for one in loaded.issue.attachments] == ["data.txt"]


@pytest.mark.parametrize("target", ["secret.txt", "/etc/hostname", "/proc/self/environ"])
def test_a_template_that_links_elsewhere_is_none(tmp_path: Path, target: str) -> None:
    templates = tmp_path / "templates"
    templates.mkdir()
    (tmp_path / "secret.txt").write_text(SECRET)
    (templates / "evil.j2").symlink_to(os.path.join(tmp_path, target))  # noqa: PTH118 - an absolute target stays
    (templates / "outer.j2").write_text("{% include 'evil.j2' %}")
    for name in ("evil.j2", "outer.j2"):
        with pytest.raises(RenderError, match="no template"):
            render_template(make_html_environment([templates]), name)


def test_a_themes_file_that_links_elsewhere_is_not_shown(tmp_path: Path) -> None:
    issue = write_small_issue(tmp_path, publication=f"{PUBLICATION}theme: mine\n")
    theme = tmp_path / "templates" / "themes" / "mine"
    theme.mkdir(parents=True)
    (tmp_path / "outside").write_text(f"extends: bulletin\n# {SECRET}\n{SECRET}: x\n")
    (theme / "theme.yaml").symlink_to(tmp_path / "outside")
    with pytest.raises(PressrunError) as raised:
        render_folder(issue)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize("name", [".git", "-rf", "con fused", "x\x1b[2J"])
def test_a_publication_or_issue_with_an_odd_name_is_told_and_not_written(tmp_path: Path, name: str) -> None:
    """Folders' names become addresses and files: what can't be a part of one is no issue's name."""
    issue = write_small_issue(tmp_path / "workspace")
    issue.rename(issue.parent / name)
    workspace = open_workspace(tmp_path / "workspace")
    assert load_issue(workspace.issues / "small" / name).issue is None or name == "-rf"
    try:
        site(workspace, tmp_path / "out")
    except PressrunError:
        return
    assert not (tmp_path / "out" / "small" / name).exists() or name == "-rf"
