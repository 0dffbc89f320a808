"""An edition is a function of its inputs: the same bytes from the same inputs, another name for any change."""

from __future__ import annotations

import os
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from full_issue import write_full_issue
from pressrun.render.edition import Edition
from pressrun.render.mail import hash_inputs
from pressrun.workspace import open_workspace
from rendered_issue import REPOSITORY, load_folder, render_folder
from small_issue import ISSUE, PUBLICATION, SECOND, write_picture, write_small_issue

SCRIPT = """
import hashlib, sys
from pathlib import Path
from rendered_issue import render_folder
print(hashlib.sha256(render_folder(Path(sys.argv[1])).edition.model_dump_json().encode()).hexdigest())
"""


def rendered_elsewhere(folder: Path, seed: str, zone: str) -> str:
    environment = os.environ | {
        "PYTHONHASHSEED": seed,
        "TZ": zone,
        "LC_ALL": "C",
        "PYTHONPATH": os.pathsep.join(str(REPOSITORY / part) for part in ("src", "tests")),
    }
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder)], env=environment, capture_output=True, text=True, check=True
    )
    return run.stdout.strip()


def test_two_processes_make_the_same_bytes(tmp_path: Path) -> None:
    one = rendered_elsewhere(write_full_issue(tmp_path / "one"), "1", "UTC")
    other = rendered_elsewhere(write_full_issue(tmp_path / "another" / "place"), "2", "Asia/Shanghai")
    assert one == other
    assert len(one) == 64


def test_two_renders_in_one_process_make_the_same_bytes(tmp_path: Path) -> None:
    folder = write_full_issue(tmp_path)
    assert render_folder(folder).edition == render_folder(folder).edition


def test_the_time_of_a_file_changes_nothing(tmp_path: Path) -> None:
    folder = write_full_issue(tmp_path)
    before = render_folder(folder).edition
    for file in folder.rglob("*.*"):
        os.utime(file, (0, 0))
    assert render_folder(folder).edition == before


def test_the_order_of_files_on_disk_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_full_issue(tmp_path)
    before = render_folder(folder).edition
    for reverse in (False, True):
        with monkeypatch.context() as patch:
            patch.setattr(Path, "rglob", lambda at, _, back=reverse: sorted(walk(at), reverse=back))
            assert render_folder(folder).edition == before


def walk(folder: Path) -> list[Path]:
    return [Path(top) / name for top, folders, files in os.walk(folder) for name in (*folders, *files)]


def append(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write("\n")

    return change


def override(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        own = folder.parents[2] / "templates" / "themes" / "bulletin"
        own.mkdir(parents=True)
        original = (REPOSITORY / "templates" / "themes" / "bulletin" / name).read_text(encoding="utf-8")
        (own / name).write_text(original + "\n", encoding="utf-8")

    return change


def repaint(folder: Path) -> None:
    picture = folder / "media" / "chart.png"
    picture.write_bytes(picture.read_bytes() + b"\0")


CHANGES = {
    "an article": append("first.md"),
    "the issue": append("issue.yaml"),
    "the publication": append("../publication.yaml"),
    "a picture": repaint,
    **{f"the theme's {name}": override(name) for name in ("theme.yaml", "mail.mjml.j2", "mail.txt.j2", "head.css.j2")},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_touching_any_input_changes_the_id(tmp_path: Path, change: Callable[[Path], None]) -> None:
    folder = write_full_issue(tmp_path)
    issue = load_folder(folder)
    before = hash_inputs(issue, open_workspace(tmp_path).template_folders)
    change(folder)
    assert hash_inputs(issue, open_workspace(tmp_path).template_folders) != before


def test_a_file_that_is_no_part_of_the_mail_changes_nothing(tmp_path: Path) -> None:
    folder = write_full_issue(tmp_path)
    before = render_folder(folder).edition
    write_picture(folder / "media" / "unused.png")
    (folder / ".issue.yaml.swp").write_bytes(b"an editor's backup")
    assert render_folder(folder).edition == before


def test_a_new_article_changes_the_id(tmp_path: Path) -> None:
    folder = write_full_issue(tmp_path)
    before = render_folder(folder).edition
    issue = folder / "issue.yaml"
    issue.write_text(issue.read_text(encoding="utf-8").replace("second, third", "third, second"), encoding="utf-8")
    assert render_folder(folder).edition.id != before.id


@pytest.mark.parametrize("part", ["issue", "publication"])
def test_the_same_files_under_another_name_are_another_edition(tmp_path: Path, part: str) -> None:
    folder = write_full_issue(tmp_path)
    before = render_folder(folder).edition
    if part == "issue":
        renamed = folder.rename(folder.with_name("2026-02"))
    else:
        renamed = folder.parent.rename(folder.parent.with_name("other")) / folder.name
    after = render_folder(renamed).edition
    assert after.id != before.id
    assert after.issue != before.issue


def test_an_edition_comes_back_from_the_store_as_it_was(tmp_path: Path) -> None:
    edition = render_folder(write_full_issue(tmp_path)).edition
    assert Edition.from_bytes(edition.to_bytes()) == edition
    assert edition.to_bytes() == edition.to_bytes()


def test_an_edition_of_an_older_version_is_still_read(tmp_path: Path) -> None:
    edition = render_folder(write_full_issue(tmp_path)).edition
    later = {"return_path", "verp", "eight_bit", "fields", "conditions", "inline", "attachments"}
    old = zlib.compress(edition.model_dump_json(exclude=later).encode())
    assert Edition.from_bytes(old) == edition


def test_what_the_publication_says_of_the_envelope_is_in_the_edition(tmp_path: Path) -> None:
    lines = "return_path: bounces@small.example.com\nverp: true\neight_bit: true\n"
    edition = render_folder(write_small_issue(tmp_path, publication=PUBLICATION + lines)).edition
    assert (edition.return_path, edition.verp, edition.eight_bit) == ("bounces@small.example.com", True, True)


def test_an_attachment_and_its_name_are_of_the_editions_inputs(tmp_path: Path) -> None:
    entry = "attachments:\n  - {{file: media/chart.png, name: {name}.png}}\n"
    ids = [render_folder(write_small_issue(tmp_path, issue=ISSUE)).edition.id]
    for name in ("one", "two"):
        folder = write_small_issue(tmp_path, issue=ISSUE + entry.format(name=name), first=SECOND)
        ids.append(render_folder(folder).edition.id)
    repaint(folder)
    ids.append(render_folder(folder).edition.id)
    assert len(set(ids)) == len(ids)


def test_an_edition_cut_short_in_the_store_is_told() -> None:
    with pytest.raises(zlib.error):
        Edition.from_bytes(b"\x78\x9c")
