"""Decides what is to be done about an issue now: from its timing, how it stands in the store, and the clock."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from enum import StrEnum

from pressrun.schedule.window import Window
from pressrun.source.model import Late
from pressrun.store.approval import Decision
from pressrun.store.control import Wish

FORGOTTEN = dt.timedelta(days=7)
"""How late an issue is held whatever its publication says: nobody wants last year's issues from a new store."""

_LONGEST_WAIT = dt.timedelta(hours=2)


class Verdict(StrEnum):
    """How an issue stands in time."""

    UNSCHEDULED = "unscheduled"  # nothing says when it goes out
    WAITING = "waiting"  # its time, or its next rows', is still to come
    DUE = "due"  # to be begun now
    OUTSIDE = "outside"  # due, but outside of the send window
    UNAPPROVED = "unapproved"  # to be asked for, or asked for already
    REJECTED = "rejected"
    LATE_HELD = "late_held"  # too late to be begun without a person
    LATE_ASKS = "late_asks"  # late: to be begun when somebody approves
    PAUSED = "paused"
    CANCELLED = "cancelled"
    RUNNING = "running"  # workers are at it, or were started and have not shown themselves yet
    RETRY = "retry"  # deferred rows are due again
    ABANDONED = "abandoned"  # rows are open, and nobody is at them any more
    FINISHED = "finished"


BEGINS = frozenset({Verdict.DUE, Verdict.UNAPPROVED})
"""What `publish-issue` is started for."""

GOES_ON = frozenset({Verdict.RETRY, Verdict.ABANDONED})
"""What `deliver-send` is started for; it plans nobody new."""


@dataclass(frozen=True)
class Timing:
    """What an issue and its publication say of time. `send_at` is aware; None: nothing starts it by itself.

    Approval is asked for `ask_before` its time. A start that nothing is seen of is made again after `patience`, then
    after twice as long each time; deferred rows are tried again `pace` after the last start at the earliest.
    """

    send_at: dt.datetime | None
    window: Window
    late: Late
    needs_approval: bool = False
    ask_before: dt.timedelta = dt.timedelta(hours=72)
    patience: dt.timedelta = dt.timedelta(minutes=10)
    pace: dt.timedelta = dt.timedelta(minutes=5)


@dataclass(frozen=True)
class Standing:
    """How an issue stands in the store with its lists. Counts are of rows; moments are UTC.

    `planned`: each list has a send; `partly`: some have. `open`: rows that are not settled, of them `queued` (free to
    leave), `held_back` (in sends that wait for approval) and `working` (with live workers). `abandoned`: rows of dead
    workers, or else queued rows that nobody is at though a start was confirmed; `elsewhere`: rows of the issue's other
    lists that live workers have. `lost_at`: when the last dead worker's lease ended. `next_due`: the first deferred
    row's. `started`: the newest confirmed start; `starts`: how many there were in a day. `asked`: the newest start that
    asked for approval, for the occasion `asked_for`.
    """

    planned: bool = False
    partly: bool = False
    open: int = 0
    queued: int = 0
    held_back: int = 0
    working: int = 0
    abandoned: int = 0
    elsewhere: int = 0
    lost_at: dt.datetime | None = None
    next_due: dt.datetime | None = None
    wish: Wish = Wish.RUN
    paused_because: str | None = None
    approval: Decision | None = None
    approved_send_at: dt.datetime | None = None
    approved_at: dt.datetime | None = None
    started: dt.datetime | None = None
    starts: int = 0
    asked: dt.datetime | None = None
    asked_for: str = ""


@dataclass(frozen=True)
class Judgement:
    """What is to be done. `at` is when it comes, or since when it holds. `occasion` names what a start would be for:
    it stays the same until that start is seen, so that a claim on it is won once."""

    verdict: Verdict
    at: dt.datetime | None
    reason: str
    occasion: str = ""


def judge(timing: Timing, standing: Standing, now: dt.datetime) -> Judgement:
    """What is to be done about an issue at `now`."""
    send_at = standing.approved_send_at or timing.send_at
    # In UTC, as hours before a moment with a zone are hours of its clock, which may have jumped.
    timing = replace(timing, send_at=send_at and send_at.astimezone(dt.UTC))
    return (
        _judge_wish(standing)
        or _judge_unscheduled(timing, standing, now)
        or _judge_approval(timing, standing, now)
        or _judge_early(timing, now)
        or _judge_begun(timing, standing, now)
        or _judge_late(timing, standing, now)
        or _begin(timing, standing, now)
    )


def _judge_wish(standing: Standing) -> Judgement | None:
    if standing.wish is Wish.CANCEL:
        return Judgement(Verdict.CANCELLED, None, "an operator cancelled it")
    if standing.planned and not standing.open:
        return Judgement(Verdict.FINISHED, None, "no row is open")
    if standing.wish is Wish.PAUSE:
        return Judgement(Verdict.PAUSED, None, standing.paused_because or "an operator paused it")
    if standing.working:
        return Judgement(Verdict.RUNNING, None, f"{_rows(standing.working)} with workers")
    return None


def _judge_unscheduled(timing: Timing, standing: Standing, now: dt.datetime) -> Judgement | None:
    if timing.send_at is not None:
        return None
    going_on = None if standing.held_back else _carry_on(timing, standing, now)
    reason = "it waits for approval, and has no send_at" if standing.held_back else "it has no send_at"
    return going_on or Judgement(Verdict.UNSCHEDULED, None, reason)


def _judge_approval(timing: Timing, standing: Standing, now: dt.datetime) -> Judgement | None:
    if standing.approval is Decision.APPROVED or not (timing.needs_approval or standing.held_back):
        return None
    send_at = _given(timing)
    if standing.approval is Decision.REJECTED:
        return Judgement(Verdict.REJECTED, send_at, "it was rejected: mend it and publish it again by hand")
    asks_at = send_at - timing.ask_before
    if now < asks_at:
        when = f"goes out at {_told(timing, send_at)} and is asked for at {_told(timing, asks_at)}"
        return Judgement(Verdict.WAITING, asks_at, when)
    when = f"nobody has approved it; its time {'is' if now < send_at else 'was'} {_told(timing, send_at)}"
    return Judgement(Verdict.UNAPPROVED, asks_at, when, _ask(timing, standing, now))


def _ask(timing: Timing, standing: Standing, now: dt.datetime) -> str:
    """The occasion of asking: a new one only where what was asked has come to nothing."""
    if standing.asked is None:
        return f"ask {_named(_given(timing))}"
    # With rows held back somebody was shown what there is, and has as long to answer as a question stands.
    patience = timing.ask_before if standing.held_back else _patience(timing, standing)
    if now < standing.asked + patience:
        return standing.asked_for
    return f"ask {_named(_given(timing))} again {_named(standing.asked)}"


def _judge_early(timing: Timing, now: dt.datetime) -> Judgement | None:
    send_at = _given(timing)
    if now >= send_at:
        return None
    opens = timing.window.opens(send_at)
    return Judgement(Verdict.WAITING, opens, f"goes out at {_told(timing, opens)}")


def _judge_begun(timing: Timing, standing: Standing, now: dt.datetime) -> Judgement | None:
    """Where it was begun: whether that goes on by itself. None where it is to be begun, or begun again."""
    if standing.planned:
        return _carry_on(timing, standing, now) if standing.started or standing.lost_at else None
    if standing.started is None or (standing.lost_at and standing.lost_at > standing.started):
        return None
    again = standing.started + _patience(timing, standing)
    if now >= again:
        return None
    return Judgement(Verdict.RUNNING, again, f"was started at {_told(timing, standing.started)}")


def _carry_on(timing: Timing, standing: Standing, now: dt.datetime) -> Judgement | None:
    """What is to be done about open rows that may leave; None where nothing is, or nobody ever started them."""
    return _pick_up(timing, standing, now) or _retry(timing, standing, now) or _wait(timing, standing)


def _pick_up(timing: Timing, standing: Standing, now: dt.datetime) -> Judgement | None:
    lost, started = standing.lost_at, standing.started
    if not standing.abandoned:
        return None
    reason = f"{_rows(standing.abandoned)} open, and nobody is at them"
    if lost and (started is None or lost > started):  # since the last start: nobody has been started for it yet
        return _start(timing, now, Verdict.ABANDONED, lost, reason, f"lost {_named(lost)}")
    if timing.send_at is None and standing.elsewhere:  # a run takes its lists one after the other: it will come to this
        return None
    if started and now >= (again := started + _patience(timing, standing)):
        return _start(timing, now, Verdict.ABANDONED, again, reason, f"lost again {_named(started)}")
    return None


def _retry(timing: Timing, standing: Standing, now: dt.datetime) -> Judgement | None:
    due, started = standing.next_due, standing.started
    if due is None:
        return None
    at = max(due, started + timing.pace) if started else due
    if now < at:
        return None
    again = f" again {_named(started)}" if started and started >= due else ""
    return _start(timing, now, Verdict.RETRY, due, "deferred rows are due", f"retry {_named(due)}{again}")


def _wait(timing: Timing, standing: Standing) -> Judgement | None:
    started = standing.started
    if standing.abandoned and started:
        again = started + _patience(timing, standing)
        return Judgement(Verdict.RUNNING, again, f"was started at {_told(timing, started)}")
    if due := standing.next_due:
        at = max(due, started + timing.pace) if started else due
        return Judgement(Verdict.WAITING, at, f"deferred rows are tried at {_told(timing, at)}")
    return None


def _judge_late(timing: Timing, standing: Standing, now: dt.datetime) -> Judgement | None:
    send_at, late = _given(timing), timing.late
    if standing.approved_at and standing.approved_at >= send_at:  # whoever approved it then knew the hour
        return None
    if standing.partly and standing.started:  # it was begun in time
        return None
    could = timing.window.opens(send_at)
    by = now - could
    occasion = f"late {_named(send_at)}"
    since = f"it could have gone out at {_told(timing, could)}"
    if by > FORGOTTEN:
        return Judgement(Verdict.LATE_HELD, could, f"{since}: set a new send_at, or publish it by hand", occasion)
    if by <= dt.timedelta(minutes=late.after_minutes) or late.then == "send":
        return None
    if late.then == "ask":
        asking = _ask(timing, standing, now)
        return Judgement(Verdict.LATE_ASKS, could, f"{since}: approve it, or set a new send_at", asking)
    return Judgement(Verdict.LATE_HELD, could, f"{since}: set a new send_at, or publish it by hand", occasion)


def _begin(timing: Timing, standing: Standing, now: dt.datetime) -> Judgement:
    send_at = _given(timing)
    again = f" again {_named(standing.started)}" if standing.started else ""
    reason = f"its time was {_told(timing, send_at)}"
    if standing.started:
        reason += f"; it was started at {_told(timing, standing.started)}, and nothing came of it"
    return _start(timing, now, Verdict.DUE, timing.window.opens(send_at), reason, f"due {_named(send_at)}{again}")


def _start(
    timing: Timing, now: dt.datetime, verdict: Verdict, at: dt.datetime, reason: str, occasion: str
) -> Judgement:
    """To be started now, or when the window opens."""
    if timing.window.is_open(now):
        return Judgement(verdict, at, reason, occasion)
    opens = timing.window.opens(now)
    return Judgement(Verdict.OUTSIDE, opens, f"{reason}; the send window opens at {_told(timing, opens)}")


def _patience(timing: Timing, standing: Standing) -> dt.timedelta:
    """How long the last start is waited for: longer with each of the day, so that a dead queue does not fill up."""
    doublings = min(max(0, standing.starts - 1), 10)
    return min(timing.patience * (1 << doublings), max(timing.patience, _LONGEST_WAIT))


def _given(timing: Timing) -> dt.datetime:
    assert timing.send_at is not None
    return timing.send_at


def _named(moment: dt.datetime) -> str:
    return f"{moment.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"


def _told(timing: Timing, moment: dt.datetime) -> str:
    return f"{moment.astimezone(timing.window.zone):%Y-%m-%d %H:%M}"


def _rows(count: int) -> str:
    return f"{count:,} row is" if count == 1 else f"{count:,} rows are"
