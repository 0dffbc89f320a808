"""What a run shows an operator: artifacts in Markdown and tables, written from the library's reports."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from prefect.artifacts import acreate_link_artifact, acreate_markdown_artifact, acreate_table_artifact

from pressrun.delivery.outcome import State
from pressrun.delivery.send import SendReport
from pressrun.finding import Finding, count_errors, count_of
from pressrun.render.mail import BUDGET_OCTETS, Rendering


def artifact_key(kind: str, issue: str) -> str:
    """A key Prefect takes: lower-case letters, digits and dashes; the same for each run, so that versions line up."""
    return re.sub(r"[^a-z0-9]+", "-", f"{kind}-{issue}".lower()).strip("-")


async def show_findings(issue: str, findings: Sequence[Finding]) -> None:
    """The check's findings, worst first."""
    errors = count_errors(findings)
    lines = [
        f"# Findings in {issue}",
        "",
        f"{count_of(errors, 'error')}, {count_of(len(findings) - errors, 'warning')}.",
        "",
    ]
    if findings:
        lines += ["| where | what | how to mend it |", "| --- | --- | --- |"]
        lines += [
            f"| `{finding.path}:{finding.line}:{finding.column}` | **{finding.severity}** {_cell(finding.message)} "
            f"`{finding.code}` | {_cell(finding.hint)} |"
            for finding in findings
        ]
    await acreate_markdown_artifact("\n".join(lines), key=artifact_key("findings", issue))


async def show_preview(rendering: Rendering, address: str) -> None:
    """A link to the rendered mail, and what it weighs part by part."""
    edition = rendering.edition
    await acreate_link_artifact(
        address, link_text=f"{edition.subject}: the mail", key=artifact_key("preview", edition.issue)
    )
    rows = [{"part": f"{'· ' * part.level}{part.name}", "KB": round(part.octets / 1024, 1)} for part in rendering.parts]
    total = {"part": f"in all, of {BUDGET_OCTETS // 1024}", "KB": round(rendering.octets / 1024, 1)}
    await acreate_table_artifact([*rows, total], key=artifact_key("size", edition.issue))


async def show_outcomes(report: SendReport) -> None:
    """The issue's deliveries by state."""
    rows = [{"state": str(state), "deliveries": count} for state, count in report.counts.items() if count]
    rows.append({"state": "planned", "deliveries": sum(report.counts.values())})
    await acreate_table_artifact(rows, key=artifact_key("outcomes", report.issue), description=describe(report))


def describe(report: SendReport) -> str:
    """The send in a line, as the run's state says it: `38 of 40 sent, 1 failed, 1 in doubt`."""
    counts: Mapping[State, int] = report.counts
    parts = [f"{counts[State.SENT]:,} of {sum(counts.values()):,} sent"]
    parts += [
        f"{count:,} {str(state).replace('_', ' ')}"
        for state, count in counts.items()
        if count and state is not State.SENT
    ]
    if report.next_due:
        parts.append(f"next try at {report.next_due:%Y-%m-%d %H:%M} UTC")
    return ", ".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ")
