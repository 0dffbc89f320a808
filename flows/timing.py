"""When an issue goes: whether a run of publish-issue may deliver now, has to wait, or has to ask first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pressrun.delivery.outcome import State
from pressrun.schedule.due import Judgement, Verdict
from pressrun.schedule.wave import all_waves
from pressrun.schedule.window import Window, common_window_of, window_of
from pressrun.segment import segments_for
from pressrun.send_due import find_due
from pressrun.source.issue import Issue
from pressrun.store.approval import Approval
from pressrun.store.database import Database
from pressrun.store.delivery_log import count_states, zones_of
from pressrun.workspace import Workspace

_UNTOUCHED = (State.QUEUED, State.DEFERRED, State.SUPPRESSED, State.CANCELLED)
"""States of rows of which none has begun."""


class Gate(StrEnum):
    """What a run may do now."""

    GO = "go"
    WAIT = "wait"
    ASK = "ask"  # nobody approved of it, or it is late and its publication wants a person to say so
    HOLD = "hold"  # it is late, and its publication wants it held


@dataclass(frozen=True)
class Timed:
    """What a run may do now, and why. `at`: when it may go; `is_watched`: send-due starts it then."""

    gate: Gate
    reason: str = ""
    at: dt.datetime | None = None
    is_watched: bool = False
    occasion: str = ""


async def time_issue(
    workspace: Workspace, database: Database, issue: Issue, lists: Sequence[str], now: dt.datetime
) -> Timed:
    """What a run that sends `issue` to `lists` may do now."""
    due = next(
        (one for one in await find_due(workspace, database, now) if _is_for(one.issue, one.lists, issue, lists)), None
    )
    counts = await count_states(database, issue.key)
    begun = any(count for state, count in counts.items() if state not in _UNTOUCHED)
    if due is None:
        return weigh(None, "", issue.send_at, window_of(issue.publication), now, begun=begun)
    window = common_window_of(issue.publication)
    return weigh(due.judgement, due.occasion, issue.send_at, window, now, begun=begun)


def _is_for(key: str, due_lists: Sequence[str], issue: Issue, lists: Sequence[str]) -> bool:
    return key == issue.key and set(due_lists) == set(lists) == set(issue.lists)


def weigh(
    judgement: Judgement | None,
    occasion: str,
    send_at: dt.datetime | None,
    window: Window,
    now: dt.datetime,
    *,
    begun: bool,
) -> Timed:
    """What a run may do about an issue that is judged so; None where send-due does not look after it."""
    match judgement.verdict if judgement else None:
        case Verdict.LATE_HELD:
            assert judgement is not None
            return Timed(Gate.HOLD, judgement.reason)
        case Verdict.LATE_ASKS:
            assert judgement is not None
            return Timed(Gate.ASK, f"it is late: {judgement.reason}")
        case Verdict.UNAPPROVED | Verdict.REJECTED:
            return Timed(Gate.ASK)  # a late one that was asked for before is planned and held by now
        case Verdict.WAITING | Verdict.OUTSIDE as verdict if not begun or verdict is Verdict.OUTSIDE:
            assert judgement is not None
            return Timed(Gate.WAIT, judgement.reason, judgement.at, is_watched=True)
        case Verdict.DUE:
            return Timed(Gate.GO, occasion=occasion)
    start = max(send_at, now) if judgement is None and send_at and not begun else now
    opens = window.opens(start)
    if opens > now:
        why = "goes out" if start > now else "outside of the send window, which opens"
        return Timed(Gate.WAIT, f"{why} at {opens.astimezone(window.zone):%Y-%m-%d %H:%M}", opens)
    return Timed(Gate.GO)


async def waves_of(
    workspace: Workspace, database: Database, issue: Issue, lists: Sequence[str], approval: Approval | None
) -> Mapping[str, dt.datetime]:
    """When each time zone's people get it, where that is by their own clocks; empty where all get it at once."""
    send_at = (approval.send_at if approval else None) or issue.send_at
    if not issue.publication.recipient_local or send_at is None:
        return {}
    zone = issue.publication.zone
    now, segments = dt.datetime.now(dt.UTC), segments_for(workspace, lists)
    zones = {name for each in lists for name in await zones_of(database, each, now, segments, issue.key)}
    return all_waves(send_at.astimezone(zone).replace(tzinfo=None), zones, zone, window_of(issue.publication))
