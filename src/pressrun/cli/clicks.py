"""The verb that shows what was counted of an issue's readers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from pressrun.cli.app import Format, app, workspace_of

if TYPE_CHECKING:
    from pressrun.store.link import LinkCount
    from pressrun.workspace import Workspace


@app.command()
def clicks(
    context: typer.Context,
    issue: Annotated[str, typer.Argument(metavar="ISSUE", help="publication/issue, or issue.")],
    format: Annotated[Format, typer.Option(help="How rows are printed.")] = Format.TABLE,
) -> None:
    """Show how often an issue was opened and its links followed, by readers and by programs, where that is counted."""
    from pressrun.cli.rows import print_rows

    workspace = workspace_of(context)
    folder = workspace.issue_folder(issue)
    key = f"{folder.parent.name}/{folder.name}"
    counted = asyncio.run(_read(workspace, key))
    print_rows(map(_describe, counted), format)
    if not counted:
        typer.echo(f"{key}: nothing is counted; see tracking in publication.yaml", err=True)


async def _read(workspace: Workspace, issue: str) -> list[LinkCount]:
    from pressrun.store.database import open_database
    from pressrun.store.link import read_link_counts

    async with open_database(workspace.database_url) as database:
        return await read_link_counts(database, issue)


def _describe(one: LinkCount) -> dict[str, object]:
    from pressrun.agent import Agent

    counts = {agent.value: one.counts.get(agent, 0) for agent in Agent}
    return {"kind": one.kind.value, "url": one.url, **counts, "people": one.people}
