"""`pressrun render` says what the mail weighs, and what the whole message does where files go with it."""

from __future__ import annotations

import re
from pathlib import Path

from command import run_here
from small_issue import ISSUE, PUBLICATION, write_small_issue


def kilobytes(line: str) -> float:
    return float(line.split()[0])


def test_the_html_is_weighed_part_by_part(tmp_path: Path) -> None:
    write_small_issue(tmp_path)
    ended = run_here(tmp_path, "render", "small/2026-01", "--out", tmp_path / "out")
    assert ended.status == 0, ended.err
    weights = [line for line in ended.out.splitlines() if re.match(r" *[\d.]+ KB  ", line)]
    assert [line.split("KB", 1)[1].strip() for line in weights[:-1]] == ["news", "first", "second", "colophon"]
    assert "of the 90 KB budget" in weights[-1]


def test_a_message_with_files_is_weighed_whole(tmp_path: Path) -> None:
    issue = f"{ISSUE}attachments:\n  - {{file: media/issue.pdf}}\n"
    folder = write_small_issue(tmp_path, issue=issue, publication=f"{PUBLICATION}images: inline\n")
    (folder / "media" / "issue.pdf").write_bytes(bytes(200 * 1024))
    ended = run_here(tmp_path, "render", "small/2026-01", "--out", tmp_path / "out")
    assert ended.status == 0, ended.err
    html, message = (line for line in ended.out.splitlines() if "in all" in line or "the message with" in line)
    assert kilobytes(html) < 30 < 270 < kilobytes(message) < 320
    real = (tmp_path / "out" / "message.eml").stat().st_size / 1024
    assert abs(kilobytes(message) - real) < 10
