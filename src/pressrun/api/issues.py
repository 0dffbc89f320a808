"""Issues of the workspace over the API: what they are, how they stand, and what the checks find in them."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from fastapi import Query, Request, Response
from pydantic import Field

from pressrun.api.guard import doors_of
from pressrun.api.page import Cursor, Limit, link_next, make_cursor, read_cursor
from pressrun.api.problem import not_found
from pressrun.api.shape import Outgoing, Slug
from pressrun.check import examine
from pressrun.finding import Severity
from pressrun.public.doors import Doors
from pressrun.source.loader import LoadedIssue, load_issue
from pressrun.store.standing import read_sends
from pressrun.workspace import Workspace


class IssueState(StrEnum):
    """How far an issue is."""

    DRAFT = "draft"  # nothing of it was planned
    OPEN = "open"  # rows are not settled
    FINISHED = "finished"


class Finding(Outgoing):
    """A fault in a source file, at a 1-based line and column."""

    path: str
    line: int
    column: int
    severity: Severity
    code: str
    message: str
    hint: str


class IssueSummary(Outgoing):
    """An issue as the workspace has it."""

    id: str = Field(description="publication/issue", examples=["field-notes/2026-02"])
    state: IssueState
    lists: Mapping[str, bool] = Field(
        description="The audiences it was planned for, and whether rows are open for each"
    )
    is_sound: bool = Field(description="Whether it can be read: where not, its findings tell why")
    title: str | None = Field(description="Its title; this and what follows is null where it can't be read")
    subject: str | None
    year: int | None
    number: int | None
    total: int | None
    date: dt.date | None
    send_at: dt.datetime | None = Field(description="When it goes out by itself; null: when somebody sends it")
    url: str | None = Field(description="Its page in the archive")


class Issue(IssueSummary):
    """An issue with what the checks find in its files."""

    findings: tuple[Finding, ...]


class IssuePage(Outgoing):
    """Some of the issues, by name."""

    items: list[IssueSummary]
    next: str | None = Field(description="The cursor of the next page; null: there is none")


async def list_issues(
    request: Request,
    response: Response,
    publication: Annotated[str | None, Query(max_length=200, description="Only those of this publication")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> IssuePage:
    """Read the issues of the workspace, page by page, by name."""
    doors = doors_of(request)
    listing = f"issues {publication}"
    after = read_cursor(doors.keys, listing, cursor) or ""
    planned = await read_sends(doors.database)
    keys = [key for key in _keys(doors.workspace, publication) if key > after][: limit + 1]
    loaded = await asyncio.to_thread(_load, doors.workspace, keys[:limit])
    more = make_cursor(doors.keys, listing, keys[limit - 1]) if len(keys) > limit else None
    link_next(response, more, publication=publication, limit=limit)
    items = [IssueSummary(**_summary(key, one, planned.get(key, {}))) for key, one in loaded.items()]
    return IssuePage(items=items, next=more)


async def get_issue(request: Request, publication: Slug, issue: Slug) -> Issue:
    """Read one issue, with what the checks find in its files. Its mail is not rendered for that."""
    doors = doors_of(request)
    key = find_issue(doors, publication, issue)
    planned = (await read_sends(doors.database)).get(key, {})
    found = await asyncio.to_thread(examine, _folder(doors.workspace, key), doors.workspace)
    # A path below the workspace tells where in it; one from elsewhere would tell how the machine is laid out.
    findings = [Finding.model_validate(finding.relative_to(doors.workspace.root)) for finding in found.findings]
    return Issue(**_summary(key, found, planned), findings=findings)


def find_issue(doors: Doors, publication: str, issue: str) -> str:
    """The key of the issue of exactly this name. Raises RefusalError 404: no name leads out of the workspace."""
    key = f"{publication}/{issue}"
    if key not in _keys(doors.workspace, None):
        raise not_found(f"there is no issue {key!r}", "GET /issues lists all")
    return key


def _keys(workspace: Workspace, publication: str | None) -> list[str]:
    folders = workspace.issue_folders()
    return sorted(f"{one.parent.name}/{one.name}" for one in folders if publication in (None, one.parent.name))


def _folder(workspace: Workspace, key: str) -> Path:
    return workspace.issues / key


def _load(workspace: Workspace, keys: list[str]) -> dict[str, LoadedIssue]:
    return {key: load_issue(_folder(workspace, key)) for key in keys}


def _summary(key: str, loaded: LoadedIssue, planned: Mapping[str, bool]) -> dict[str, object]:
    issue = loaded.issue
    open_now = any(planned.values())
    return {
        "id": key,
        "state": IssueState.OPEN if open_now else IssueState.FINISHED if planned else IssueState.DRAFT,
        "lists": planned,
        "is_sound": issue is not None,
        "title": issue and issue.title,
        "subject": issue and issue.subject,
        "year": issue and issue.meta.year,
        "number": issue and issue.meta.number,
        "total": issue and issue.meta.total,
        "date": issue and issue.meta.date,
        "send_at": issue and issue.send_at,
        "url": issue and issue.url,
    }
