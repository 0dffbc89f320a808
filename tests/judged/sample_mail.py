"""Every sample issue, and one with all blocks, as mail in every theme there is, written as a reader gets it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from full_issue import write_full_issue
from pressrun.render.mail import render
from pressrun.render.sample import write_sample
from pressrun.source.issue import Issue
from pressrun.workspace import open_workspace
from rendered_issue import REAL_ISSUES, REPOSITORY, load_folder

WORKSPACE = open_workspace(REPOSITORY)
THEMES = tuple(sorted(file.parent.name for file in (REPOSITORY / "templates" / "themes").glob("*/theme.yaml")))
FULL = "full/2026-01"
MAILS = tuple(f"{name}/{theme}" for name in (*REAL_ISSUES, FULL) for theme in THEMES)
"""`<publication>/<issue>/<theme>` of each."""


@dataclass(frozen=True)
class SampleMail:
    """A mail in files: `page` shows it from this disk, `html` and `message` are as sent."""

    name: str
    page: Path
    html: Path
    message: Path


@cache
def issue_of(name: str, folder: Path) -> Issue:
    """The issue that a mail is of, set in the mail's theme; `folder` is for one that no folder has yet."""
    issue, _, theme = name.rpartition("/")
    loaded = load_folder(write_full_issue(folder / "source") if issue == FULL else WORKSPACE.issue_folder(issue))
    return replace(loaded, publication=loaded.publication.model_copy(update={"theme": theme}))


def write_mail(name: str, folder: Path) -> SampleMail:
    """Write the mail called `name` below `folder`."""
    issue, out = issue_of(name, folder), folder / name
    write_sample(render(issue, WORKSPACE.template_folders), issue.folder, out)
    return SampleMail(name, out / "preview.html", out / "email.html", out / "message.eml")
