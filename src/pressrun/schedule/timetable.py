"""Reads what publications and issues say of time, and nothing else of them: it is asked for every minute."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pressrun.finding import Finding, Severity
from pressrun.source.issue import send_lists, send_time
from pressrun.source.loader import ISSUE_FILE, load_publication
from pressrun.source.model import IssueFile, Publication
from pressrun.source.text import read_text
from pressrun.source.validation import validate
from pressrun.source.yamlfile import read_yaml
from pressrun.workspace import Workspace


@dataclass(frozen=True)
class Entry:
    """An issue in the timetable. Where `fault` says why it can't be read, the rest is empty, but perhaps its date."""

    publication_id: str
    folder: Path
    publication: Publication | None = None
    date: dt.date | None = None
    local: dt.datetime | None = None
    """`send_at` as it is written, without a zone."""
    send_at: dt.datetime | None = None
    """That moment in UTC."""
    lists: tuple[str, ...] = ()
    fault: str = ""

    @property
    def issue(self) -> str:
        """`<publication>/<issue>`."""
        return f"{self.publication_id}/{self.folder.name}"


@dataclass(frozen=True)
class Timetable:
    """The publications that can be read, by their folders' names, and the issues that say something of time."""

    publications: Mapping[str, Publication]
    entries: tuple[Entry, ...]


def read_timetable(workspace: Workspace) -> Timetable:
    """The workspace's timetable; issues without `send_at` are in it only where their publication has a cadence."""
    publications: dict[str, Publication] = {}
    entries: list[Entry] = []
    for folder in workspace.publication_folders():
        publication, findings = load_publication(folder)
        if publication:
            publications[folder.name] = publication
        for issue in workspace.issue_folders(folder.name):
            entry = _read_entry(issue, publication, tell_first(findings, workspace))
            entries += [entry] if entry else []
    return Timetable(publications, tuple(entries))


def tell_first(findings: list[Finding], workspace: Workspace) -> str:
    """The first error of `findings` with its place; empty where none is."""
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    return str(errors[0].relative_to(workspace.root)) if errors else ""


def _read_entry(folder: Path, publication: Publication | None, fault: str) -> Entry | None:
    file = folder / ISSUE_FILE
    text, findings = read_text(file)
    if text is not None and "send_at" not in text and (publication is None or publication.cadence is None):
        return None
    if publication is None:
        return Entry(folder.parent.name, folder, fault=fault)
    yaml_text = read_yaml(text or "", str(file))
    meta, found = validate(IssueFile, yaml_text, str(file))
    if meta is None:
        named = [finding.model_copy(update={"path": ISSUE_FILE}) for finding in [*findings, *found]]
        return Entry(folder.parent.name, folder, publication, _date_in(yaml_text.data), fault=str(named[0]))
    at = send_time(publication, meta)
    return Entry(
        folder.parent.name,
        folder,
        publication,
        meta.date,
        meta.send_at,
        at and at.astimezone(dt.UTC),
        send_lists(publication, meta),
    )


def _date_in(data: object) -> dt.date | None:
    """The date that a faulty file gives all the same."""
    written = data.get("date") if isinstance(data, dict) else None
    try:
        return dt.date.fromisoformat(written) if isinstance(written, str) else None
    except ValueError:
        return None
