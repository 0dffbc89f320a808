"""What a look at everything finds: due issues, rows that are open, faults, and expected issues that lack."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from pressrun.address import parse_address
from pressrun.calendar import calendar
from pressrun.delivery.outcome import State
from pressrun.render.source import render_issue
from pressrun.schedule.cadence import Lack
from pressrun.schedule.due import Verdict
from pressrun.send_due import Due, find_due, find_missing, looked_after
from pressrun.store.control import pause
from pressrun.store.database import Database
from pressrun.store.delivery_log import plan
from pressrun.store.standing import occasion_for
from pressrun.store.start import claim_start, confirm_start
from pressrun.store.subscribers import add_subscriber
from pressrun.store.tables import approvals, deliveries
from pressrun.workspace import Workspace, open_workspace
from small_edition import NOW, addresses, fill_list, make_edition
from small_issue import FIRST, ISSUE, PUBLICATION, write_small_issue

KEY = "small/2026-01"
TIMED = ISSUE + "send_at: 2026-03-31 09:00\n"
AT = dt.datetime(2026, 3, 31, 7, tzinfo=dt.UTC)  # 09:00 in Vienna
LISTED = PUBLICATION + "lists: [all]\n"
CADENCE = "cadence: {rule: FREQ=MONTHLY;BYMONTHDAY=-1, since: 2026-01-01}\n"
MINUTE = dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)


class Look:
    """Looks at a workspace that a test writes."""

    def __init__(self, root: Path, database: Database) -> None:
        self.root, self.database = root, database

    def write(self, publication: str = LISTED, issue: str = TIMED, **changes: str) -> Workspace:
        write_small_issue(self.root, publication=publication, issue=issue, **changes)
        return open_workspace(self.root)

    async def due(self, now: dt.datetime) -> list[Due]:
        return await find_due(open_workspace(self.root), self.database, now)

    async def one(self, now: dt.datetime) -> Due:
        (found,) = await self.due(now)
        return found

    async def lacks(self, now: dt.datetime) -> list[tuple[Lack, str | None]]:
        gaps = await find_missing(open_workspace(self.root), self.database, now)
        return [(gap.lack, gap.issue) for gap in gaps]

    async def plan(self, state: State, list_name: str = "all", now: dt.datetime = AT) -> None:
        """Plan the issue for a list and put its rows into a state."""
        await plan(self.database, make_edition(issue=KEY, id=KEY.encode().hex()), list_name, now)
        async with self.database.write() as connection:
            await connection.execute(sa.update(deliveries).values(state=state.value, due_at=now))

    async def start(self, due: Due, now: dt.datetime) -> bool:
        """Start it if nobody else did."""
        won = await claim_start(self.database, due.issue, due.occasion, "looker", now, stale=3 * MINUTE)
        return won and await confirm_start(self.database, due.issue, due.occasion, "run", now)


@pytest.fixture
async def look(database: Database, tmp_path: Path) -> Look:
    """A workspace with a store in which the list `all` has two people."""
    await fill_list(database, "all", addresses(2))
    return Look(tmp_path / "workspace", database)


async def test_an_issue_is_due_from_its_time_on_and_started_once(look: Look) -> None:
    look.write()
    assert (await look.one(AT - MINUTE)).judgement.verdict is Verdict.WAITING
    due = await look.one(AT)
    assert (due.issue, due.lists, due.fault, due.is_to_start) == (KEY, ("all",), "", True)
    assert due.occasion == "all: due 2026-03-31T07:00:00Z"
    assert await look.start(due, AT)
    assert not await look.start(due, AT)
    assert (await look.one(AT + MINUTE)).judgement.verdict is Verdict.RUNNING


async def test_a_clock_that_is_set_back_starts_nothing_again(look: Look) -> None:
    look.write()
    assert await look.start(await look.one(AT + MINUTE), AT + MINUTE)
    for now in (AT - HOUR, AT, AT + 10 * MINUTE):
        assert not (await look.one(now)).is_to_start


async def test_what_has_no_time_is_not_there_until_rows_are_open(look: Look) -> None:
    look.write(issue=ISSUE)
    assert await look.due(AT) == []
    await look.plan(State.QUEUED)
    assert (await look.one(AT)).judgement.verdict is Verdict.UNSCHEDULED
    await look.plan(State.DEFERRED)
    due = await look.one(AT)
    assert (due.judgement.verdict, due.is_to_start) == (Verdict.RETRY, True)


async def test_what_went_out_is_finished_and_left_out_after_a_week(look: Look) -> None:
    look.write()
    await look.plan(State.SENT)
    assert (await look.one(AT + DAY)).judgement.verdict is Verdict.FINISHED
    assert await look.due(AT + 8 * DAY) == []


async def test_an_old_issue_that_never_went_out_is_held(look: Look) -> None:
    look.write()
    due = await look.one(AT + 300 * DAY)
    assert (due.judgement.verdict, due.is_to_start) == (Verdict.LATE_HELD, False)


async def test_rows_through_another_list_are_a_send_of_their_own(look: Look) -> None:
    look.write()
    await fill_list(look.database, "press", addresses(2, 50))
    await look.plan(State.DEFERRED, "press")
    scheduled, by_hand = await look.due(AT - DAY)
    assert (scheduled.lists, scheduled.judgement.verdict) == (("all",), Verdict.WAITING)
    assert (by_hand.lists, by_hand.judgement.verdict) == (("press",), Verdict.WAITING)  # not due before AT
    _, by_hand = await look.due(AT)
    assert (by_hand.judgement.verdict, by_hand.occasion) == (Verdict.RETRY, "press: retry 2026-03-31T07:00:00Z")


async def test_queued_rows_of_a_run_that_noted_its_start_go_on_by_themselves(look: Look) -> None:
    workspace = look.write(issue=ISSUE)
    await look.plan(State.QUEUED)
    for lists in looked_after(workspace, KEY, ["all"], AT):
        occasion = occasion_for(lists, "run 1")
        assert await claim_start(look.database, KEY, occasion, "run", AT, stale=MINUTE)
        assert await confirm_start(look.database, KEY, occasion, "run", AT)
    assert (await look.one(AT + 9 * MINUTE)).judgement.verdict is Verdict.RUNNING
    due = await look.one(AT + 10 * MINUTE)
    assert (due.judgement.verdict, due.lists, due.is_to_start) == (Verdict.ABANDONED, ("all",), True)
    await pause(look.database, KEY, AT)
    assert not (await look.one(AT + 10 * MINUTE)).is_to_start


@pytest.mark.parametrize(
    ("issue", "now", "lists", "groups"),
    [
        (ISSUE, AT, ["all", "press"], [("all",), ("press",)]),
        (TIMED, AT, ["press", "all"], [("all",), ("press",)]),
        (TIMED + "lists: [all, board]\n", AT, ["board", "press", "all"], [("all", "board"), ("press",)]),
        (TIMED + "lists: [all, board]\n", AT, ["all", "press"], [("press",)]),  # the other one was not begun
        (TIMED, AT - MINUTE, ["all", "press"], [("press",)]),  # it is begun at its time all the same
    ],
)
async def test_starts_are_noted_by_the_lists_that_a_look_asks_for(
    look: Look, issue: str, now: dt.datetime, lists: list[str], groups: list[tuple[str, ...]]
) -> None:
    assert looked_after(look.write(issue=issue), KEY, lists, now) == groups


@pytest.mark.parametrize(
    ("publication", "issue", "fault"),
    [
        (PUBLICATION, TIMED, "neither issue.yaml nor publication.yaml names a list"),
        (PUBLICATION + "lists: [al]\n", TIMED, "there is no list 'al': did you mean all?"),
        (PUBLICATION + "lists: [北京]\n", TIMED, "there is no list '北京'; import it first"),
        (LISTED, TIMED.replace("total: 7", "total: x"), "issue.yaml:3:8: wrong-type"),
        (LISTED.replace("en\n", "English\n"), TIMED, "issues/small/publication.yaml:3:11: bad-value"),
    ],
)
async def test_what_cannot_go_out_says_why(look: Look, publication: str, issue: str, fault: str) -> None:
    look.write(publication, issue)
    due = await look.one(AT)
    assert fault in due.fault
    assert not due.is_to_start


async def test_faults_in_the_text_are_told_as_the_time_nears(look: Look) -> None:
    look.write(first=FIRST.replace("https://www.example.com/page", "nowhere"))
    assert (await look.one(AT - 4 * DAY)).fault == ""
    assert "1 error; the first: issues/small/2026-01/first.md:7" in (await look.one(AT - 2 * DAY)).fault
    assert not (await look.one(AT)).is_to_start


async def test_rows_of_an_issue_whose_folder_is_gone_are_told(look: Look) -> None:
    look.write()
    await plan(look.database, make_edition(issue="small/2025-09"), "all", AT)
    gone, _ = await look.due(AT)
    assert (gone.issue, gone.lists, gone.is_to_start) == ("small/2025-09", ("all",), False)
    assert "is not there" in gone.fault


async def test_approval_is_asked_for_three_days_before(look: Look) -> None:
    look.write(LISTED + "approval: required\n")
    assert (await look.one(AT - 73 * HOUR)).judgement.verdict is Verdict.WAITING
    due = await look.one(AT - 72 * HOUR)
    assert (due.judgement.verdict, due.is_to_start) == (Verdict.UNAPPROVED, True)


async def test_the_window_holds_rows_back_that_are_due_again(look: Look) -> None:
    look.write(LISTED + "send_window: {not_before: 09:00}\n")
    await look.plan(State.DEFERRED, now=AT + 12 * HOUR)
    assert await look.start(await look.one(AT), AT)
    night = await look.one(AT + 16 * HOUR)  # one in the morning
    assert (night.judgement.verdict, night.judgement.at) == (Verdict.OUTSIDE, AT + DAY)
    assert (await look.one(AT + DAY)).judgement.verdict is Verdict.RETRY


async def test_local_delivery_begins_with_the_first_zone_and_looks_at_no_other_clock(look: Look) -> None:
    look.write(LISTED + "recipient_local: true\nsend_window: {not_before: 09:00}\n")
    for n, zone in enumerate(["Pacific/Auckland", "America/New_York", "Nowhere/Land"]):
        person = parse_address(f"zoned{n}@example.com")
        await add_subscriber(look.database, person, None, {"timezone": zone}, "all", NOW)
    first = dt.datetime(2026, 3, 31, 9, tzinfo=ZoneInfo("Pacific/Auckland"))
    assert (await look.one(first - MINUTE)).judgement.verdict is Verdict.WAITING
    due = await look.one(first)
    assert (due.judgement.verdict, due.occasion) == (Verdict.DUE, "all: due 2026-03-30T20:00:00Z")


async def test_rows_of_local_delivery_go_on_by_no_clock_but_their_own(look: Look) -> None:
    look.write(LISTED + "recipient_local: true\nsend_window: {not_before: 09:00}\n", ISSUE)
    await look.plan(State.DEFERRED, now=AT + 16 * HOUR)  # night in Vienna, evening in New York
    assert (await look.one(AT + 16 * HOUR)).judgement.verdict is Verdict.RETRY


async def test_local_delivery_begins_with_the_first_zone_of_the_approvers_time_too(look: Look) -> None:
    look.write(LISTED + "recipient_local: true\n")
    person = parse_address("zoned@example.com")
    await add_subscriber(look.database, person, None, {"timezone": "Pacific/Auckland"}, "all", NOW)
    await look.plan(State.QUEUED)
    approval = {"issue": KEY, "seal": "s", "decision": "approved", "decided_by": "Lin", "created_at": AT - 9 * DAY}
    async with look.database.write() as connection:
        await connection.execute(sa.insert(approvals), {**approval, "send_at": AT + DAY})
    first = dt.datetime(2026, 4, 1, 9, tzinfo=ZoneInfo("Pacific/Auckland"))
    assert (await look.one(first - MINUTE)).judgement.verdict is Verdict.WAITING
    assert (await look.one(first)).judgement.verdict is Verdict.DUE


async def test_the_rendered_issue_knows_nothing_of_its_time(look: Look) -> None:
    workspace = look.write(issue=ISSUE)
    before = render_issue(workspace, KEY).edition
    after = render_issue(look.write(), KEY).edition
    assert (before.html.replace(before.nonce, ""), before.subject) == (
        after.html.replace(after.nonce, ""),
        after.subject,
    )


async def test_an_expected_issue_that_is_not_there_is_missing(look: Look) -> None:
    look.write(LISTED + CADENCE)
    april = dt.datetime(2026, 4, 28, tzinfo=dt.UTC)
    assert await look.lacks(april) == [(Lack.MISSING, None)]
    assert await look.lacks(april - 5 * DAY) == []


async def test_an_expected_issue_that_cannot_go_out_is_told(look: Look) -> None:
    near = AT - 2 * DAY
    look.write(LISTED + CADENCE, ISSUE)
    assert await look.lacks(near) == [(Lack.UNSCHEDULED, KEY)]
    look.write(LISTED + CADENCE)
    assert await look.lacks(near) == []
    look.write(LISTED + CADENCE + "approval: required\n")
    assert await look.lacks(near) == [(Lack.UNAPPROVED, KEY)]
    look.write(LISTED + CADENCE, first=FIRST.replace("https://www.example.com/page", "nowhere"))
    assert await look.lacks(near) == [(Lack.FAULTY, KEY)]
    look.write(LISTED + CADENCE, TIMED.replace("total: 7", "total: x"), first=FIRST)
    assert await look.lacks(near) == [(Lack.FAULTY, KEY)]


async def test_what_went_out_by_hand_lacks_nothing(look: Look) -> None:
    look.write(LISTED + CADENCE, ISSUE)
    await look.plan(State.SENT)
    assert await look.lacks(AT) == []


async def test_the_calendar_shows_what_comes_what_is_expected_and_what_lacks(look: Look) -> None:
    workspace = look.write(LISTED + CADENCE)
    lines = await calendar(workspace, look.database, AT - 2 * DAY, days=40)
    assert [(line.at and line.at.isoformat(), line.issue, line.state, line.is_well) for line in lines] == [
        ("2026-03-31T09:00:00+02:00", KEY, "waiting", True),
        ("2026-04-30T09:00:00+02:00", "", "expected", True),
    ]
    later = await calendar(workspace, look.database, AT + 29 * DAY, days=1)
    assert [(line.state, line.is_well) for line in later] == [("late_held", False), ("missing", False)]
    assert await calendar(workspace, look.database, AT, publications=["other"]) == []
