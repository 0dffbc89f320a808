"""An issue in every form that readers get it in, made from its files, or what keeps it from being made."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pressrun.check import examine
from pressrun.errors import PressrunError
from pressrun.event_file import events_of, make_event_file
from pressrun.finding import Finding
from pressrun.preview.fault import Fault, faults_in, faults_of
from pressrun.render.mail import Rendering, render
from pressrun.render.public import make_public
from pressrun.site.archive import make_archive
from pressrun.site.feeds import Entry, make_entries
from pressrun.site.pages import INDEX, make_environment, make_pages
from pressrun.source.issue import Issue
from pressrun.workspace import Workspace


@dataclass(frozen=True)
class Proof:
    """An issue as mail, as pages of the archive (by their path below the publication's folder), and as feed entries."""

    issue: Issue
    rendering: Rendering
    pages: Mapping[str, str]
    entries: tuple[Entry, ...]

    @property
    def page(self) -> str:
        """The path of the issue's own page in the archive."""
        return f"{self.issue.id}/{INDEX}"

    def find_page(self, path: str) -> tuple[str, str] | None:
        """The page or other text at `path`, and its own path: a folder's is its index. None where there is none."""
        tidy = posixpath.normpath(path or ".")
        for own in (tidy, posixpath.normpath(f"{tidy}/{INDEX}")):
            if (text := self.pages.get(own)) is not None:
                return own, text
        return None

    def find_picture(self, name: str) -> Path | None:
        """The file of the picture called `name`, such as `media/cover.png`, where the issue shows it."""
        picture = self.issue.pictures.get(name)
        return picture.file if picture else None


@dataclass(frozen=True)
class Attempt:
    """What came of making a proof: one, or the faults that forbid it; the findings of the check in either case."""

    proof: Proof | None
    faults: tuple[Fault, ...] = ()
    findings: tuple[Finding, ...] = ()


def attempt(workspace: Workspace, folder: Path) -> Attempt:
    """Make a proof of the issue in `folder`. A finding that only stops a send is no fault here."""
    loaded = examine(folder, workspace)
    if loaded.issue is None:
        return Attempt(None, faults_in(loaded.findings), loaded.findings)
    try:
        return Attempt(make_proof(loaded.issue, workspace), (), loaded.findings)
    except PressrunError as error:
        return Attempt(None, faults_of(error, workspace.root), loaded.findings)


def make_proof(issue: Issue, workspace: Workspace) -> Proof:
    """The proof of `issue`, by the very code that sends it and builds the site.

    Raises RenderError where a template fails.
    """
    rendering = render(issue, workspace.template_folders)
    archive, environment = make_archive([make_public(issue)]), make_environment(workspace)
    pages = make_pages(archive, environment)
    for event in events_of(issue):
        pages[f"{issue.id}/events/{event.slug}.ics"] = make_event_file(issue, event).decode()
    return Proof(issue, rendering, pages, make_entries(archive, environment))
