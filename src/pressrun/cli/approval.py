"""Verbs by which a person vouches for what leaves: approve, reject, fence."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Annotated

import typer

from pressrun.cli.app import app, workspace_of

if TYPE_CHECKING:
    from pressrun.store.approval import Approval, Seal
    from pressrun.store.fence import Fence
    from pressrun.workspace import Workspace

Issue = Annotated[str, typer.Argument(metavar="ISSUE", help="publication/issue, or issue.")]
Shown = Annotated[str | None, typer.Option("--seal", metavar="SEAL", help="Only if this is still what is planned.")]
Note = Annotated[str, typer.Option(metavar="TEXT", help="Why, for the record.")]


@app.command()
def approve(
    context: typer.Context,
    issue: Issue,
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who approves; without it, only show.")] = None,
    seal: Shown = None,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help='When it leaves, "YYYY-MM-DD HH:MM" in the publication\'s zone.')
    ] = None,
    note: Note = "",
) -> int:
    """Show what is planned for an issue, or let it leave."""
    workspace = workspace_of(context)
    key = workspace.issue_key(issue)
    if by is None:
        return asyncio.run(_show(workspace, key))
    send_at = _moment_of(workspace, key, at) if at else None
    approval = asyncio.run(_approve(workspace, key, by, seal, note, send_at))
    when = f", to leave at {approval.send_at:%Y-%m-%d %H:%M %Z}" if approval.send_at else ""
    typer.echo(f"{key} is approved by {approval.decided_by}{when} (seal {approval.seal[:12]})")
    return 0


@app.command()
def reject(
    context: typer.Context,
    issue: Issue,
    by: Annotated[str, typer.Option(metavar="NAME", help="Who rejects it.")],
    seal: Shown = None,
    note: Note = "",
) -> None:
    """Keep what is planned for an issue from leaving, also where it was approved and has not begun."""
    workspace = workspace_of(context)
    key = workspace.issue_key(issue)
    approval = asyncio.run(_reject(workspace, key, by, seal, note))
    typer.echo(f"{key} is rejected by {approval.decided_by} (seal {approval.seal[:12]}): nothing of it leaves")


def _moment_of(workspace: Workspace, key: str, text: str) -> dt.datetime:
    """A time as it is written in the publication's zone."""
    from pressrun.errors import UsageError
    from pressrun.schedule.moment import local_moment
    from pressrun.source.loader import load_issue

    issue = load_issue(workspace.issue_folder(key)).issue
    if issue is None:
        raise UsageError(f"{key} has faults: its time zone is not known", f"pressrun check {key} shows them")
    try:
        local = dt.datetime.strptime(text, "%Y-%m-%d %H:%M")  # noqa: DTZ007 - the zone is the publication's
    except ValueError:
        raise UsageError(f"{text!r} is no time", 'write it as "2026-03-31 09:00"') from None
    return local_moment(local, issue.publication.zone).astimezone(issue.publication.zone)


async def _show(workspace: Workspace, key: str) -> int:
    from pressrun.store.approval import read_approval, read_seal
    from pressrun.store.database import open_database

    async with open_database(workspace.database_url) as database:
        seal, approval = await read_seal(database, key), await read_approval(database, key)
    typer.echo(f"{key}: {_describe(seal)}")
    if approval:
        note = f": {approval.note}" if approval.note else ""
        typer.echo(f"  {approval.decision} by {approval.decided_by}, {approval.created_at:%Y-%m-%d %H:%M %Z}{note}")
    if seal and seal.waiting:
        typer.echo(f"  pressrun approve {key} --by NAME --seal {seal.short} lets it leave")
    return 1 if seal and seal.waiting else 0


def _describe(seal: Seal | None) -> str:
    if seal is None:
        return "nothing was planned yet"
    editions = ", ".join(edition[:12] for edition in seal.edition_ids)
    waiting = f", {seal.waiting:,} of them wait for approval" if seal.waiting else ""
    people = "person" if seal.recipients == 1 else "people"
    return f"{seal.recipients:,} {people} on {', '.join(seal.lists)}{waiting}; edition {editions}; seal {seal.short}"


async def _approve(
    workspace: Workspace, key: str, by: str, seal: str | None, note: str, send_at: dt.datetime | None
) -> Approval:
    from pressrun.approve import approve as approve_plan
    from pressrun.store.database import open_database

    async with open_database(workspace.database_url) as database:
        now = dt.datetime.now(dt.UTC)
        return await approve_plan(database, key, by, now, seal=seal, note=note, send_at=send_at)


async def _reject(workspace: Workspace, key: str, by: str, seal: str | None, note: str) -> Approval:
    from pressrun.approve import reject as reject_plan
    from pressrun.store.database import open_database

    async with open_database(workspace.database_url) as database:
        return await reject_plan(database, key, by, dt.datetime.now(dt.UTC), seal=seal, note=note)


@app.command()
def fence(
    context: typer.Context,
    confirm: Annotated[
        str | None, typer.Option(metavar="NAME", help="Vouch for the store, by the name of its file or database.")
    ] = None,
    by: Annotated[str | None, typer.Option(metavar="WHO", help="Who vouches for it.")] = None,
    in_doubt: Annotated[
        bool, typer.Option("--in-doubt", help="After a restore: put open rows of sends that had begun in doubt.")
    ] = False,
) -> int:
    """Show whether the store may send, or vouch for it after it was restored, cloned or moved."""
    from pressrun.errors import UsageError

    workspace = workspace_of(context)
    if confirm is None:
        if by or in_doubt:
            raise UsageError("--by and --in-doubt go with --confirm", "pressrun fence --confirm NAME --by WHO")
        return _tell(asyncio.run(_read_fence(workspace)))
    if not by or not by.strip():
        raise UsageError("nobody vouches for the store", f"pressrun fence --confirm {confirm} --by WHO")
    doubted = asyncio.run(_confirm_fence(workspace, confirm, by.strip(), in_doubt))
    typer.echo(f"{confirm} may send again: {by.strip()} vouches for it")
    if doubted:
        typer.echo(f"  {doubted:,} rows are in doubt: pressrun resolve ISSUE --maillog FILE asks the relay's log")
    return 0


async def _read_fence(workspace: Workspace) -> Fence:
    from pressrun.store.database import open_database
    from pressrun.store.fence import read_fence

    async with open_database(workspace.database_url) as database:
        return await read_fence(database, workspace.witness)


async def _confirm_fence(workspace: Workspace, name: str, by: str, in_doubt: bool) -> int:
    from pressrun.store.database import open_database
    from pressrun.store.fence import confirm_fence

    async with open_database(workspace.database_url) as database:
        now = dt.datetime.now(dt.UTC)
        return await confirm_fence(database, workspace.witness, name, by, now, in_doubt=in_doubt)


def _tell(state: Fence) -> int:
    if state.fault:
        typer.echo(f"{state.name} may not send: {state.fault}")
        typer.echo(f"  pressrun fence --confirm {state.name} --by WHO vouches for it; see docs/approval.md")
        return 1
    since = (
        f"; {state.confirmed_by} vouched for it {state.confirmed_at:%Y-%m-%d %H:%M %Z}" if state.confirmed_by else ""
    )
    typer.echo(f"{state.name} may send: run {state.epoch}, this machine saw {state.seen}{since}")
    return 0
