"""A build does what has to be done: what did not change stays the very file it is, whatever clocks and disks say."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from written_issue import write_issue

from pressrun.errors import PressrunError
from pressrun.site import folder as folders
from pressrun.site.build import site
from pressrun.site.folder import MARKER
from pressrun.workspace import Workspace


def stand(folder: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of each file a reader may ask for."""
    return {
        str(file.relative_to(folder)): (file.stat().st_ino, file.stat().st_mtime_ns)
        for file in folder.rglob("*")
        if file.is_file() and file.name != MARKER
    }


def differing(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> set[str]:
    return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}


def change(workspace: Workspace, issue: str = "2026-01", text: str = "\n新的一段。\n") -> None:
    file = workspace.root / f"issues/letter/{issue}/first.md"
    times = file.stat()
    file.write_text(file.read_text(encoding="utf-8") + text, encoding="utf-8")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))  # a clock that tells nothing


@pytest.fixture
def out(workspace: Workspace, tmp_path: Path) -> Path:
    site(workspace, tmp_path / "out")
    return tmp_path / "out"


def test_nothing_is_touched_where_nothing_changed(workspace: Workspace, out: Path) -> None:
    before, folder = stand(out), (out / "letter").stat()
    report = site(workspace, out)
    assert stand(out) == before
    assert (out / "letter").stat().st_ino == folder.st_ino
    assert [one.changed for one in report.publications] == [0]


def test_a_changed_article_changes_its_pages_and_what_tells_of_it_and_no_other_file(
    workspace: Workspace, out: Path
) -> None:
    before = stand(out)
    change(workspace)
    report = site(workspace, out)
    pages = {path for path in differing(before, stand(out)) if path.endswith((".html", ".js", ".png"))}
    assert pages == {
        "letter/2026-01/index.html",
        "letter/2026-01/first/index.html",
        "letter/search-index.js",
    }
    assert report.publications[0].changed == len(differing(before, stand(out)))
    assert "新的一段" in (out / "letter/2026-01/first/index.html").read_text(encoding="utf-8")


def test_times_of_sources_count_for_nothing(workspace: Workspace, out: Path) -> None:
    before = stand(out)
    for file in workspace.issues.rglob("*"):
        os.utime(file, (1, 1))
    site(workspace, out)
    assert stand(out) == before


def test_a_title_changes_the_neighbours_pages_too(workspace: Workspace, out: Path) -> None:
    issue = workspace.root / "issues/letter/2025-04/issue.yaml"
    issue.write_text(issue.read_text(encoding="utf-8") + "title: 年终号\n", encoding="utf-8")
    site(workspace, out)
    assert "年终号" in (out / "letter/2026-01/index.html").read_text(encoding="utf-8")


def test_a_template_of_the_workspace_changes_what_it_makes(workspace: Workspace, out: Path) -> None:
    before = stand(out)
    (workspace.root / "templates/site").mkdir(parents=True)
    (workspace.root / "templates/site/style.css").write_text("body { margin: 0; }\n")
    site(workspace, out)
    assert differing(before, stand(out)) == {"letter/style.css", "style.css"}


@pytest.mark.parametrize("damage", ["changed", "deleted", "added", "linked"])
def test_what_others_did_to_the_folder_is_set_right(workspace: Workspace, out: Path, damage: str) -> None:
    page = out / "letter/2025-04/index.html"
    whole, before = page.read_bytes(), stand(out)
    match damage:
        case "changed":
            times = page.stat()
            page.write_bytes(whole.replace("采购".encode(), "买卖".encode()))
            os.utime(page, ns=(times.st_atime_ns, times.st_mtime_ns))
        case "deleted":
            page.unlink()
        case "added":
            (out / "letter/2025-04/notes.txt").write_text("?")
        case "linked":
            page.rename(out / "elsewhere.html")
            page.symlink_to(out / "elsewhere.html")
    site(workspace, out)
    (out / "elsewhere.html").unlink(missing_ok=True)
    assert page.read_bytes() == whole and not page.is_symlink()
    assert differing(before, stand(out)) <= {"letter/2025-04/index.html"}


def test_a_picture_is_replaced_and_the_others_stay(workspace: Workspace, out: Path) -> None:
    media, before = workspace.root / "issues/letter/2026-01/media", stand(out)
    shutil.copyfile(media / "band.png", media / "cover.png")
    site(workspace, out)
    pictures = {path for path in differing(before, stand(out)) if path.endswith(".png")}
    assert pictures == {"letter/2026-01/media/cover.png"}


def test_without_hard_links_bytes_and_times_stay(
    workspace: Workspace, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise OSError(1, "no links here")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    times = {path: when for path, (_, when) in stand(out).items()}
    change(workspace, "2025-04")
    site(workspace, out)
    kept = {path: when for path, (_, when) in stand(out).items()}
    assert times["letter/2026-01/index.html"] == kept["letter/2026-01/index.html"]


def test_without_an_exchange_of_folders_two_renames_do(
    workspace: Workspace, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "_exchange", lambda one, other: False)
    change(workspace)
    site(workspace, out)
    assert "新的一段" in (out / "letter/2026-01/index.html").read_text(encoding="utf-8")
    assert not list(out.glob(".pressrun-new-*"))


def test_what_was_killed_between_two_renames_is_put_back(workspace: Workspace, out: Path) -> None:
    before = stand(out)
    (out / ".pressrun-new-x").mkdir()
    (out / "letter").rename(out / ".pressrun-new-x/letter.old")
    (workspace.root / "issues/letter/2026-01/first.md").write_text("---\n---\n")  # so that the build fails
    with pytest.raises(PressrunError, match="1 error"):
        site(workspace, out)
    assert stand(out) == before


def test_kill_9_at_any_step_leaves_the_old_site_or_the_new_one(workspace: Workspace, out: Path) -> None:
    old = {path: (out / path).read_bytes() for path in stand(out)}
    change(workspace)
    copy = out.with_name("other")
    shutil.copytree(out, copy)
    assert build_and_die(workspace, copy, None) == 0
    steps = int((workspace.root / "steps").read_text())
    new = {path: (copy / path).read_bytes() for path in stand(copy)}
    assert steps > 40 and old.keys() == new.keys()
    seen = set()
    for step in sorted({1, 2, 3, *range(4, steps, max(1, steps // 16)), *range(steps - 8, steps + 1)}):
        shutil.rmtree(copy)
        shutil.copytree(out, copy)
        assert build_and_die(workspace, copy, step) == signal.SIGKILL, step
        now = letter_of({path: (copy / path).read_bytes() for path in old})
        assert now in (letter_of(old), letter_of(new)), step
        seen.add(now == letter_of(new))
        report = site(workspace, copy)  # whoever comes next makes it whole
        assert {path: (copy / path).read_bytes() for path in stand(copy)} == new, step
        assert not list(copy.glob(".pressrun-new-*")) and report.publications[0].pages == 7
    assert seen == {False, True}


def letter_of(files: dict[str, bytes]) -> dict[str, bytes]:
    return {path: octets for path, octets in files.items() if path.startswith("letter/")}


def build_and_die(workspace: Workspace, out: Path, step: int | None) -> int:
    """Build in a process that is killed before it takes the given step on the disk: the signal it ended by."""
    child = os.fork()
    if child == 0:
        try:
            _build_until(workspace, out, step)
        finally:
            os._exit(1)  # never back into pytest
    return os.waitpid(child, 0)[1] & 0x7F


def _build_until(workspace: Workspace, out: Path, step: int | None) -> None:
    steps = 0

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal steps
        writes = event == "open" and str(out) in str(arguments[0]) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if writes or event in ("os.rename", "os.link", "os.mkdir", "os.remove", "os.rmdir", "ctypes.dlopen"):
            steps += 1
            if steps == step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    site(workspace, out)
    (workspace.root / "steps").write_text(str(steps - 1))
    os._exit(0)


def test_a_publication_added_later_does_not_touch_the_first(workspace: Workspace, out: Path, tmp_path: Path) -> None:
    before = stand(out / "letter")
    write_issue(tmp_path / "other", "2026-01")
    shutil.copytree(tmp_path / "other/issues/letter", tmp_path / "issues/second")
    site(workspace, out)
    assert stand(out / "letter") == before
    assert (out / "second/2026-01/second/index.html").is_file()


def test_an_issue_that_is_deleted_is_gone_with_all_its_files(workspace: Workspace, out: Path, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "issues/letter/2025-04")
    site(workspace, out)
    assert not (out / "letter/2025-04").exists()
    for name in ("index.html", "search-index.js", "sitemap.xml", "2026-01/index.html"):
        assert "2025-04" not in (out / "letter" / name).read_text(encoding="utf-8"), name


def test_a_publication_whose_last_issue_is_deleted_is_gone(workspace: Workspace, tmp_path: Path) -> None:
    write_issue(tmp_path / "other", "2026-01")
    shutil.copytree(tmp_path / "other/issues/letter", tmp_path / "issues/second")
    out = tmp_path / "out"
    site(workspace, out)
    shutil.rmtree(tmp_path / "issues/second/2026-01")
    site(workspace, out)
    assert not (out / "second").exists()
    assert "second" not in (out / "index.html").read_text(encoding="utf-8")
    assert [one.id for one in site(workspace, out).publications] == ["letter"]


def test_a_publication_that_is_deleted_or_renamed_is_gone(workspace: Workspace, tmp_path: Path) -> None:
    write_issue(tmp_path / "other", "2026-01")
    second, out = tmp_path / "issues/second", tmp_path / "out"
    shutil.copytree(tmp_path / "other/issues/letter", second)
    site(workspace, out)
    second.rename(tmp_path / "issues/third")
    told = {one.id: (one.pages, one.feeds, one.changed > 0) for one in site(workspace, out).publications}
    assert told["second"] == (0, {}, True)
    assert not (out / "second").exists() and (out / "third/2026-01/index.html").is_file()
    assert "second" not in (out / "index.html").read_text(encoding="utf-8")
    shutil.rmtree(tmp_path / "issues/third")
    site(workspace, out)
    assert not (out / "third").exists()
    assert [one.id for one in site(workspace, out).publications] == ["letter"]


def test_a_build_of_one_publication_leaves_what_is_left_of_others(workspace: Workspace, tmp_path: Path) -> None:
    write_issue(tmp_path / "other", "2026-01")
    shutil.copytree(tmp_path / "other/issues/letter", tmp_path / "issues/second")
    out = tmp_path / "out"
    site(workspace, out)
    before = stand(out / "second")
    shutil.rmtree(tmp_path / "issues/second")
    site(workspace, out, ["letter"])
    assert stand(out / "second") == before


def test_what_is_not_a_publication_that_a_build_wrote_stays(workspace: Workspace, out: Path, tmp_path: Path) -> None:
    (out / "theirs").mkdir()
    (out / "theirs/page.html").write_text("mine")
    shutil.copytree(out / "letter", tmp_path / "elsewhere")
    (out / "linked").symlink_to(tmp_path / "elsewhere")
    site(workspace, out / "nested")  # a whole site, and no publication's folder
    before = stand(out)
    assert [one.id for one in site(workspace, out).publications] == ["letter"]
    assert stand(out) == before and (out / "linked").is_symlink()
    assert (tmp_path / "elsewhere/index.html").is_file()


@pytest.fixture
def personal(workspace: Workspace) -> Workspace:
    """The workspace with a text for a segment, and a field whose fallback is declared."""
    subscribers = workspace.root / "subscribers"
    subscribers.mkdir()
    (subscribers / "segments.yaml").write_text('staff: address != ""\n', encoding="utf-8")
    (subscribers / "attributes.yaml").write_text("city: {fallback: 某地}\n", encoding="utf-8")
    change(workspace, text='\n::: when not segment == "staff"\n只给外人。\n:::\n\n在{{ city }}。\n')
    return workspace


def test_a_segment_that_changes_changes_what_the_public_reads(personal: Workspace, tmp_path: Path) -> None:
    page = tmp_path / "out/letter/2026-01/first/index.html"
    site(personal, tmp_path / "out")
    assert "只给外人" in page.read_text(encoding="utf-8")
    (personal.root / "subscribers/segments.yaml").write_text('staff: address == ""\n', encoding="utf-8")
    site(personal, tmp_path / "out")
    assert "只给外人" not in page.read_text(encoding="utf-8")


def test_a_declared_fallback_that_changes_changes_what_the_public_reads(personal: Workspace, tmp_path: Path) -> None:
    page = tmp_path / "out/letter/2026-01/first/index.html"
    site(personal, tmp_path / "out")
    assert "在某地。" in page.read_text(encoding="utf-8")
    file = personal.root / "subscribers/attributes.yaml"
    file.write_text("city: {fallback: 那里}\n", encoding="utf-8")
    site(personal, tmp_path / "out")
    assert "在那里。" in page.read_text(encoding="utf-8")
    file.unlink()
    site(personal, tmp_path / "out")
    assert "在。" in page.read_text(encoding="utf-8")
    before = stand(tmp_path / "out")
    site(personal, tmp_path / "out")
    assert stand(tmp_path / "out") == before
