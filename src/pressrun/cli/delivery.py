"""Verbs on delivery: send, status, log, sink."""

from __future__ import annotations

import asyncio
import datetime as dt
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pressrun.cli.app import Format, app, workspace_of

if TYPE_CHECKING:
    from pressrun.delivery.relay import Relay
    from pressrun.delivery.send import SendReport
    from pressrun.render.edition import Edition
    from pressrun.workspace import Workspace

Issue = Annotated[str, typer.Argument(metavar="ISSUE", help="publication/issue, or issue.")]


@app.command()
def send(
    context: typer.Context,
    issue: Issue,
    list_name: Annotated[str, typer.Option("--list", metavar="LIST", help="The list to send to, or LIST:SEGMENT.")],
    smtp: Annotated[str | None, typer.Option(metavar="URL", help="The relay; else PRESSRUN_SMTP_URL.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be done, and do nothing.")] = False,
) -> int:
    """Send an issue to a list, nobody twice; an interrupted send goes on."""
    from pressrun.render.mail import render
    from pressrun.render.source import open_issue, require_size

    workspace = workspace_of(context)
    source = open_issue(workspace, issue)
    rendering = render(source, workspace.template_folders)
    require_size(rendering)
    if dry_run:
        return asyncio.run(_preview(workspace, rendering.edition, list_name))
    from pressrun.delivery.event_loop import run

    held = source.publication.approval == "required"
    return run(_send(workspace, rendering.edition, list_name, relays_of(workspace, smtp), held))


def relays_of(workspace: Workspace, urls: str | None) -> tuple[Relay, ...]:
    """The relays at `urls`, else those of the settings."""
    from pressrun.delivery.relay import parse_relays

    return parse_relays(urls or workspace.settings.smtp_url.get_secret_value())


async def _preview(workspace: Workspace, edition: Edition, list_name: str) -> int:
    from pressrun.segment import segments_for
    from pressrun.store.database import open_database
    from pressrun.store.delivery_log import count_open, count_states, preview_plan
    from pressrun.store.lack import count_lacks

    async with open_database(workspace.database_url) as database:
        now, segments = dt.datetime.now(dt.UTC), segments_for(workspace, [list_name])
        plan = await preview_plan(database, edition.issue, list_name, now, segments)
        open_rows = count_open(await count_states(database, edition.issue, list_name))
        lacks = await count_lacks(database, edition, list_name, now, segments)
    typer.echo(f"{edition.issue} ({edition.shown_subject}), edition {edition.id[:12]}")
    typer.echo(f"{list_name}: {plan.audience} people, {plan.added} of them not planned yet; {open_rows} rows open")
    for lack in lacks:
        typer.echo(f"  {lack}")
    typer.echo("dry run: nothing was planned or sent")
    return 0


async def _send(workspace: Workspace, edition: Edition, list_name: str, relays: tuple[Relay, ...], held: bool) -> int:
    from pressrun.cli.progress import show_progress
    from pressrun.delivery.keyring import signing_keys
    from pressrun.delivery.policy import policy_from
    from pressrun.delivery.send import send as send_edition
    from pressrun.segment import segments_for
    from pressrun.store.database import open_database

    stop, segments = asyncio.Event(), segments_for(workspace, [list_name])
    _stop_on_signal(stop)
    async with open_database(workspace.database_url) as database:
        with show_progress() as (take_open, take_outcome):
            report = await send_edition(
                database,
                edition,
                list_name,
                relays,
                workspace.link_keys(),
                policy_from(workspace.settings),
                signing=signing_keys(workspace),
                planned=lambda plan, open_rows: take_open(open_rows),
                progress=take_outcome,
                stop=stop,
                held=held,
                witness=workspace.witness,
                segments=segments,
            )
    print_report(report)
    return 1 if report.fell_short else 0


def _stop_on_signal(stop: asyncio.Event) -> None:
    """Ctrl-C and SIGTERM finish the messages in flight, then end; a second one ends at once."""
    loop = asyncio.get_running_loop()

    def end(number: signal.Signals) -> None:
        typer.echo("stopping after the messages in flight; run it again to go on", err=True)
        stop.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end, number)


def print_report(report: SendReport) -> None:
    """Say in a few lines what a send did and where the issue stands."""
    tried = sum(report.tried.values())
    typer.echo(
        f"{report.issue}: {report.plan.added} newly planned of {report.plan.audience} on the list, {tried} tries"
    )
    typer.echo("  " + ", ".join(f"{count} {state}" for state, count in report.counts.items() if count))
    if report.tripped:
        typer.echo(f"  it stopped itself: {report.tripped.reason}; pressrun resume {report.issue} lets it go on")
    if not report.is_finished:
        when = f"; the next deferred one is due at {report.next_due:%Y-%m-%d %H:%M %Z}" if report.next_due else ""
        if report.held_until:
            when += f"; the relays' limits allow more at {report.held_until:%Y-%m-%d %H:%M %Z}"
        typer.echo(f"  not finished{when}: run it again to go on")


@app.command()
def status(
    context: typer.Context,
    issue: Issue,
    format: Annotated[Format, typer.Option(help="How it is printed.")] = Format.TABLE,
) -> int:
    """Count an issue's deliveries by state."""
    from pressrun.cli.rows import print_rows
    from pressrun.delivery.outcome import State
    from pressrun.store.delivery_log import count_open

    workspace = workspace_of(context)
    key = workspace.issue_key(issue)
    counts = asyncio.run(_count(workspace, key))
    planned = sum(counts.values())
    if format is Format.TABLE:
        progress = "not finished" if count_open(counts) else "finished" if planned else "nothing was sent yet"
        typer.echo(f"{key}: {planned} planned, {progress}")
        print_rows([{"state": state, "deliveries": count} for state, count in counts.items() if count], format)
    else:
        print_rows([{"issue": key, "planned": planned, **{str(state): n for state, n in counts.items()}}], format)
    short = count_open(counts) + counts[State.FAILED] + counts[State.EXPIRED] + counts[State.IN_DOUBT]
    return 1 if short else 0


async def _count(workspace: Workspace, key: str) -> Any:
    from pressrun.store.database import open_database
    from pressrun.store.delivery_log import count_states

    async with open_database(workspace.database_url) as database:
        return await count_states(database, key)


@app.command()
def log(
    context: typer.Context,
    issue: Issue,
    states: Annotated[
        list[str] | None, typer.Option("--status", metavar="STATE", help="Only rows in this state; may be repeated.")
    ] = None,
    format: Annotated[Format, typer.Option(help="How rows are printed.")] = Format.TABLE,
) -> None:
    """Show an issue's delivery log: who, when, and what their server said."""
    from pressrun.cli.rows import print_rows
    from pressrun.delivery.outcome import State
    from pressrun.errors import UsageError

    workspace = workspace_of(context)
    unknown = [state for state in states or () if state not in list(State)]
    if unknown:
        raise UsageError(f"no state is called {unknown[0]!r}", f"known: {', '.join(State)}")
    rows = asyncio.run(_read(workspace, workspace.issue_key(issue), [State(state) for state in states or ()]))
    print_rows(rows, format)


async def _read(workspace: Workspace, key: str, states: list[Any]) -> list[dict[str, object]]:
    from pressrun.store.database import open_database
    from pressrun.store.delivery_log import read_log
    from pressrun.store.scrub import SCRUBBED

    async with open_database(workspace.database_url) as database:
        return [
            {
                "address": row.address or SCRUBBED,
                "state": str(row.state),
                "code": row.code,
                "enhanced": row.enhanced,
                "reply": row.reply,
                "relay": row.relay,
                "message_id": row.message_id,
                "attempts": row.attempts,
                "repeated": row.repeated,
                "list": row.list,
                "updated_at": row.updated_at.isoformat(timespec="seconds"),
            }
            async for row in read_log(database, key, states)
        ]


@app.command()
def sink(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where to listen on 127.0.0.1; 0: any free port.")] = 1025,
    maildir: Annotated[Path, typer.Option(metavar="DIR", help="Where messages are kept.")] = Path(".pressrun/maildir"),
) -> None:
    """Receive mail, keep it in a Maildir, deliver it to nobody; for looking and trying out. Ends with Ctrl-C."""
    asyncio.run(_receive(port, maildir))


async def _receive(port: int, maildir: Path) -> None:
    from pressrun.sink import Kept
    from pressrun.sink import sink as receive

    def show(kept: Kept) -> None:
        typer.echo(f"{kept.recipient}  {kept.octets / 1024:.1f} KB  {kept.subject}")

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with receive(maildir, port=port, kept=show) as bound:
        typer.echo(f"receiving at smtp://127.0.0.1:{bound}, keeping in {maildir}; Ctrl-C ends")
        await stop.wait()
