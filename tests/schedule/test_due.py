"""What is to be done about an issue, in every standing it may have."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.schedule.due import BEGINS, FORGOTTEN, GOES_ON, Judgement, Standing, Timing, Verdict, judge
from pressrun.schedule.hours import open_hours
from pressrun.schedule.window import Window
from pressrun.source.model import Late
from pressrun.store.approval import Decision
from pressrun.store.control import Wish

ZONE = ZoneInfo("Europe/Vienna")
AT = dt.datetime(2026, 6, 30, 7, tzinfo=dt.UTC)  # 09:00 in Vienna
MINUTE = dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
TIMING = Timing(AT, Window(ZONE), Late())
NEW = Standing()
PLANNED = Standing(planned=True, open=10, queued=10)
HELD = Standing(planned=True, open=10, held_back=10)


def office_hours() -> Window:
    return Window(ZONE, open_hours(dt.time(9), dt.time(18), []))


def late(then: str, minutes: int = 120) -> Timing:
    return replace(TIMING, late=Late.model_validate({"then": then, "after_minutes": minutes}))


def begun(**changes: object) -> Standing:
    """A send that was started in time and has rows open."""
    return replace(PLANNED, **({"started": AT, "starts": 1} | changes))  # type: ignore[arg-type]


def verdict(timing: Timing, standing: Standing, now: dt.datetime) -> Verdict:
    return judge(timing, standing, now).verdict


def test_what_has_no_time_is_left_alone() -> None:
    untimed = replace(TIMING, send_at=None)
    assert judge(untimed, NEW, AT) == Judgement(Verdict.UNSCHEDULED, None, "it has no send_at")
    assert verdict(untimed, PLANNED, AT) is Verdict.UNSCHEDULED  # stopped by hand: nobody started it
    assert judge(untimed, HELD, AT).reason == "it waits for approval, and has no send_at"


def test_before_its_time_it_waits_and_then_it_is_due() -> None:
    early = judge(TIMING, NEW, AT - MINUTE)
    assert early == Judgement(Verdict.WAITING, AT, "goes out at 2026-06-30 09:00")
    assert judge(TIMING, NEW, AT) == Judgement(
        Verdict.DUE, AT, "its time was 2026-06-30 09:00", "due 2026-06-30T07:00:00Z"
    )


def test_the_occasion_stays_the_same_until_a_start_is_seen() -> None:
    occasions = {judge(TIMING, NEW, AT + n * MINUTE).occasion for n in range(100)}
    assert occasions == {"due 2026-06-30T07:00:00Z"}


def test_outside_of_the_window_it_waits_for_it_to_open() -> None:
    timing = replace(TIMING, send_at=AT + 10 * HOUR, window=office_hours())
    assert judge(timing, NEW, AT).at == AT + DAY  # said beforehand too
    assert verdict(timing, NEW, AT + 9 * HOUR) is Verdict.WAITING
    closed = judge(timing, NEW, AT + 11 * HOUR)
    assert (closed.verdict, closed.at, closed.occasion) == (Verdict.OUTSIDE, AT + DAY, "")
    assert verdict(timing, NEW, AT + DAY) is Verdict.DUE


def test_a_start_is_waited_for_and_then_made_again() -> None:
    started = replace(NEW, started=AT, starts=1)
    assert verdict(TIMING, started, AT + 9 * MINUTE) is Verdict.RUNNING
    again = judge(TIMING, started, AT + 10 * MINUTE)
    assert (again.verdict, again.occasion) == (Verdict.DUE, "due 2026-06-30T07:00:00Z again 2026-06-30T07:00:00Z")
    assert "nothing came of it" in again.reason
    # Each further one is waited for longer, two hours at most.
    assert verdict(TIMING, replace(started, starts=3), AT + 39 * MINUTE) is Verdict.RUNNING
    assert verdict(TIMING, replace(started, starts=3), AT + 40 * MINUTE) is Verdict.DUE
    assert verdict(TIMING, replace(started, starts=99), AT + 2 * HOUR) is Verdict.DUE


def test_a_run_that_died_between_two_lists_is_begun_again_at_once_and_is_not_late() -> None:
    died = Standing(partly=True, open=3, abandoned=3, lost_at=AT + 5 * HOUR, started=AT, starts=1)
    assert verdict(late("hold"), died, AT + 5 * HOUR + MINUTE) is Verdict.DUE


@pytest.mark.parametrize(
    ("then", "expected"), [("send", Verdict.DUE), ("hold", Verdict.LATE_HELD), ("ask", Verdict.LATE_ASKS)]
)
def test_what_is_late_follows_its_policy(then: str, expected: Verdict) -> None:
    assert verdict(late(then), NEW, AT + 120 * MINUTE) is Verdict.DUE
    after = judge(late(then), NEW, AT + 121 * MINUTE)
    assert after.verdict is expected
    kind = {"send": "due", "hold": "late", "ask": "ask"}[then]
    assert after.occasion == f"{kind} 2026-06-30T07:00:00Z"


def test_one_that_is_late_is_asked_for_again_where_the_first_run_came_to_nothing() -> None:
    asked_at = AT + 3 * HOUR
    asked = replace(NEW, asked=asked_at, asked_for="ask 2026-06-30T07:00:00Z", starts=1)
    assert judge(late("ask"), asked, asked_at + 9 * MINUTE).occasion == asked.asked_for
    again = judge(late("ask"), asked, asked_at + 10 * MINUTE)
    assert (again.verdict, again.occasion) == (
        Verdict.LATE_ASKS,
        "ask 2026-06-30T07:00:00Z again 2026-06-30T10:00:00Z",
    )


def test_lateness_counts_from_when_the_window_opened() -> None:
    timing = replace(late("hold"), send_at=AT - 3 * HOUR, window=office_hours())
    assert verdict(timing, NEW, AT + 120 * MINUTE) is Verdict.DUE
    assert verdict(timing, NEW, AT + 121 * MINUTE) is Verdict.LATE_HELD


def test_a_week_late_is_held_whatever_the_policy() -> None:
    assert verdict(late("send"), NEW, AT + FORGOTTEN) is Verdict.DUE
    assert verdict(late("send"), NEW, AT + FORGOTTEN + MINUTE) is Verdict.LATE_HELD


def test_who_approves_after_the_time_wants_it_out_now() -> None:
    approved = replace(PLANNED, approval=Decision.APPROVED, approved_at=AT + 3 * HOUR)
    assert verdict(replace(late("hold"), needs_approval=True), approved, AT + 4 * HOUR) is Verdict.DUE


def test_approval_is_asked_for_in_good_time() -> None:
    timing = replace(TIMING, needs_approval=True)
    before = judge(timing, NEW, AT - 73 * HOUR)
    assert (before.verdict, before.at) == (Verdict.WAITING, AT - 72 * HOUR)
    asking = judge(timing, NEW, AT - 72 * HOUR)
    assert (asking.verdict, asking.at, asking.occasion) == (
        Verdict.UNAPPROVED,
        AT - 72 * HOUR,
        "ask 2026-06-30T07:00:00Z",
    )
    assert verdict(timing, NEW, AT + HOUR) is Verdict.UNAPPROVED


def test_hours_are_counted_over_a_jump_of_the_clocks() -> None:
    after_jump = dt.datetime(2026, 3, 30, 9, tzinfo=ZONE)
    timing = replace(TIMING, needs_approval=True, send_at=after_jump)
    assert judge(timing, NEW, AT - 200 * DAY).at == dt.datetime(2026, 3, 27, 7, tzinfo=dt.UTC)


def test_what_was_asked_is_not_asked_twice_unless_it_came_to_nothing() -> None:
    timing = replace(TIMING, needs_approval=True)
    asked_at = AT - 70 * HOUR
    asked = replace(NEW, asked=asked_at, asked_for="ask first", starts=1)
    assert judge(timing, asked, asked_at + 9 * MINUTE).occasion == "ask first"
    assert judge(timing, asked, asked_at + 10 * MINUTE).occasion != "ask first"  # its run planned nothing
    shown = replace(HELD, asked=asked_at, asked_for="ask first", starts=1)
    assert judge(timing, shown, asked_at + 71 * HOUR).occasion == "ask first"
    assert judge(timing, shown, asked_at + 72 * HOUR).occasion != "ask first"  # the question has timed out


def test_approved_it_waits_for_its_time_and_a_rejection_stays() -> None:
    timing = replace(TIMING, needs_approval=True)
    approved = replace(PLANNED, approval=Decision.APPROVED, approved_at=AT - DAY, asked=AT - 2 * DAY, starts=1)
    assert verdict(timing, approved, AT - HOUR) is Verdict.WAITING
    assert verdict(timing, approved, AT) is Verdict.DUE
    assert verdict(timing, replace(HELD, approval=Decision.REJECTED), AT) is Verdict.REJECTED


def test_rows_held_back_need_approval_whatever_the_publication_says() -> None:
    assert verdict(TIMING, HELD, AT) is Verdict.UNAPPROVED


def test_the_approvers_time_holds() -> None:
    approved = replace(PLANNED, approval=Decision.APPROVED, approved_send_at=AT + HOUR)
    assert judge(TIMING, approved, AT).at == AT + HOUR
    assert judge(TIMING, approved, AT + HOUR).occasion == "due 2026-06-30T08:00:00Z"
    assert verdict(replace(TIMING, send_at=None), approved, AT + HOUR) is Verdict.DUE


def test_what_operators_want_goes_first() -> None:
    assert verdict(TIMING, replace(PLANNED, wish=Wish.CANCEL), AT) is Verdict.CANCELLED
    assert verdict(TIMING, replace(PLANNED, wish=Wish.PAUSE), AT) is Verdict.PAUSED
    stopped = judge(TIMING, replace(PLANNED, wish=Wish.PAUSE, paused_because="too many refusals"), AT)
    assert stopped.reason == "too many refusals"
    assert verdict(TIMING, replace(PLANNED, open=0, queued=0, wish=Wish.PAUSE), AT) is Verdict.FINISHED


def test_nothing_is_started_where_workers_are_at_it() -> None:
    working = begun(working=3, abandoned=2, lost_at=AT + HOUR)
    assert judge(TIMING, working, AT + 2 * HOUR) == Judgement(Verdict.RUNNING, None, "3 rows are with workers")


def test_a_worker_that_died_is_followed_at_once_and_only_once() -> None:
    lost = begun(abandoned=4, lost_at=AT + 5 * MINUTE)
    picked_up = judge(TIMING, lost, AT + 6 * MINUTE)
    assert (picked_up.verdict, picked_up.occasion) == (Verdict.ABANDONED, "lost 2026-06-30T07:05:00Z")
    followed = replace(lost, started=AT + 6 * MINUTE, starts=2)
    assert verdict(TIMING, followed, AT + 25 * MINUTE) is Verdict.RUNNING
    again = judge(TIMING, followed, AT + 26 * MINUTE)
    assert (again.verdict, again.occasion) == (Verdict.ABANDONED, "lost again 2026-06-30T07:06:00Z")


def test_a_worker_that_died_on_a_send_by_hand_is_followed_too() -> None:
    lost = replace(PLANNED, abandoned=4, lost_at=AT)
    assert verdict(replace(TIMING, send_at=None), lost, AT + MINUTE) is Verdict.ABANDONED


def test_rows_that_nobody_came_for_are_picked_up_after_a_while() -> None:
    orphans = begun(abandoned=10)
    assert verdict(TIMING, orphans, AT + 9 * MINUTE) is Verdict.RUNNING
    assert verdict(TIMING, orphans, AT + 10 * MINUTE) is Verdict.ABANDONED


def test_deferred_rows_are_tried_again_when_due_and_not_too_often() -> None:
    deferred = begun(queued=0, next_due=AT + 7 * MINUTE)
    waits = judge(TIMING, deferred, AT + 6 * MINUTE)
    assert (waits.verdict, waits.at) == (Verdict.WAITING, AT + 7 * MINUTE)
    tried = judge(TIMING, deferred, AT + 7 * MINUTE)
    assert (tried.verdict, tried.occasion) == (Verdict.RETRY, "retry 2026-06-30T07:07:00Z")
    soon = replace(deferred, started=AT + 6 * MINUTE)
    assert verdict(TIMING, soon, AT + 10 * MINUTE) is Verdict.WAITING
    assert verdict(TIMING, soon, AT + 11 * MINUTE) is Verdict.RETRY
    unmoved = replace(deferred, started=AT + 8 * MINUTE)
    assert judge(TIMING, unmoved, AT + 13 * MINUTE).occasion.endswith("again 2026-06-30T07:08:00Z")
    assert verdict(replace(TIMING, send_at=None), replace(deferred, started=None), AT + HOUR) is Verdict.RETRY


def test_rows_of_a_send_that_is_begun_wait_for_the_window_too() -> None:
    timing = replace(TIMING, window=office_hours())
    night = AT + 12 * HOUR
    for standing in (begun(abandoned=10), begun(queued=0, next_due=night), begun(abandoned=1, lost_at=night)):
        shut = judge(timing, standing, night + MINUTE)
        assert (shut.verdict, shut.at, shut.occasion) == (Verdict.OUTSIDE, AT + DAY, "")
        assert verdict(timing, standing, AT + DAY) in GOES_ON


def test_before_its_time_nothing_is_started_that_was_approved_early() -> None:
    planned = begun(abandoned=10, approval=Decision.APPROVED, started=AT - DAY)
    assert verdict(replace(TIMING, needs_approval=True), planned, AT - MINUTE) is Verdict.WAITING


moments = st.datetimes(dt.datetime.fromisoformat("2026-06-20"), dt.datetime.fromisoformat("2026-07-12")).map(
    lambda one: one.replace(tzinfo=dt.UTC)
)
counts = st.integers(0, 3)


@st.composite
def standings(draw: st.DrawFn) -> Standing:
    queued, held, working, lost = (draw(counts) for _ in range(4))
    started = draw(st.none() | moments)
    next_due = draw(st.none() | moments)
    orphans = queued if started and not working else 0
    return Standing(
        planned=draw(st.booleans()),
        open=queued + held + working + lost + bool(next_due),
        queued=queued,
        held_back=held,
        working=working,
        abandoned=lost or orphans,
        lost_at=draw(moments) if lost else None,
        next_due=next_due,
        wish=draw(st.sampled_from(Wish)),
        approval=None if held else draw(st.none() | st.sampled_from(Decision)),
        approved_send_at=draw(st.none() | moments),
        started=started,
        starts=draw(st.integers(0, 20)),
        asked=draw(st.none() | moments),
        asked_for="ask before",
    )


timings = st.builds(
    Timing,
    send_at=st.none() | moments,
    window=st.sampled_from([Window(ZONE), office_hours()]),
    late=st.sampled_from([Late(then="send"), Late(then="hold"), Late(then="ask")]),
    needs_approval=st.booleans(),
)


@given(timings, standings(), moments)
def test_what_holds_of_every_judgement(timing: Timing, standing: Standing, now: dt.datetime) -> None:
    found = judge(timing, standing, now)
    send_at = standing.approved_send_at or timing.send_at
    leaves = found.verdict in GOES_ON | {Verdict.DUE}
    assert found.reason
    assert bool(found.occasion) is (found.verdict in BEGINS | GOES_ON | {Verdict.LATE_HELD, Verdict.LATE_ASKS})
    if not leaves:
        return
    assert timing.window.is_open(now)
    assert send_at is None or now >= send_at
    assert standing.wish is Wish.RUN and not standing.working and not standing.held_back
    if send_at is not None and timing.needs_approval:
        assert standing.approval is Decision.APPROVED


@given(timings, standings(), moments)
def test_a_confirmed_start_is_not_made_again_at_once(timing: Timing, standing: Standing, now: dt.datetime) -> None:
    first = judge(timing, standing, now)
    if first.verdict not in BEGINS | GOES_ON:
        return
    if first.verdict is Verdict.UNAPPROVED:
        told = replace(standing, asked=now, asked_for=first.occasion, starts=standing.starts + 1)
        assert judge(timing, told, now + MINUTE).occasion in (first.occasion, "")
        return
    orphans = standing.abandoned if standing.lost_at else standing.queued
    seen = replace(standing, started=now, starts=standing.starts + 1, abandoned=orphans)
    if standing.lost_at is None or standing.lost_at <= now:
        assert judge(timing, seen, now + MINUTE).verdict not in GOES_ON | {Verdict.DUE}


def test_a_list_whose_turn_is_to_come_is_not_abandoned() -> None:
    """Without a time of its own it was begun by hand, with the other lists: that run takes one after the other."""
    turn = Standing(planned=True, open=3, queued=3, abandoned=3, started=AT, starts=1, elsewhere=2)
    timing = replace(TIMING, send_at=None)
    assert judge(timing, turn, AT + HOUR).verdict is Verdict.RUNNING
    assert judge(timing, replace(turn, elsewhere=0), AT + HOUR).verdict is Verdict.ABANDONED
    lost = replace(turn, lost_at=AT + HOUR)  # a worker died over this very list
    assert judge(timing, lost, AT + HOUR).verdict is Verdict.ABANDONED
