"""The verb that reads the mailbox of bounces and wishes to leave."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Annotated

import typer

from pressrun.cli.app import app, workspace_of

if TYPE_CHECKING:
    from pressrun.inbox.read_inbox import InboxReport
    from pressrun.workspace import Workspace


@app.command("read-inbox")
def read_inbox(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
) -> None:
    """Read bounces, complaints and wishes to leave from the mailbox that inbox_url names, and do what they say."""
    report = asyncio.run(_read(workspace_of(context), dry_run=dry_run))
    for kind, count in sorted(report.read.items()):
        typer.echo(f"{count:,} {kind}")
    if report.again:
        typer.echo(f"{report.again:,} dealt with before")
    if report.unproven:
        typer.echo(f"{report.unproven:,} without proof, left for a person to look at", err=True)
    if not report.total:
        typer.echo("no letters")


async def _read(workspace: Workspace, *, dry_run: bool) -> InboxReport:
    from pressrun.inbox.read_inbox import open_and_read
    from pressrun.store.database import open_database

    async with open_database(workspace.database_url) as database:
        return await open_and_read(database, workspace, dt.datetime.now(dt.UTC), dry_run=dry_run)
