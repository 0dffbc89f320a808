"""Issues rendered for tests: the repository's own, and those a test writes."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pressrun.render.mail import Rendering, render
from pressrun.render.slot import Slot, SlotTokens, cut_html, cut_plain
from pressrun.source.issue import Issue
from pressrun.source.loader import load_issue
from pressrun.workspace import open_workspace

REPOSITORY = Path(__file__).parents[1]
REAL_ISSUES = tuple(f"{folder.parent.name}/{folder.name}" for folder in open_workspace(REPOSITORY).issue_folders())
VALUES = {
    Slot.GREETING: "Hello, Robin <Reader>",
    Slot.NAME: "Robin",
    Slot.ADDRESS: "robin@example.com",
    Slot.UNSUBSCRIBE_URL: "https://leave.example.com/robin?a=1&b=2",
    Slot.PREFERENCES_URL: "https://leave.example.com/settings/robin?a=1&b=2",
}


def load_folder(folder: Path) -> Issue:
    """The issue in `folder`, which must load."""
    loaded = load_issue(folder)
    assert loaded.issue, [str(finding) for finding in loaded.findings]
    return loaded.issue


def render_folder(folder: Path) -> Rendering:
    """The rendering of the issue in `folder` of a workspace three levels up."""
    return render(load_folder(folder), open_workspace(folder.parents[2]).template_folders)


@cache
def render_real(name: str) -> Rendering:
    """The rendering of the repository's issue called `name`."""
    return render_folder(open_workspace(REPOSITORY).issue_folder(name))


def fill(rendering: Rendering) -> tuple[str, str]:
    """HTML and text with their slots filled."""
    edition = rendering.edition
    tokens = SlotTokens(edition.nonce)
    return cut_html(edition.html, tokens).fill(VALUES), cut_plain(edition.text, tokens).fill(VALUES)
