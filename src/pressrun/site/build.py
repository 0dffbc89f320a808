"""Builds the web archive and the feeds of publications into a folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2.sandbox import ImmutableSandboxedEnvironment

from pressrun.check import check_issue
from pressrun.errors import PressrunError, UsageError
from pressrun.finding import Finding, Severity, count_of, in_order
from pressrun.site.archive import Archive, make_archive
from pressrun.site.feeds import make_entries, make_feeds
from pressrun.site.folder import FRONT_PAGE, is_ours, mark, staging, swap
from pressrun.site.pages import STYLE, make_environment, make_front_page, make_pages, make_style
from pressrun.source.issue import Issue
from pressrun.source.loader import load_issue, load_publication
from pressrun.source.model import Publication
from pressrun.workspace import Workspace

_TOLD = 3


@dataclass(frozen=True)
class PublicationReport:
    """What was written for one publication: counts, and each feed's address by kind (rss, atom, json)."""

    id: str
    title: str
    pages: int
    entries: int
    files: int
    feeds: Mapping[str, str]


@dataclass(frozen=True)
class SiteReport:
    """What `site` wrote, and where; `front_page` lists the publications."""

    out: Path
    publications: tuple[PublicationReport, ...]

    @property
    def front_page(self) -> Path:
        """The page to open first."""
        return self.out / FRONT_PAGE


def site(workspace: Workspace, out: Path, publications: Sequence[str] | None = None) -> SiteReport:
    """Write archive pages, feeds and pictures of `publications` (all without) into `out/<publication>/`.

    The same sources give the same bytes. Each publication's folder is built aside and swapped in, so that a reader
    never meets a half-written one. Raises PressrunError where an issue has errors, and UsageError for an unknown
    publication or an `out` that holds something else.
    """
    archives = _load_archives(workspace, publications)
    environment = make_environment(workspace)
    names = [archive.id for archive in archives]
    with staging(out, names) as stage:
        reports = tuple(_write(archive, stage / archive.id, environment) for archive in archives)
        front = {
            FRONT_PAGE: make_front_page(_list_publications(workspace, out, archives), environment),
            STYLE: make_style(environment),
        }
        swap(stage, out, names, front)
    return SiteReport(out, reports)


def _load_archives(workspace: Workspace, publications: Sequence[str] | None) -> list[Archive]:
    issues: dict[str, list[Issue]] = {}
    findings: list[Finding] = []
    for folder in _issue_folders(workspace, publications):
        loaded = load_issue(folder)
        found = [*loaded.findings, *(check_issue(loaded.issue) if loaded.issue else ())]
        findings += (finding.relative_to(workspace.root) for finding in found)
        if loaded.issue:
            issues.setdefault(folder.parent.name, []).append(loaded.issue)
    _demand_sound(findings)
    return [make_archive(of_one) for of_one in issues.values()]


def _issue_folders(workspace: Workspace, publications: Sequence[str] | None) -> list[Path]:
    known = {folder.parent.name: folder.parent for folder in workspace.issue_folders()}
    for name in publications or ():
        if name not in known:
            raise UsageError(f"no publication with issues is called {name!r}", f"known: {', '.join(known) or 'none'}")
    if not known:
        raise UsageError(f"{workspace.issues} holds no issue", "write one; see docs/writing.md")
    wanted = [name for name in known if not publications or name in publications]
    return [folder for name in wanted for folder in workspace.issue_folders(name)]


def _demand_sound(findings: list[Finding]) -> None:
    errors = [finding for finding in in_order(findings) if finding.severity is Severity.ERROR]
    if errors:
        first = "; ".join(str(finding) for finding in errors[:_TOLD])
        more = f"; and {len(errors) - _TOLD} more" if len(errors) > _TOLD else ""
        number = count_of(len(errors), "error")
        raise PressrunError(f"the issues have {number}: {first}{more}", "pressrun check tells them all")


def _write(archive: Archive, folder: Path, environment: ImmutableSandboxedEnvironment) -> PublicationReport:
    pages = make_pages(archive, environment)
    entries = make_entries(archive, environment)
    files = {path: text.encode() for path, text in pages.items()} | make_feeds(archive, entries)
    for path, octets in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(octets)
    pictures = list(_copy_pictures(archive, folder))
    mark(folder)
    return PublicationReport(
        id=archive.id,
        title=archive.publication.title,
        pages=len(pages) - 1,  # the style sheet is none
        entries=len(entries),
        files=len(files) + len(pictures),
        feeds=archive.feeds,
    )


def _copy_pictures(archive: Archive, folder: Path) -> Iterator[Path]:
    for issue in archive.issues:
        for name, picture in issue.pictures.items():
            target = folder / issue.id / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(picture.file, target)
            yield target


def _list_publications(workspace: Workspace, out: Path, built: list[Archive]) -> list[tuple[str, Publication]]:
    """What the front page lists: the publications built now, and those an earlier build left in `out`."""
    listed = {archive.id: archive.publication for archive in built}
    for folder in workspace.publication_folders():
        if folder.name not in listed and is_ours(out / folder.name):
            publication, _ = load_publication(folder)
            if publication:
                listed[folder.name] = publication
    return sorted(listed.items())
