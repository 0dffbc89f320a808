"""The verb that builds the web archive and the feeds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pressrun.cli.app import app, workspace_of


@app.command()
def site(
    context: typer.Context,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the site is written; new, or written here before.")],
    publications: Annotated[
        list[str] | None, typer.Argument(metavar="[PUBLICATION]...", help="Publications; all without.")
    ] = None,
) -> None:
    """Write the web archive and the feeds."""
    from pressrun.site.build import site as build

    report = build(workspace_of(context), out, publications)
    for one in report.publications:
        counts = f"{one.pages} pages, {one.entries} feed entries, {one.files} files"
        typer.echo(f"{one.title}: {counts} in {out / one.id}/")
        for address in one.feeds.values():
            typer.echo(f"  {address}")
    typer.echo(f"Look at {report.front_page}")
