"""The verbs that show an issue before anyone else sees it: in the browser, and as pictures."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from pressrun.cli.app import app, workspace_of


@app.command()
def preview(
    context: typer.Context,
    issue: Annotated[str, typer.Argument(metavar="ISSUE", help="publication/issue, or issue.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port on this machine; 0 takes any.")] = 4280,
    open: Annotated[bool, typer.Option("--open", help="Open the browser.")] = False,
) -> None:
    """Show mail, archive page and feed entry side by side, and anew at every save. Ends with Ctrl-C."""
    import signal
    import webbrowser

    from pressrun.preview.preview import preview as show

    workspace = workspace_of(context)

    def say(address: str) -> None:
        typer.echo(f"{issue} is shown at {address} and anew at every save; Ctrl-C ends", err=True)
        if open:
            asyncio.get_running_loop().run_in_executor(None, webbrowser.open, address)

    async def run() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await show(workspace, issue, port, stop, say)

    asyncio.run(run())


@app.command()
def screenshot(
    context: typer.Context,
    issue: Annotated[str, typer.Argument(metavar="ISSUE", help="publication/issue, or issue.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the pictures are written.")],
) -> None:
    """Draw what readers will see, in Chromium: the mail on phone and desktop, light and dark, and the other forms."""
    from pressrun.preview.screenshot import screenshot as draw

    for file in asyncio.run(draw(workspace_of(context), issue, out)):
        typer.echo(f"wrote {file}")
