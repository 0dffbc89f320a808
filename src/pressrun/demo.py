"""The main job on the sample data, start to end, delivered to the embedded receiver: what `pressrun demo` does."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email import policy
from email.parser import BytesHeaderParser
from pathlib import Path

from pressrun.attribute import load_attribute_schema
from pressrun.delivery.outcome import State
from pressrun.errors import PressrunError, UsageError
from pressrun.orchestration import run_flow
from pressrun.render.sample import write_sample
from pressrun.render.source import render_issue
from pressrun.settings import load_settings
from pressrun.sink import read_maildir, sink
from pressrun.source.issue import Issue
from pressrun.source.loader import load_issue
from pressrun.store.consent import ConsentBasis
from pressrun.store.database import open_database
from pressrun.store.delivery_log import count_states, read_log
from pressrun.store.subscriber import ImportTerms
from pressrun.store.subscriber_import import import_subscribers
from pressrun.subscriber_file import read_subscribers
from pressrun.workspace import Workspace


@dataclass(frozen=True)
class DemoReport:
    """What the demo made and how it ended; `received` counts messages in the Maildir by Message-ID."""

    issue: Issue
    list_name: str
    out: Path
    counts: Mapping[State, int]
    sent_ids: frozenset[str]
    received: Mapping[str, int]
    flow_message: str
    flow_completed: bool
    seconds: float

    @property
    def shortfalls(self) -> list[str]:
        """What is not as it should be; empty where all is well."""
        planned, sent = sum(self.counts.values()), self.counts[State.SENT]
        found = [] if self.flow_completed else [f"the flow did not complete: {self.flow_message}"]
        if not planned or sent != planned:
            found.append(f"{sent} of {planned} deliveries were sent")
        if lost := [name for name in self.sent_ids if not self.received.get(name)]:
            found.append(f"{len(lost)} sent messages are not in the Maildir")
        if doubled := [name for name, count in self.received.items() if count > 1]:
            found.append(f"{len(doubled)} messages are in the Maildir more than once")
        return found


def choose_issue(workspace: Workspace) -> Issue:
    """The newest issue, by date, of a publication that has a sample list in subscribers/."""
    found = [load_issue(folder).issue for folder in workspace.issue_folders()]
    issues = [issue for issue in found if issue and sample_list(workspace, issue).is_file()]
    if not issues:
        raise UsageError("no issue has a sample list", "write subscribers/PUBLICATION.csv, and see pressrun check")
    return max(issues, key=lambda issue: (issue.published, issue.key))


def sample_list(workspace: Workspace, issue: Issue) -> Path:
    """The file with the sample subscribers of the issue's publication."""
    return workspace.root / "subscribers" / f"{issue.publication_id}.csv"


async def demo(workspace: Workspace, issue: Issue, out: Path) -> DemoReport:
    """Check, render, build the site and feeds, deliver and account for `issue`, all into `out`, by the real flow."""
    started = time.monotonic()
    list_name = issue.publication_id
    async with sink(out / "maildir") as port:
        here = _point_settings_at(workspace, out, port)
        await _import_list(here, issue, list_name)
        state = await run_flow(here, "publish", "publish_issue", issue=issue.key, lists=[list_name], when="now")
    write_sample(render_issue(here, issue.key), issue.folder, out / "render")
    async with open_database(here.database_url) as database:
        counts = await count_states(database, issue.key)
        sent = frozenset([row.message_id async for row in read_log(database, issue.key, [State.SENT])])
    return DemoReport(
        issue=issue,
        list_name=list_name,
        out=out,
        counts=counts,
        sent_ids=sent,
        received=Counter(_message_ids(out / "maildir")),
        flow_message=state.message or "",
        flow_completed=state.is_completed(),
        seconds=time.monotonic() - started,
    )


def _point_settings_at(workspace: Workspace, out: Path, port: int) -> Workspace:
    """The workspace with store, site and relay of the demo; through the environment, as the flow's process reads it."""
    os.environ["PRESSRUN_DATABASE_URL"] = f"sqlite:///{out.resolve() / 'pressrun.db'}"
    os.environ["PRESSRUN_SMTP_URL"] = f"smtp://127.0.0.1:{port}"
    os.environ["PRESSRUN_SITE_FOLDER"] = str(out.resolve() / "site")
    os.environ["PRESSRUN_PREVIEW_FOLDER"] = str(out.resolve() / "preview")
    return Workspace(workspace.root, load_settings(workspace.root))


async def _import_list(workspace: Workspace, issue: Issue, list_name: str) -> None:
    file = sample_list(workspace, issue)
    if not file.is_file():
        raise UsageError(f"{file} is missing", "the demo needs a sample list: email,name and a person a line")
    async with open_database(workspace.database_url) as database:
        rows = read_subscribers(file, load_attribute_schema(workspace))
        terms = ImportTerms(list_name, ConsentBasis.UNKNOWN, "sample list")  # of people who are made up
        report = await import_subscribers(database, rows, terms, workspace.link_keys(), dt.datetime.now(dt.UTC))
    if report.rejected:
        raise PressrunError(f"{file}:{report.rejected[0].line}: {report.rejected[0].reason}", "mend the sample list")


def _message_ids(maildir: Path) -> Iterator[str]:
    parser = BytesHeaderParser(policy=policy.default)
    return (str(parser.parsebytes(raw)["Message-ID"]) for raw in read_maildir(maildir))
