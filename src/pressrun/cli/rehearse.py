"""The verb that rehearses a send: rehearse-send."""

from __future__ import annotations

import json
import random
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pressrun.cli.app import app, workspace_of
from pressrun.rehearsal.faults import USUAL, Faults

if TYPE_CHECKING:
    from pressrun.rehearsal.rehearsal import Rehearsal


class ReportFormat(StrEnum):
    """How the report is printed."""

    MARKDOWN = "markdown"
    JSON = "json"


@app.command("rehearse-send")
def rehearse_send(
    context: typer.Context,
    issue: Annotated[str, typer.Argument(metavar="ISSUE", help="publication/issue, or issue.")],
    lists: Annotated[
        list[str] | None,
        typer.Option("--list", metavar="LIST", help="A list it goes to; may be repeated. Without: the issue's own."),
    ] = None,
    temporary: Annotated[float, typer.Option(metavar="SHARE", help="Of tries, refused for now.")] = USUAL.temporary,
    permanent: Annotated[float, typer.Option(metavar="SHARE", help="Of tries, refused for good.")] = USUAL.permanent,
    dropped: Annotated[float, typer.Option(metavar="SHARE", help="Of tries, cut off.")] = USUAL.dropped,
    slow: Annotated[float, typer.Option(metavar="SHARE", help="Of domains, slow to answer.")] = USUAL.slow,
    slow_seconds: Annotated[float, typer.Option(metavar="SECONDS", help="How long those take.")] = USUAL.slow_seconds,
    kill: Annotated[
        bool, typer.Option("--kill/--no-kill", help="Whether to kill the sending process in the middle.")
    ] = USUAL.kill,
    sample: Annotated[int | None, typer.Option(min=1, metavar="N", help="Only N people, by chance.")] = None,
    keep: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A new folder in which store and messages stay.")
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="The same chances again.")] = None,
    format: Annotated[ReportFormat, typer.Option(help="How the report is printed.")] = ReportFormat.MARKDOWN,
) -> int:
    """Send an issue to everybody and to nobody: the real engine, a receiver of its own, and faults on purpose."""
    from pressrun.delivery.event_loop import run
    from pressrun.rehearsal.rehearse import rehearse_send as rehearse
    from pressrun.render.source import open_issue

    workspace = workspace_of(context)
    faults = Faults(temporary, permanent, dropped, slow, slow_seconds, kill)
    names = lists or open_issue(workspace, issue).lists
    rehearsal = run(
        rehearse(
            workspace,
            issue,
            names,
            faults,
            sample=sample,
            chance=random.Random(seed),
            keep=keep,
            say=lambda text: typer.echo(text, err=True),
        )
    )
    _print(rehearsal, format)
    return 0 if rehearsal.is_sound else 1


def _print(rehearsal: Rehearsal, format: ReportFormat) -> None:
    from pressrun.rehearsal.report import summarize, write_rehearsal

    if format is ReportFormat.JSON:
        typer.echo(json.dumps(summarize(rehearsal), ensure_ascii=False))
    else:
        typer.echo(write_rehearsal(rehearsal), nl=False)
