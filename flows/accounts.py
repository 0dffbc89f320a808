"""What a run shows an operator: artifacts in Markdown and tables, written from the library's reports."""

from __future__ import annotations

import base64
import datetime as dt
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prefect.artifacts import (
    acreate_image_artifact,
    acreate_link_artifact,
    acreate_markdown_artifact,
    acreate_table_artifact,
)
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactUpdate
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.objects import Artifact
from prefect.runtime import flow_run as this_run

from pressrun.delivery.account import Account, read_account, write_report, write_trip
from pressrun.delivery.breaker import Trip
from pressrun.delivery.outcome import State
from pressrun.delivery.send_test import Tested
from pressrun.delivery.table import plain, unlinked
from pressrun.finding import Finding, count_errors, count_of
from pressrun.render.edition import Edition
from pressrun.render.mail import BUDGET_OCTETS, PartSize, Rendering
from pressrun.render.picture import Picture
from pressrun.source.loader import load_publication
from pressrun.store.database import Database
from pressrun.store.exclusion import Audience
from pressrun.workspace import Workspace


def artifact_key(kind: str, issue: str) -> str:
    """A key Prefect takes: lower-case letters, digits and dashes; the same for each run, so that versions line up."""
    return re.sub(r"[^a-z0-9]+", "-", f"{kind}-{issue}".lower()).strip("-")


async def show_findings(issue: str, findings: Sequence[Finding]) -> None:
    """The check's findings, worst first."""
    await acreate_markdown_artifact(write_findings(issue, findings), key=artifact_key("findings", issue))


def write_findings(issue: str, findings: Sequence[Finding]) -> str:
    """The findings as a table in Markdown."""
    errors = count_errors(findings)
    lines = [
        f"# Findings in {plain(issue)}",
        "",
        f"{count_of(errors, 'error')}, {count_of(len(findings) - errors, 'warning')}.",
        "",
    ]
    if findings:
        lines += ["| where | what | how to mend it |", "| --- | --- | --- |"]
        lines += [
            f"| {plain(f'{finding.path}:{finding.line}:{finding.column}')} | **{finding.severity}** "
            f"{plain(finding.message)} `{finding.code}` | {plain(finding.hint)} |"
            for finding in findings
        ]
    return "\n".join(lines)


async def show_preview(rendering: Rendering, address: str) -> None:
    """A link to the rendered mail, and what it weighs part by part."""
    edition = rendering.edition
    await acreate_link_artifact(
        address, link_text=f"{edition.shown_subject}: the mail", key=artifact_key("preview", edition.issue)
    )
    rows = [{"part": _name(part, rendering), "KB": round(part.octets / 1024, 1)} for part in rendering.parts]
    rows.append({"part": f"in all, of {BUDGET_OCTETS // 1024}", "KB": round(rendering.octets / 1024, 1)})
    if rendering.message_octets:
        rows.append({"part": "the message with its files", "KB": round(rendering.message_octets / 1024, 1)})
    await acreate_table_artifact(rows, key=artifact_key("size", edition.issue))


def _name(part: PartSize, rendering: Rendering) -> str:
    early = " (ends early)" if part.level and part.name in rendering.excerpted else ""
    return f"{'· ' * part.level}{part.name}{early}"


async def show_pictures(workspace: Workspace, issue: str, pictures: Sequence[Picture]) -> None:
    """The mail as a picture of each screen: at its address where previews are served, else within the artifact."""
    for picture in pictures:
        key = artifact_key(picture.screen, issue)
        await acreate_image_artifact(_address_of(workspace, issue, picture.file), key, f"{issue} on a {picture.screen}")


def _address_of(workspace: Workspace, issue: str, file: Path) -> str:
    if base := workspace.settings.preview_url:
        return f"{base.rstrip('/')}/{issue}/{file.name}"
    return f"data:image/jpeg;base64,{base64.b64encode(file.read_bytes()).decode()}"


async def show_text(issue: str, folder: Path, about: str) -> None:
    """The mail as those read it whose program shows no HTML; `about` says of what."""
    text = (folder / "email.txt").read_text(encoding="utf-8").replace("```", "'''")
    markdown = f"# {issue} as text\n\n```text\n{text}\n```"
    await acreate_markdown_artifact(markdown, key=artifact_key("text", issue), description=about)


async def show_audience(issue: str, audience: Audience) -> None:
    """Whom the issue is planned for by list, who is left out of them and why, and how many are to get it."""
    rows = [{"people": count, "who": _tell_audience(name, audience)} for name, count in audience.planned.items()]
    rows += [{"people": -count, "who": f"left out: {reason}"} for reason, count in audience.excluded.items()]
    rows.append({"people": audience.recipients, "who": "are to get it"})
    await acreate_table_artifact(rows, key=artifact_key("audience", issue), description="Who gets it")


def _tell_audience(name: str, audience: Audience) -> str:
    told = audience.filters.get(name)
    return f"on the list {name}" if told is None else f"in the segment {name}: {told}"


async def show_tests(edition: Edition, tested: Sequence[Tested], about: str) -> None:
    """Who was sent a test copy, and what the relay said; `about` says of what."""
    rows = [{"to": one.address, "sent": "yes" if one.is_sent else "no", "reply": reply_of(one)} for one in tested]
    await acreate_table_artifact(rows, key=artifact_key("tests", edition.issue), description=about)


def reply_of(tested: Tested) -> str:
    """What the relay said to a test copy, as one line."""
    return unlinked(" ".join(str(part) for part in (tested.outcome.code, tested.outcome.text) if part))


async def show_trip(issue: str, trip: Trip) -> None:
    """Why a send stopped itself, with the replies that it stopped for."""
    await acreate_markdown_artifact(write_trip(trip), key=artifact_key("stopped", issue))


async def show_report(workspace: Workspace, database: Database, issue: str, edition: Edition | None) -> Account:
    """The issue's report, under one key. Reports of earlier runs are changed too: whichever is opened is true."""
    account = await read_account(database, issue)
    zone = zone_of(workspace, issue)
    links = {"the mail": workspace.preview_address(issue)}
    if edition is not None:
        links["in the archive"] = edition.url
    text = write_report(account, zone, links)
    key = artifact_key("report", issue)
    mine = False
    async with get_client() as client:
        for one in await read_versions(key):
            await client.update_artifact(one.id, ArtifactUpdate(data=text))
            mine = mine or str(one.flow_run_id) == this_run.id
    if not mine:
        await acreate_markdown_artifact(text, key=key)
    return account


def zone_of(workspace: Workspace, issue: str) -> dt.tzinfo:
    """The zone of the issue's publication; UTC where that is faulty by now."""
    publication, _ = load_publication(workspace.issues / issue.partition("/")[0])
    return publication.zone if publication else dt.UTC


async def read_versions(key: str) -> list[Artifact]:
    """The artifacts under a key, newest first."""
    async with get_client() as client:
        found = await client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])))
    return sorted(found, key=lambda one: str(one.created), reverse=True)


def tabulate(account: Account) -> list[dict[str, Any]]:
    """How many rows are in each state, in all and for each recipient domain that is named."""
    named: dict[str, Mapping[State, int]] = {"all": account.counts}
    named |= {domain.name: domain.counts for domain in account.domains}
    if account.other_domains:
        named[f"{account.other_domains:,} others"] = account.others
    states = [state for state in State if account.counts.get(state)]
    return [
        {
            "domain": name,
            "planned": sum(counts.values()),
            **{str(state).replace("_", " "): counts.get(state, 0) for state in states},
        }
        for name, counts in named.items()
    ]


def describe(counts: Mapping[State, int], *more: str) -> str:
    """Deliveries in a line, as the run's state says it: `38 of 40 sent, 1 failed, 1 in doubt`."""
    parts = [f"{counts.get(State.SENT, 0):,} of {sum(counts.values()):,} sent"]
    parts += [
        f"{count:,} {str(state).replace('_', ' ')}"
        for state, count in counts.items()
        if count and state is not State.SENT
    ]
    return ", ".join([*parts, *more])
