"""Makes every file of one publication's archive, in memory, from issues that are read and found sound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2.sandbox import ImmutableSandboxedEnvironment

from pressrun.check import check_issue
from pressrun.errors import PressrunError
from pressrun.event_file import events_of, make_event_file
from pressrun.finding import Finding, Severity, count_of, in_order
from pressrun.render.public import make_public
from pressrun.site.archive import Archive, make_archive
from pressrun.site.choice import Choice, Found
from pressrun.site.digest import join_digests
from pressrun.site.feeds import count_entries, make_feeds
from pressrun.site.folder import Content
from pressrun.site.pages import make_issue_pages, make_shared
from pressrun.site.record import IssueRecord, Record, read_pages
from pressrun.site.withheld import Terms
from pressrun.source.issue import Issue
from pressrun.source.loader import load_issue

_TOLD = 3


@dataclass(frozen=True)
class Opened:
    """A publication's issues as the public reads them, by id, their events' calendar files, and what was found.

    Calendar files and pictures are there for what only some readers see too: their mail leads to them.
    """

    choice: Choice
    record: Record | None
    issues: Mapping[str, Issue]
    calendars: Mapping[str, bytes]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Made:
    """All files of a publication's folder by their paths; `own` are the pages of each issue by its id."""

    choice: Choice
    files: Mapping[str, Content]
    own: Mapping[str, tuple[str, tuple[str, ...]]]
    entries: int

    def record(self, names: Mapping[str, str]) -> Record:
        """What the next build has to know; `names` are the files' own."""
        issues = {issue.folder.name: self._record_issue(issue) for issue in self.choice.shown}
        pages = sum(path.endswith(".html") for path in self.files)
        return Record(made_from=self.choice.made_from, issues=issues, files=names, pages=pages, entries=self.entries)

    def _record_issue(self, issue: Found) -> IssueRecord:
        pages_from, pages = self.own[issue.folder.name]
        assert issue.terms is not None  # what can't be read is not sound
        return IssueRecord(source=issue.source, pages_from=pages_from, terms=Terms(*issue.terms), pages=pages)


def open_choice(choice: Choice, record: Record | None) -> Opened:
    """Read all that is shown; what is as it was at the last build was found sound then, and is not checked again."""
    issues: dict[str, Issue] = {}
    calendars: dict[str, bytes] = {}
    findings: list[Finding] = []
    for found in choice.shown:
        loaded = load_issue(found.folder)
        findings += loaded.findings
        if loaded.issue is None:
            continue
        known = record.issues.get(found.folder.name) if record else None
        if known is None or known.source != found.source:
            findings += check_issue(loaded.issue, Severity.ERROR)
        issues[loaded.issue.id] = make_public(loaded.issue)
        for event in events_of(loaded.issue):
            calendars[f"{loaded.issue.id}/events/{event.slug}.ics"] = make_event_file(loaded.issue, event)
    return Opened(choice, record, issues, calendars, tuple(findings))


def require_sound(root: Path, opened: Sequence[Opened]) -> None:
    """Raise PressrunError where one of them has errors, with the first of them; paths are told from `root`."""
    findings = in_order(finding.relative_to(root) for each in opened for finding in each.findings)
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if errors:
        first = "; ".join(str(finding) for finding in errors[:_TOLD])
        more = f"; and {len(errors) - _TOLD} more" if len(errors) > _TOLD else ""
        number = count_of(len(errors), "error")
        raise PressrunError(f"the issues have {number}: {first}{more}", "pressrun check tells them all")


def make(opened: Opened, old: Path, environment: ImmutableSandboxedEnvironment) -> Made:
    """Every file of the publication; pages of issues that did not change are taken from the folder `old`."""
    archive = make_archive(list(opened.issues.values()))
    files: dict[str, Content] = {path: text.encode() for path, text in make_shared(archive, environment).items()}
    own: dict[str, tuple[str, tuple[str, ...]]] = {}
    for found in opened.choice.shown:
        issue = opened.issues[found.folder.name]
        pages_from = join_digests((found.source, *_surroundings(archive, issue)))
        pages = _reuse(opened.record, issue.id, pages_from, old) or {
            path: text.encode() for path, text in make_issue_pages(archive, issue, environment).items()
        }
        own[issue.id] = (pages_from, tuple(pages))
        files |= pages
        files |= {f"{issue.id}/{name}": picture.file for name, picture in issue.pictures.items()}
    files |= opened.calendars
    files |= make_feeds(archive, environment)
    return Made(opened.choice, files, own, count_entries(archive))


def _surroundings(archive: Archive, issue: Issue) -> Iterator[str]:
    """What an issue's pages say of other issues."""
    for other in (*archive.neighbours(issue), archive.corrected_by(issue)):
        yield f"{other.id} {other.title} {other.label}" if other else ""


def _reuse(record: Record | None, issue: str, pages_from: str, old: Path) -> dict[str, bytes] | None:
    known = record.issues.get(issue) if record else None
    if record is None or known is None or known.pages_from != pages_from:
        return None
    return read_pages(old, record, known.pages)
