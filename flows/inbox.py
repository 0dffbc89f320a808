"""read-inbox: take bounces, complaints and wishes to leave out of the mailbox they come to."""

from __future__ import annotations

import datetime as dt
from typing import Any

from prefect import flow, get_run_logger
from prefect.artifacts import acreate_table_artifact
from prefect.states import Completed, Failed, State

from flows.blocks import open_with_secrets
from pressrun.errors import PressrunError
from pressrun.inbox.read_inbox import InboxReport, open_and_read
from pressrun.store.database import open_database
from pressrun.store.inbox import suppress_refused

LOOK_BACK = dt.timedelta(days=7)
"""How far back refusals are looked for: sends are over by then."""


@flow(
    name="read-inbox",
    flow_run_name="read-inbox",
    description="""Reads the mailbox that `inbox_url` names. Who asks to leave leaves; who complains leaves and is never
mailed again; addresses that nobody has are suppressed, also those that a relay refused at once.

It asks nothing, runs by itself every five minutes, and may be run at any time: each letter counts once. Where no
mailbox is set, only what relays refused is looked at.

**When it fails**, the mailbox can't be read: its state says why. Nothing is lost: letters stay unseen.""",
)
async def read_inbox(dry_run: bool = False) -> State[Any]:
    """Read; the artifact shows how many letters of which kind there were, never an address.

    Args:
        dry_run: Only say what the letters are; nothing is done, and they stay unseen.
    """
    now = dt.datetime.now(dt.UTC)
    try:
        workspace = await open_with_secrets()
        async with open_database(workspace.database_url) as database:
            refused = 0 if dry_run else await suppress_refused(database, now, now - LOOK_BACK)
            report = InboxReport()
            if workspace.settings.inbox_url.get_secret_value():
                report = await open_and_read(database, workspace, now, dry_run=dry_run)
    except PressrunError as error:
        return Failed(message=str(error))
    await _show(report)
    get_run_logger().info("inbox: %s", describe_inbox(report, refused))
    return Completed(message=describe_inbox(report, refused))


def describe_inbox(report: InboxReport, refused: int) -> str:
    """What was read, in a line."""
    counts = {**report.read, "dealt with before": report.again, "without proof": report.unproven}
    counts["suppressed as refused"] = refused
    return ", ".join(f"{count:,} {what}" for what, count in counts.items() if count) or "nothing new"


async def _show(report: InboxReport) -> None:
    if report.total:
        rows = [{"letters": kind, "count": count} for kind, count in sorted(report.read.items())]
        rows += [{"letters": "without proof, for a person to look at", "count": report.unproven}]
        await acreate_table_artifact(rows, key="read-inbox", description="What the last letters were")
