"""The verb that tells a publication's WebSub hub of its feeds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pressrun.cli.app import app, workspace_of


@app.command("ping-hub")
def ping_hub(
    context: typer.Context,
    publication: Annotated[str, typer.Argument(metavar="PUBLICATION", help="The publication's folder name.")],
    site: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the site is, if not where flows write it.")
    ] = None,
) -> int:
    """Tell a publication's WebSub hub that its feeds have something new."""
    import asyncio

    from pressrun.site.hub import ping_hub as ping

    pinged = asyncio.run(ping(workspace_of(context), publication, site))
    if not pinged:
        typer.echo(f"{publication} names no hub")
    for one in pinged:
        typer.echo(f"{one.url}: {one.fault or 'taken'}", err=not one.is_taken)
    return 0 if all(one.is_taken for one in pinged) else 1
