"""The verb that serves a workspace's site and unsubscribe page, as a part of an installation."""

from __future__ import annotations

import asyncio
import signal
from typing import Annotated

import typer

from pressrun.cli.app import app, workspace_of


@app.command()
def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="The port; else PRESSRUN_SITE_PORT.")] = None,
    previews: Annotated[bool, typer.Option(help="Serve previews too, which are not for everybody.")] = False,
) -> None:
    """Serve archive, feeds, the pages of subscribers and the REST API. Ends with Ctrl-C or SIGTERM."""
    from pressrun.delivery.event_loop import run as run_fast
    from pressrun.serve import serve as start

    workspace = workspace_of(context)

    async def run() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        bound = port or workspace.settings.site_port
        await start(workspace, host, bound, stop, lambda text: typer.echo(text, err=True), previews=previews)

    run_fast(run())
