"""The verb that reports how an issue went."""

from __future__ import annotations

import asyncio
import datetime as dt
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from pressrun.cli.app import app, workspace_of

if TYPE_CHECKING:
    from pathlib import Path

    from pressrun.delivery.account import Account
    from pressrun.workspace import Workspace


class ReportFormat(StrEnum):
    """How a report is written."""

    MARKDOWN = "markdown"
    JSON = "json"


@app.command()
def report(
    context: typer.Context,
    issue: Annotated[str, typer.Argument(metavar="ISSUE", help="publication/issue, or issue.")],
    format: Annotated[ReportFormat, typer.Option(help="How it is written.")] = ReportFormat.MARKDOWN,
) -> int:
    """Report how an issue went: by list, domain and relay, with what was refused and why. Names no recipient."""
    from pressrun.delivery.account import write_report

    workspace = workspace_of(context)
    folder = workspace.issue_folder(issue)
    account, links = asyncio.run(_read(workspace, f"{folder.parent.name}/{folder.name}"))
    if format is ReportFormat.JSON:
        typer.echo(_as_json(account, links))
    else:
        typer.echo(write_report(account, _zone_of(folder.parent), links), nl=False)
    return 1 if account.fell_short else 0


async def _read(workspace: Workspace, key: str) -> tuple[Account, dict[str, str]]:
    from pressrun.delivery.account import read_account
    from pressrun.store.database import open_database
    from pressrun.store.delivery_log import load_editions

    async with open_database(workspace.database_url) as database:
        account = await read_account(database, key)
        editions = await load_editions(database, key)
    links = {"Archive": editions[max(editions)].url} if editions else {}
    return account, links


def _zone_of(publication: Path) -> dt.tzinfo:
    """The publication's time zone; UTC while its file has errors, which keep nobody from looking at a send."""
    from pressrun.source.loader import load_publication

    loaded, _ = load_publication(publication)
    return loaded.zone if loaded else dt.UTC


def _as_json(account: Account, links: dict[str, str]) -> str:
    import json
    from dataclasses import asdict

    known = {"planned": account.planned, "open": account.open, "counts": dict(account.counts)}
    content = {"issue": account.issue, **known, **asdict(account), "links": links}
    return json.dumps(content, ensure_ascii=False, default=lambda moment: moment.isoformat(timespec="seconds"))
