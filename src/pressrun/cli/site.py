"""Verbs of the web archive: build it with its feeds, and write the mail of a correction."""

from __future__ import annotations

import asyncio
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
    show: Annotated[
        list[str] | None, typer.Option(metavar="ISSUE", help="Show this issue, though its time has not come.")
    ] = None,
) -> None:
    """Write the web archive and the feeds."""
    from pressrun.site.build import site as build
    from pressrun.site.withheld import Standing

    workspace = workspace_of(context)

    def ask() -> Standing:
        from pressrun.store.outgoing import ask_store

        return asyncio.run(ask_store(workspace.database_url))

    folders = [workspace.issue_folder(name) for name in show or ()]
    shown = [f"{folder.parent.name}/{folder.name}" for folder in folders]
    report = build(workspace, out, publications, ask=ask, shown=shown)
    for one in report.publications:
        changed = f"{one.changed} of {one.files} files changed" if one.changed else f"{one.files} files, none changed"
        typer.echo(f"{one.title}: {one.pages} pages, {one.entries} feed entries, {changed}, in {out / one.id}/")
        for address in one.feeds.values():
            typer.echo(f"  {address}")
    for issue in report.withheld:
        typer.echo(f"withheld: {issue.key}, as {issue.reason}")
    typer.echo(f"Look at {report.front_page}")


@app.command()
def correct(
    context: typer.Context,
    issue: Annotated[str, typer.Argument(metavar="ISSUE", help="publication/issue, or issue, with corrections.")],
) -> None:
    """Write the mail of an issue's corrections as an issue of its own, to look at and publish."""
    import datetime as dt

    from pressrun.correct import correct as write

    folder = write(workspace_of(context), issue, dt.datetime.now(dt.UTC))
    key = f"{folder.parent.name}/{folder.name}"
    typer.echo(f"wrote {folder}")
    typer.echo(f"Read it, then: pressrun check {key}; pressrun publish {key}")
