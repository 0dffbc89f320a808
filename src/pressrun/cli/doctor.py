"""Verbs that keep things well: doctor, housekeeping, send-test."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Annotated

import typer

from pressrun.cli.app import Format, app, workspace_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pressrun.delivery.relay import Relay
    from pressrun.delivery.send_test import Tested
    from pressrun.doctor import Check
    from pressrun.housekeeping import Housekeeping
    from pressrun.render.edition import Edition
    from pressrun.workspace import Workspace


@app.command()
def doctor(
    context: typer.Context,
    format: Annotated[Format, typer.Option(help="How checks are printed.")] = Format.TABLE,
) -> int:
    """Look whether all that a send needs is there and fits together; mails nobody, changes nothing."""
    from dataclasses import asdict

    from pressrun.cli.rows import print_rows
    from pressrun.doctor import Verdict
    from pressrun.doctor import doctor as look

    checks = asyncio.run(look(workspace_of(context), dt.datetime.now(dt.UTC)))
    if format is Format.TABLE:
        _print_checks(checks)
    else:
        print_rows([asdict(check) for check in checks], format)
    return 1 if any(check.verdict is Verdict.FAILED for check in checks) else 0


def _print_checks(checks: Sequence[Check]) -> None:
    width = max(len(check.name) for check in checks)
    for check in checks:
        typer.echo(f"{check.verdict:<8} {check.name:<{width}}  {check.said}")
        if check.remedy:
            typer.echo(f"{'':<8} {'':<{width}}  → {check.remedy}")


@app.command()
def housekeeping(
    context: typer.Context,
    format: Annotated[Format, typer.Option(help="How the figures are printed.")] = Format.TABLE,
) -> None:
    """Tidy up: rows of dead workers, over-age rows, old previews and starts; harmless at any time."""
    from pressrun.cli.rows import print_rows

    done = asyncio.run(_housekeeping(workspace_of(context)))
    if format is Format.TABLE:
        typer.echo(", ".join(f"{count:,} {_DONE[name]}" for name, count in done.counts.items() if count) or "all tidy")
    else:
        print_rows([done.counts], format)


_DONE = {
    "queued": "rows of dead workers queued again",
    "in_doubt": "rows of dead workers in doubt",
    "expired": "deferred rows expired",
    "previews": "old previews removed",
    "starts": "old starts forgotten",
    "letters": "notes of letters read long ago forgotten",
    "events": "old events deleted",
    "addresses": "addresses scrubbed from the delivery log",
    "confirmations": "requests deleted that nobody confirmed",
    "networks": "network addresses taken out",
    "compacted": "database file written anew",
}


async def _housekeeping(workspace: Workspace) -> Housekeeping:
    from pressrun.housekeeping import housekeeping as tidy
    from pressrun.store.database import open_database

    async with open_database(workspace.database_url) as database:
        return await tidy(database, workspace, dt.datetime.now(dt.UTC))


@app.command("send-test")
def send_test(
    context: typer.Context,
    issue: Annotated[str, typer.Argument(metavar="ISSUE", help="publication/issue, or issue.")],
    to: Annotated[
        list[str] | None,
        typer.Option(metavar="ADDRESS", help="Who gets a copy; may be repeated; else the publication's testers."),
    ] = None,
    smtp: Annotated[str | None, typer.Option(metavar="URL", help="The relay; else PRESSRUN_SMTP_URL.")] = None,
) -> int:
    """Send real copies of an issue to a few people, marked as a test; nothing is planned or logged."""
    from pressrun.delivery.relay import parse_relays
    from pressrun.render.mail import render
    from pressrun.render.source import open_issue, require_size

    workspace = workspace_of(context)
    opened = open_issue(workspace, issue)
    rendering = render(opened, workspace.template_folders)
    require_size(rendering)
    relays = parse_relays(smtp or workspace.settings.smtp_url.get_secret_value())
    tested = asyncio.run(_send_test(workspace, rendering.edition, to or opened.publication.testers, relays))
    for one in tested:
        typer.echo(f"{one.address}: {_told(one)}", err=not one.is_sent)
    return 0 if all(one.is_sent for one in tested) else 1


async def _send_test(
    workspace: Workspace, edition: Edition, addresses: Sequence[str], relays: Sequence[Relay]
) -> list[Tested]:
    from pressrun.delivery.keyring import signing_keys
    from pressrun.delivery.policy import policy_from
    from pressrun.delivery.send_test import send_test as send_copies

    policy = policy_from(workspace.settings)
    signing = signing_keys(workspace)
    return await send_copies(edition, addresses, relays, workspace.link_keys(), policy, signing=signing)


def _told(one: Tested) -> str:
    outcome = one.outcome
    reply = f"{outcome.code} {outcome.text}" if outcome.code else outcome.text
    return f"sent ({reply})" if one.is_sent else f"{outcome.kind.replace('_', ' ')}: {reply}"
