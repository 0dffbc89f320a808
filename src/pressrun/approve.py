"""Approving and rejecting what is planned for an issue: the same for the command line and the flows."""

from __future__ import annotations

import datetime as dt

from pressrun.delivery.outcome import one_line
from pressrun.errors import UsageError
from pressrun.store.approval import Approval, Decision, decide
from pressrun.store.database import Database


async def approve(
    database: Database,
    issue: str,
    by: str,
    now: dt.datetime,
    *,
    seal: str | None = None,
    note: str = "",
    send_at: dt.datetime | None = None,
) -> Approval:
    """Let what is planned for `issue` leave, at `send_at` (aware) where that is set instead of the issue's time.

    With `seal`, what somebody looked at: nothing is approved where the plan is another by now. Doing it twice changes
    nothing. Raises UsageError where nothing waits, the plan changed, the name is empty or the time is past.
    """
    if send_at is not None and send_at <= now:
        raise UsageError(f"{send_at:%Y-%m-%d %H:%M %Z} is past", "name a time to come, or none")
    return await decide(
        database, issue, Decision.APPROVED, _name(by), now, seal=seal, note=one_line(note), send_at=send_at
    )


async def reject(
    database: Database, issue: str, by: str, now: dt.datetime, *, seal: str | None = None, note: str = ""
) -> Approval:
    """Keep what is planned for `issue` from leaving, also where it was approved and has not begun.

    Raises UsageError where nothing is planned, the plan changed since `seal`, the name is empty, or it has begun.
    """
    return await decide(database, issue, Decision.REJECTED, _name(by), now, seal=seal, note=one_line(note))


def _name(by: str) -> str:
    name = one_line(by)
    if not name:
        raise UsageError("nobody's name was given", "say who decides")
    return name
