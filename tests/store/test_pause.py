"""Pauses: nothing is sent before the day, the person stays on the list, and afterwards all is as before."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from person_story import ANN, BEN, DAY, ISSUES, set_state, states_of, tell_story
from pressrun.delivery.outcome import State
from pressrun.errors import UsageError
from pressrun.store.database import Database
from pressrun.store.delivery_log import plan, read_log
from pressrun.store.exclusion import read_audience
from pressrun.store.journal import Scope, open_journal
from pressrun.store.pause import pause, resume
from pressrun.store.person import read_person
from pressrun.store.subscribers import count_lists, find_list
from pressrun.store.tables import memberships
from small_edition import KEY, NOW, make_edition

WEEK = 7 * DAY


async def claimed(database: Database, issue: str = ISSUES[1], days: int = 0) -> list[str]:
    async with open_journal(database) as journal:
        return [row.address for row in await journal.claim(Scope(issue, "w"), 10, NOW + days * DAY)]


@pytest.mark.parametrize("state", [State.QUEUED, State.DEFERRED])
async def test_what_would_leave_meanwhile_is_closed_with_the_reason(database: Database, state: State) -> None:
    person = await tell_story(database)
    await set_state(database, ISSUES[1], ANN.address, state)
    assert await pause(database, person, NOW + WEEK, NOW) == ["all"]
    assert await claimed(database) == [BEN.address]
    row = next(row for row in [one async for one in read_log(database, ISSUES[1])] if row.address == ANN.address)
    assert (row.state, row.reply) == (State.SUPPRESSED, "the person paused mail until 2026-02-27")
    assert (await read_audience(database, ISSUES[1])).excluded == {"paused": 1}


async def test_at_its_end_mail_begins_again_by_itself(database: Database) -> None:
    person = await tell_story(database)
    await pause(database, person, NOW + WEEK, NOW)
    assert await claimed(database, days=7) == [ANN.address, BEN.address]


async def test_planning_again_changes_nothing_for_who_was_left_out(database: Database) -> None:
    person = await tell_story(database)
    await pause(database, person, NOW + WEEK, NOW)
    await claimed(database)
    await resume(database, person, NOW)
    again = await plan(database, make_edition(issue=ISSUES[1], id="1" * 64), "all", NOW + DAY)
    assert (again.added, again.audience) == (0, 2)
    assert (await states_of(database, ISSUES[1]))[ANN.address] == "suppressed"


async def test_only_the_named_list_is_paused_and_nobody_else(database: Database) -> None:
    person = await tell_story(database)
    assert await pause(database, person, NOW + WEEK, NOW, "elsewhere") == []
    assert await pause(database, person, NOW + WEEK, NOW, "all") == ["all"]
    async with database.read() as connection:
        all_id = await find_list(connection, "all")
        query = sa.select(memberships.c.subscriber_id).where(memberships.c.paused_until.is_not(None))
        assert (await connection.scalars(query.where(memberships.c.list_id == all_id))).all() == [person]
    assert {one.name: one.members for one in await count_lists(database)}["all"] == 2


async def test_each_pause_and_its_end_is_an_event_once(database: Database) -> None:
    person = await tell_story(database)
    for _ in range(2):
        await pause(database, person, NOW + WEEK, NOW, source="preferences")
    for _ in range(2):
        await resume(database, person, NOW + DAY)
    told = [event for event in (await read_person(database, KEY, ANN)).events if event.list == "all"]
    assert [(str(event.kind), event.detail) for event in told if "d" in event.kind and event.kind != "joined"] == [
        ("paused", {"until": "2026-02-27T09:00:00+00:00", "source": "preferences"}),
        ("resumed", {}),
    ]
    assert await claimed(database) == [ANN.address, BEN.address]


async def test_who_has_left_is_not_paused_and_a_past_day_is_refused(database: Database) -> None:
    person = await tell_story(database)
    with pytest.raises(UsageError, match="has passed"):
        await pause(database, person, NOW, NOW)
    async with database.write() as connection:
        await connection.execute(sa.update(memberships).values(left_at=NOW))
    assert await pause(database, person, NOW + WEEK, NOW) == []
