"""The application object every verb hangs on, and the options all verbs share."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pressrun.workspace import Workspace

app = typer.Typer(
    name="pressrun",
    help="From a folder of text in git to inbox, feed, archive and delivery log.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Format(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


@dataclass(frozen=True)
class Options:
    """What was said before the verb."""

    workspace: Path | None
    debug: bool


def show_version(wanted: bool) -> None:
    """Print the version and stop."""
    if wanted:
        from pressrun import __version__

        typer.echo(f"pressrun {__version__}")
        raise typer.Exit


@app.callback()
def take_options(
    context: typer.Context,
    workspace: Annotated[
        Path | None,
        typer.Option(help="The workspace, if not the one around this folder.", envvar="PRESSRUN_WORKSPACE"),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Keep what was said before the verb; what libraries say of themselves is for `--debug`."""
    if not debug:
        import logging

        # A cancelled transaction is accounted for by us; the pool would print a traceback of it.
        logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
    context.obj = Options(workspace, debug)


def workspace_of(context: typer.Context) -> Workspace:
    """The workspace the command works in."""
    from pressrun.workspace import open_workspace

    return open_workspace(context.obj.workspace)
