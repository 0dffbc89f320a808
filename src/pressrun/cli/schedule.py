"""The verb on time: calendar."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Annotated

import typer

from pressrun.cli.app import Format, app, workspace_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pressrun.calendar import Day
    from pressrun.workspace import Workspace


@app.command()
def calendar(
    context: typer.Context,
    publications: Annotated[
        list[str] | None, typer.Argument(metavar="[PUBLICATION]...", help="Publications; all without.")
    ] = None,
    days: Annotated[int, typer.Option(min=0, max=3660, help="How far ahead expected issues are shown.")] = 60,
    format: Annotated[Format, typer.Option(help="How lines are printed.")] = Format.TABLE,
) -> int:
    """Show what goes out when, which issues are expected, and what lacks; starts nothing."""
    from pressrun.cli.rows import print_rows

    workspace = workspace_of(context)
    lines = asyncio.run(_read(workspace, _known(workspace, publications or []), days))
    print_rows([_row(line) for line in lines], format)
    if format is Format.TABLE and not lines:
        typer.echo("nothing is scheduled or expected")
    return 0 if all(line.is_well for line in lines) else 1


def _known(workspace: Workspace, named: Sequence[str]) -> Sequence[str]:
    from pressrun.errors import UsageError

    known = [folder.name for folder in workspace.publication_folders()]
    for name in named:
        if name not in known:
            raise UsageError(f"no publication is called {name!r}", f"known: {', '.join(known) or 'none'}")
    return named


async def _read(workspace: Workspace, publications: Sequence[str], days: int) -> list[Day]:
    from pressrun.calendar import calendar as read_calendar
    from pressrun.store.database import open_database

    async with open_database(workspace.database_url) as database:
        now = dt.datetime.now(dt.UTC)
        return await read_calendar(workspace, database, now, days=days, publications=publications)


def _row(line: Day) -> dict[str, object]:
    return {
        "at": line.at.isoformat(" ", "minutes") if line.at else None,
        "publication": line.publication,
        "issue": line.issue or None,
        "lists": ", ".join(line.lists),
        "state": line.state,
        "said": line.said,
    }
