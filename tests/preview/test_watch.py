from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pressrun.preview.watch import LOOK_SECONDS, MOST_LOOKS, SETTLE_SECONDS, Stamp, Stamps, changes, stamp_files
from pressrun.workspace import Workspace, open_workspace
from small_issue import ISSUE, write_small_issue

A, B, C = ({"file": Stamp(n, n, n)} for n in (1, 2, 3))


class Looks:
    """Looks that see these stamps one after the other, and how long was slept between them."""

    def __init__(self, *seen: Stamps) -> None:
        self._seen: Iterator[Stamps] = iter(seen)
        self.slept: list[float] = []

    def look(self) -> Stamps:
        return next(self._seen)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


async def told(looks: Looks) -> list[Stamps]:
    found: list[Stamps] = []
    with pytest.raises(RuntimeError):  # what StopIteration becomes where the looks end
        async for stamps in changes(looks.look, looks.sleep):
            found.append(stamps)
    return found


async def test_the_first_look_is_told_at_once_and_no_change_is_not_told() -> None:
    looks = Looks(A, A, A)
    assert await told(looks) == [A]
    assert set(looks.slept) == {LOOK_SECONDS}


async def test_a_change_is_told_once_when_it_has_settled() -> None:
    looks = Looks(A, B, B, B)
    assert await told(looks) == [A, B]
    assert looks.slept[:2] == [LOOK_SECONDS, SETTLE_SECONDS]


async def test_files_that_are_still_being_written_are_waited_for() -> None:
    assert await told(Looks(A, B, C, C, C)) == [A, C]


async def test_files_that_never_settle_are_told_all_the_same() -> None:
    looks = Looks(A, *([B, C] * (MOST_LOOKS + 1)))
    assert len(await told(looks)) >= 2


async def test_a_change_and_back_is_told_when_it_is_back() -> None:
    assert await told(Looks(A, B, A, A)) == [A, A]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    write_small_issue(tmp_path)
    theme = tmp_path / "templates" / "themes" / "bulletin"
    theme.mkdir(parents=True)
    (theme / "head.css.j2").write_text("a {}")
    (tmp_path / "subscribers").mkdir()
    (tmp_path / "subscribers/segments.yaml").write_text('staff: domain == "example.com"')
    (tmp_path / "subscribers/attributes.yaml").write_text("city: {fallback: here}")
    return open_workspace(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "issues/small/2026-01/issue.yaml",
        "issues/small/2026-01/first.md",
        "issues/small/2026-01/media/cover.png",
        "issues/small/publication.yaml",
        "templates/themes/bulletin/head.css.j2",
        "subscribers/segments.yaml",
        "subscribers/attributes.yaml",
    ],
)
def test_a_file_the_issue_is_made_of_is_seen_to_change(workspace: Workspace, name: str) -> None:
    folder, file = workspace.issue_folder("small/2026-01"), workspace.root / name
    before = stamp_files(workspace, folder)
    file.write_bytes(file.read_bytes() + b"\n")
    assert stamp_files(workspace, folder) != before


def test_new_files_missing_files_and_files_put_in_place_are_seen(workspace: Workspace) -> None:
    folder = workspace.issue_folder("small/2026-01")
    file, new = folder / "issue.yaml", folder / "new.md"
    seen = [stamp_files(workspace, folder)]
    new.write_text("new")
    seen.append(stamp_files(workspace, folder))
    new.unlink()
    beside, times = folder / ".issue.yaml.swp", file.stat()
    beside.write_text(ISSUE)
    os.utime(beside, ns=(times.st_atime_ns, times.st_mtime_ns))
    beside.replace(file)  # the same text and time, but another file
    seen.append(stamp_files(workspace, folder))
    assert seen[0] != seen[1] != seen[2] != seen[0]


def test_lists_of_people_are_not_looked_at(workspace: Workspace) -> None:
    folder = workspace.issue_folder("small/2026-01")
    before = stamp_files(workspace, folder)
    (workspace.root / "subscribers/readers.csv").write_text("email\n")
    assert stamp_files(workspace, folder) == before


def test_other_issues_are_not_looked_at(workspace: Workspace) -> None:
    folder = workspace.issue_folder("small/2026-01")
    before = stamp_files(workspace, folder)
    other = folder.parent / "2026-02"
    other.mkdir()
    (other / "issue.yaml").write_text(ISSUE)
    assert stamp_files(workspace, folder) == before


def test_an_issue_that_is_gone_is_no_error(workspace: Workspace, tmp_path: Path) -> None:
    assert stamp_files(workspace, tmp_path / "issues" / "gone" / "x")
