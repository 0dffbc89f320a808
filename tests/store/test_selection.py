"""Sending to a segment: whom it plans, under which names, and that the list's own rules hold for its people."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict

import pytest
import sqlalchemy as sa

from pressrun.address import parse_address
from pressrun.condition import parse_condition
from pressrun.delivery.leave_link import Leave
from pressrun.errors import UsageError
from pressrun.segment import Segment
from pressrun.store.audience import count_audience, zones_of
from pressrun.store.database import Database
from pressrun.store.delivery_log import plan, preview_plan, propose
from pressrun.store.departure import depart
from pressrun.store.exclusion import read_audience
from pressrun.store.journal import Scope, open_journal
from pressrun.store.selection import Segments, find_selection
from pressrun.store.subscribers import add_subscriber
from pressrun.store.tables import deliveries, sends
from small_edition import NOW, make_edition

ISSUE = "spp/2026-02"
LATER = NOW + dt.timedelta(minutes=1)


def make_segments(**filters: str) -> Segments:
    return {name: Segment(name, text, parse_condition(text).term) for name, text in filters.items()}


SEGMENTS = make_segments(chinese='language == "zh-CN"', english='language == "en"')


async def fill(database: Database, list_name: str = "spp") -> None:
    for n, (language, zone) in enumerate(
        (("zh-CN", "Asia/Shanghai"), ("zh-CN", "Europe/Vienna"), ("en", "Europe/London"))
    ):
        address = parse_address(f"reader{n}@example.com")
        await add_subscriber(database, address, "", {"language": language, "timezone": zone}, list_name, NOW)


async def planned(database: Database) -> list[tuple[str, str | None, str | None, str]]:
    columns = (sends.c.list, sends.c.of_list, sends.c.filter, deliveries.c.address)
    query = sa.select(*columns).join(deliveries, deliveries.c.send_id == sends.c.id).order_by(deliveries.c.id)
    async with database.read() as connection:
        return [tuple(row) for row in await connection.execute(query)]


async def test_only_the_segments_people_are_planned_and_the_send_says_by_what(database: Database) -> None:
    await fill(database)
    assert asdict(await preview_plan(database, ISSUE, "spp:chinese", NOW, SEGMENTS)) == {
        "send_id": 0, "added": 2, "audience": 2,
    }  # fmt: skip
    made = await plan(database, make_edition(issue=ISSUE), "spp:chinese", NOW, segments=SEGMENTS)
    assert (made.added, made.audience) == (2, 2)
    told = ("spp:chinese", "spp", 'language == "zh-CN"')
    assert await planned(database) == [(*told, "reader0@example.com"), (*told, "reader1@example.com")]


async def test_nobody_is_planned_twice_through_the_list_and_its_segments(database: Database) -> None:
    await fill(database)
    edition = make_edition(issue=ISSUE)
    added = [
        (await plan(database, edition, name, NOW, segments=SEGMENTS)).added
        for name in ("spp:english", "spp", "spp:chinese")
    ]
    assert added == [1, 2, 0]


async def test_a_claimed_row_names_the_list_that_its_reader_can_leave(database: Database) -> None:
    await fill(database)
    await plan(database, make_edition(issue=ISSUE), "spp:chinese", NOW, segments=SEGMENTS)
    await depart(database, [Leave(1, "spp")], NOW, "page")
    async with open_journal(database) as journal:
        claimed = await journal.claim(Scope(ISSUE, "w", "spp:chinese"), 10, LATER)
    assert [(row.list, row.address) for row in claimed] == [("spp", "reader1@example.com")]
    async with database.read() as connection:
        left = await connection.scalar(sa.select(deliveries.c.reply).where(deliveries.c.subscriber_id == 1))
    assert left == "the person has left the list"


async def test_a_list_of_that_very_name_comes_first(database: Database) -> None:
    await fill(database)
    await fill(database, "spp:english")
    made = await plan(database, make_edition(issue=ISSUE), "spp:english", NOW, segments=SEGMENTS)
    assert made.added == 3
    assert {row[:3] for row in await planned(database)} == {("spp:english", None, None)}


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("sp", "there is no list 'sp' — did you mean spp?"),
        ("sp:chinese", "there is no list 'sp' — did you mean spp?"),
        ("spp:chinse", "there is no segment 'chinse' — did you mean chinese?"),
        ("elsewhere", "there is no list 'elsewhere' — import or add someone to it first"),
        ("spp:", "there is no segment ''"),
    ],
)
async def test_a_mistyped_name_is_told_with_the_nearest(database: Database, name: str, says: str) -> None:
    await fill(database)
    for ask in (
        plan(database, make_edition(issue=ISSUE), name, NOW, segments=SEGMENTS),
        propose(database, make_edition(issue=ISSUE), [name], NOW, segments=SEGMENTS),
        preview_plan(database, ISSUE, name, NOW, SEGMENTS),
    ):
        with pytest.raises(UsageError) as caught:
            await ask
        assert str(caught.value).startswith(says)
    assert await planned(database) == []


async def test_time_zones_are_those_of_the_segments_people(database: Database) -> None:
    await fill(database)
    assert await zones_of(database, "spp:chinese", NOW, SEGMENTS) == ["Asia/Shanghai", "Europe/Vienna"]
    due = {"Asia/Shanghai": NOW + dt.timedelta(hours=2), "": NOW}
    await plan(database, make_edition(issue=ISSUE), "spp:chinese", NOW, due_by_zone=due, segments=SEGMENTS)
    async with database.read() as connection:
        rows = sa.select(deliveries.c.address, deliveries.c.state).order_by(deliveries.c.id)
        states = [tuple(row) for row in await connection.execute(rows)]
    assert states == [("reader0@example.com", "deferred"), ("reader1@example.com", "queued")]


async def test_what_waits_for_approval_stands_whatever_becomes_of_the_segment(database: Database) -> None:
    await fill(database)
    edition = make_edition(issue=ISSUE)
    first = await propose(database, edition, ["spp:chinese"], NOW, segments=SEGMENTS)
    changed = make_segments(chinese='language == "en"')
    again = await propose(database, edition, ["spp:chinese"], NOW, segments=changed)
    assert first.seal is not None and again.seal is not None
    assert first.seal.text == again.seal.text
    assert len(await planned(database)) == 2
    fresh = await propose(database, edition, ["spp:chinese"], NOW, segments=changed, fresh=True)
    assert fresh.seal is not None and fresh.seal.text != first.seal.text
    assert [row[2:] for row in await planned(database)] == [('language == "en"', "reader2@example.com")]


async def test_a_segment_that_is_gone_is_as_it_was_planned(database: Database) -> None:
    await fill(database)
    await propose(database, make_edition(issue=ISSUE), ["spp:chinese"], NOW, segments=SEGMENTS)
    renewed = make_edition(issue=ISSUE, id="f" * 64)
    await propose(database, make_edition(issue=ISSUE), ["spp"], NOW, fresh=True)
    assert {row[0] for row in await planned(database)} == {"spp:chinese", "spp"}
    assert await count_audience(database, "spp:chinese", NOW, {}, ISSUE) == 2
    with pytest.raises(UsageError, match="there is no segment 'chinese'"):
        await plan(database, renewed, "spp:chinese", NOW)


async def test_an_approver_reads_what_the_segments_ask_for(database: Database) -> None:
    await fill(database)
    for name in ("spp:chinese", "spp"):
        await plan(database, make_edition(issue=ISSUE), name, NOW, segments=SEGMENTS)
    audience = await read_audience(database, ISSUE)
    assert (audience.planned, audience.filters) == (
        {"spp": 1, "spp:chinese": 2},
        {"spp:chinese": 'language == "zh-CN"'},
    )


async def test_joined_is_about_the_list_of_the_segment(database: Database) -> None:
    await fill(database)
    new = make_segments(new=f'joined >= "{NOW.date()}"', old=f'joined < "{NOW.date()}"')
    async with database.read() as connection:
        assert (await find_selection(connection, "spp:new", NOW, new)).of_list == "spp"
    assert [await count_audience(database, f"spp:{name}", NOW, new) for name in ("new", "old")] == [3, 0]
