"""Verbs that run flows: publish, demo, up."""

from __future__ import annotations

import asyncio
import datetime as dt
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pressrun.cli.app import app, workspace_of

if TYPE_CHECKING:
    from pressrun.demo import DemoReport
    from pressrun.workspace import Workspace


@app.command()
def publish(
    context: typer.Context,
    issue: Annotated[str, typer.Argument(metavar="ISSUE", help="publication/issue, or issue.")],
    list_names: Annotated[
        list[str] | None, typer.Option("--list", metavar="LIST", help="A list, or LIST:SEGMENT; else the issue's.")
    ] = None,
    with_site: Annotated[bool, typer.Option("--site/--no-site", help="Whether to write archive and feeds.")] = True,
    now: Annotated[bool, typer.Option("--now", help="Wait for neither send_at nor the send window.")] = False,
) -> int:
    """Check, render, build the site and deliver, by the Prefect flow publish-issue, here and now."""
    workspace = workspace_of(context)
    folder = workspace.issue_folder(issue)
    key = f"{folder.parent.name}/{folder.name}"
    asyncio.run(_require_lists(workspace, list_names or _own_lists(folder)))
    state = asyncio.run(_publish(workspace, key, list_names, with_site, "now" if now else "at its time"))
    accounted = state.is_completed() or state.name in _ACCOUNTED
    typer.echo(f"{key}: {state.message}" if accounted else f"pressrun: {key}: {state.message}", err=not accounted)
    return 0 if state.name == "Completed" else 1


_ACCOUNTED = ("FellShort", "Tripped", "Cancelled")
"""States of runs that did send, and say in their message how far they came."""


async def _publish(workspace: Workspace, key: str, lists: list[str] | None, with_site: bool, when: str) -> Any:
    from pressrun.orchestration import run_flow

    return await run_flow(
        workspace, "publish", "publish_issue", issue=key, lists=lists or None, with_site=with_site, when=when
    )


def _own_lists(folder: Path) -> tuple[str, ...]:
    """The lists that the issue names; none where it is faulty, which the flow tells."""
    from pressrun.errors import UsageError
    from pressrun.source.loader import load_issue

    issue = load_issue(folder).issue
    if issue is not None and not issue.lists:
        raise UsageError(f"{issue.key} names no list", "name one with --list, or write lists: in publication.yaml")
    return issue.lists if issue else ()


async def _require_lists(workspace: Workspace, list_names: Sequence[str]) -> None:
    """A wrong name is told at once, not by a flow that failed."""
    from pressrun.segment import segments_for
    from pressrun.store.database import open_database
    from pressrun.store.selection import find_selection

    now, segments = dt.datetime.now(dt.UTC), segments_for(workspace, list_names)
    async with open_database(workspace.database_url) as database, database.read() as connection:
        for name in list_names:
            await find_selection(connection, name, now, segments)


@app.command()
def demo(
    context: typer.Context,
    issue: Annotated[
        str | None, typer.Argument(metavar="[ISSUE]", help="The issue; without, the newest with a sample list.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where all goes.  [default: .pressrun/demo]")] = None,
) -> int:
    """Run the main job on the sample data: check, render, site and feeds, delivery to an embedded receiver, log."""
    from pressrun.demo import choose_issue
    from pressrun.demo import demo as run_demo
    from pressrun.render.source import open_issue

    workspace = workspace_of(context)
    chosen = open_issue(workspace, issue or choose_issue(workspace).key)
    report = asyncio.run(run_demo(workspace, chosen, out or workspace.state / "demo"))
    return _print_demo(report)


def _print_demo(report: DemoReport) -> int:
    out, issue = _from_here(report.out), report.issue
    typer.echo()
    typer.echo(f"{issue.subject}  ({issue.key})")
    for what, where in (
        ("the mail", out / "render" / "preview.html"),
        ("as a message", out / "render" / "message.eml"),
        ("archive", out / "site" / issue.publication_id / "index.html"),
        ("feeds", out / "site" / issue.publication_id / "rss.xml"),
        ("received mail", out / "maildir" / "new"),
        ("delivery log", f"PRESSRUN_DATABASE_URL=sqlite:///{out / 'pressrun.db'} {_command()} log {issue.key}"),
    ):
        typer.echo(f"  {what:<14} {where}")
    states = ", ".join(f"{count} {state}" for state, count in report.counts.items() if count)
    typer.echo(f"  {'deliveries':<14} {states or 'none'} on the list {report.list_name}, in {report.seconds:.1f} s")
    for shortfall in report.shortfalls:
        typer.echo(f"pressrun: the demo fell short: {shortfall}", err=True)
    return 1 if report.shortfalls else 0


def _from_here(path: Path) -> Path:
    """The path as one would type it in this folder."""
    try:
        return path.resolve().relative_to(Path.cwd())
    except ValueError:
        return path


def _command() -> str:
    """How this command can be called again from here: by its name where the shell finds it."""
    called = Path(sys.argv[0])
    found = shutil.which("pressrun")
    return "pressrun" if found and Path(found).resolve() == called.resolve() else str(_from_here(called))


@app.command()
def up(context: typer.Context) -> None:
    """Start Prefect with its UI, the flows, the receiver and the site, all on this machine. Ends with Ctrl-C."""
    from pressrun.up import up as start

    async def run() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await start(workspace_of(context), stop, lambda text: typer.echo(text))

    asyncio.run(run())
