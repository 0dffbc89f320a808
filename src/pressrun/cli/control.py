"""Verbs that steer a send and look into it: pause, resume, cancel, resolve, show-message."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pressrun.cli.app import Format, app, workspace_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pressrun.address import ParsedAddress
    from pressrun.delivery.outcome import State
    from pressrun.delivery.resolve import Choice, Resolution
    from pressrun.delivery.show_message import ShownMessage
    from pressrun.store.resolution import InDoubt
    from pressrun.workspace import Workspace

Issue = Annotated[str, typer.Argument(metavar="ISSUE", help="publication/issue, or issue.")]
Addresses = list[str] | None


@app.command()
def pause(context: typer.Context, issue: Issue) -> None:
    """Let nothing more of an issue begin until it is resumed."""
    workspace = workspace_of(context)
    key = workspace.issue_key(issue)
    counts = asyncio.run(_pause(workspace, key))
    waiting, working = _waiting(counts), _working(counts)
    typer.echo(f"{key} is paused: {_rows(waiting, 'waits', 'wait')}{working}; pressrun resume {key} goes on")


async def _pause(workspace: Workspace, key: str) -> Mapping[State, int]:
    from pressrun.store.control import pause as pause_issue
    from pressrun.store.database import open_database
    from pressrun.store.delivery_log import count_states

    async with open_database(workspace.database_url) as database:
        await pause_issue(database, key, dt.datetime.now(dt.UTC))
        return await count_states(database, key)


@app.command()
def resume(
    context: typer.Context,
    issue: Issue,
    cancelled: Annotated[
        bool, typer.Option("--cancelled", help="Take a cancel back: its rows are queued again.")
    ] = False,
) -> None:
    """Let a paused issue go on; with --cancelled, a cancelled one."""
    workspace = workspace_of(context)
    key = workspace.issue_key(issue)
    queued, counts = asyncio.run(_resume(workspace, key, cancelled))
    if not (waiting := _waiting(counts)):
        typer.echo(f"{key} may go on, but no row waits{_working(counts)}")
        return
    again = f" ({queued:,} of them had been cancelled)" if queued else ""
    typer.echo(f"{key} goes on: {_rows(waiting, 'waits', 'wait')}{again}{_working(counts)}")
    typer.echo("  a send that runs takes them up within seconds; where none runs, start it again")


async def _resume(workspace: Workspace, key: str, cancelled: bool) -> tuple[int, Mapping[State, int]]:
    from pressrun.store.control import resume as resume_issue
    from pressrun.store.database import open_database
    from pressrun.store.delivery_log import count_states

    async with open_database(workspace.database_url) as database:
        queued = await resume_issue(database, key, dt.datetime.now(dt.UTC), cancelled=cancelled)
        return queued, await count_states(database, key)


@app.command()
def cancel(context: typer.Context, issue: Issue) -> None:
    """Close every row of an issue that has not been sent."""
    workspace = workspace_of(context)
    key = workspace.issue_key(issue)
    closed, counts = asyncio.run(_cancel(workspace, key))
    back = f"; pressrun resume {key} --cancelled takes it back"
    typer.echo(f"{key} is cancelled: {_rows(closed, 'was', 'were')} closed{_working(counts)}{back}")


async def _cancel(workspace: Workspace, key: str) -> tuple[int, Mapping[State, int]]:
    from pressrun.store.control import cancel as cancel_issue
    from pressrun.store.database import open_database
    from pressrun.store.delivery_log import count_states

    async with open_database(workspace.database_url) as database:
        closed = await cancel_issue(database, key, dt.datetime.now(dt.UTC))
        return closed, await count_states(database, key)


def _waiting(counts: Mapping[State, int]) -> int:
    from pressrun.delivery.outcome import State

    return counts[State.QUEUED] + counts[State.DEFERRED]


def _working(counts: Mapping[State, int]) -> str:
    """What to say of rows a worker holds."""
    from pressrun.delivery.outcome import State

    held = counts[State.SENDING] + counts[State.DOT]
    them = "it" if held == 1 else "them"
    return f", {held:,} with a worker, which finishes {them} or gives {them} back" if held else ""


def _rows(count: int, one: str, many: str) -> str:
    return f"{count:,} {'row' if count == 1 else 'rows'} {one if count == 1 else many}"


@app.command()
def resolve(
    context: typer.Context,
    issue: Issue,
    maillog: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Settle by a relay's log, plain or .gz; may be repeated."),
    ] = None,
    accept: Annotated[Addresses, typer.Option(metavar="ADDRESS", help="Take as sent; may be repeated.")] = None,
    accept_all: Annotated[bool, typer.Option("--accept-all", help="Take all that are left as sent.")] = False,
    resend: Annotated[Addresses, typer.Option(metavar="ADDRESS", help="Send again; may be repeated.")] = None,
    resend_all: Annotated[bool, typer.Option("--resend-all", help="Send all that are left again.")] = False,
    note: Annotated[str, typer.Option(metavar="TEXT", help="Who decided and why, for the log.")] = "",
    format: Annotated[Format, typer.Option(help="How rows left in doubt are printed.")] = Format.TABLE,
) -> int:
    """List an issue's rows in doubt, or settle them: by a relay's log, as sent, or by sending again."""
    from pressrun.delivery.resolve import Choice

    workspace = workspace_of(context)
    key = workspace.issue_key(issue)
    choice = Choice(_parse_all(accept), _parse_all(resend), accept_all, resend_all, note)
    resolution = asyncio.run(_resolve(workspace, key, maillog or [], choice))
    _print_left(resolution, format, with_log=bool(maillog))
    for line in _say(key, resolution, with_log=bool(maillog)):
        typer.echo(line, err=format is not Format.TABLE)
    return 1 if resolution.left else 0


async def _resolve(workspace: Workspace, key: str, logs: Sequence[Path], choice: Choice) -> Resolution:
    from pressrun.delivery.resolve import resolve as resolve_issue
    from pressrun.store.database import open_database

    async with open_database(workspace.database_url) as database:
        return await resolve_issue(database, key, dt.datetime.now(dt.UTC), logs=logs, choice=choice)


def _print_left(resolution: Resolution, format: Format, *, with_log: bool) -> None:
    from pressrun.cli.rows import print_rows
    from pressrun.store.scrub import SCRUBBED

    def in_log(row: InDoubt) -> str | None:
        if not with_log:
            return None
        return "not taken" if row.message_id in resolution.unfinished else "absent"

    rows = [
        {
            "address": row.address or SCRUBBED,
            "message_id": row.message_id,
            "relay": row.relay,
            "updated_at": row.updated_at.isoformat(timespec="seconds"),
            "reply": row.reply,
            "list": row.list,
            "repeated": row.repeated,
            "in_log": in_log(row),
        }
        for row in resolution.left
    ]
    print_rows(rows, format)


def _say(key: str, resolution: Resolution, *, with_log: bool) -> list[str]:
    """What was done, and what is to be done next."""
    done = (
        (resolution.by_log, "settled as sent by the logs"),
        (resolution.by_hand, "settled as sent by hand"),
        (resolution.again, "queued to be sent again"),
    )
    parts = [f"{count:,} {what}" for count, what in done if count]
    lines = [f"{key}: {', '.join([*parts, f'{len(resolution.left):,} left in doubt'])}"]
    if resolution.again:
        lines.append("  a send that runs takes them up within seconds; where none runs, start it again")
    if not resolution.left:
        return lines
    if not with_log:
        lines.append("  settle them with --maillog FILE, --accept ADDRESS or --resend ADDRESS")
        return lines
    unfinished = sum(row.message_id in resolution.unfinished for row in resolution.left)
    if absent := len(resolution.left) - unfinished:
        latest = max(row.updated_at for row in resolution.left)
        lines.append(
            f"  {absent:,} not in these logs: resend them with --resend-all if the logs are those of every relay used"
            f" and reach to {latest:%Y-%m-%d %H:%M %Z}"
        )
    if unfinished:
        lines.append(
            f"  {unfinished:,} begun in these logs and not taken: resend them if nothing is missing after that"
        )
    return lines


def _parse_all(addresses: Addresses) -> list[ParsedAddress]:
    return [_parse(text) for text in addresses or ()]


def _parse(address: str) -> ParsedAddress:
    from pressrun.address import AddressError, parse_address
    from pressrun.errors import UsageError

    try:
        return parse_address(address)
    except AddressError as error:
        raise UsageError(f"{address!r} is no mail address: {error}", "write it as name@example.com") from None


@app.command("show-message")
def show_message(
    context: typer.Context,
    issue: Issue,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Whose message.")],
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Where it is written; else standard output.")] = None,
) -> None:
    """Build the message one person was or will be sent, byte for byte."""
    workspace = workspace_of(context)
    shown = asyncio.run(_show(workspace, workspace.issue_key(issue), _parse(address)))
    if out:
        out.write_bytes(shown.content)
    else:
        typer.echo(shown.content, nl=False)
    said = f"{shown.state}; from <{shown.sender}> to <{shown.recipient}>; {shown.form}; {len(shown.content):,} octets"
    typer.echo(f"{said}, in {out}" if out else said, err=not out)


async def _show(workspace: Workspace, key: str, address: ParsedAddress) -> ShownMessage:
    from pressrun.delivery.keyring import signing_keys
    from pressrun.delivery.show_message import show_message as show
    from pressrun.store.database import open_database

    async with open_database(workspace.database_url) as database:
        return await show(database, key, address, workspace.link_keys(), signing_keys(workspace))
