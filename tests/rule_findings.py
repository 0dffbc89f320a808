"""What a rule finds in a small issue that a test spoils."""

from __future__ import annotations

from pathlib import Path

from pressrun.check import RULES
from pressrun.check.manuscript import Manuscript
from pressrun.finding import Finding
from pressrun.source.loader import load_issue
from pressrun.workspace import open_workspace
from small_issue import write_small_issue

Place = tuple[str, int, int]


def manuscript(folder: Path, **changes: str | bytes | None) -> Manuscript:
    """The small issue with `changes`, which loads without errors."""
    loaded = load_issue(write_small_issue(folder, **changes))
    assert loaded.issue, list(map(str, loaded.findings))
    return Manuscript(loaded.issue, open_workspace(folder).template_folders)


def find(rule: str, folder: Path, **changes: str | bytes | None) -> list[Finding]:
    """What one rule finds."""
    return list(RULES[rule].find(manuscript(folder, **changes)))


def places(rule: str, folder: Path, **changes: str | bytes | None) -> list[Place]:
    """Where one rule finds something: file, line and column."""
    return sorted((Path(f.path).name, f.line, f.column) for f in find(rule, folder, **changes))


def hints(rule: str, folder: Path, **changes: str | bytes | None) -> list[str]:
    """How one rule says to mend what it finds."""
    return [finding.hint for finding in find(rule, folder, **changes)]


def article(body: str, head: str = "") -> str:
    """An article with `body`, whose first line is the file's fourth without a `head`."""
    return f"---\ntitle: An article\n{head}---\n{body}\n"
