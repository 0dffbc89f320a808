"""Counted links in the store: kept once, added up by day and agent, people's own only where they agree."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from pressrun.agent import SOONEST, Agent
from pressrun.delivery.outcome import State
from pressrun.store.database import Database
from pressrun.store.event import EventKind, NumberedEvent, read_events
from pressrun.store.link import Hit, Link, LinkCount, count_hits, find_link, keep_links, read_link_counts
from pressrun.store.people_tables import link_counts, links
from pressrun.store.planning import plan
from pressrun.store.tables import deliveries, subscribers
from pressrun.tracking import LinkKind, link_id
from small_edition import NOW, addresses, fill_list, make_edition

ISSUE = "spp/2026-02"
URL, OTHER = "https://example.org/report", "https://example.org/other"
EDITION = make_edition(clicks="person", opens="person", links=(URL, OTHER))
READ = NOW + dt.timedelta(minutes=3)


async def link(database: Database, url: str = URL) -> Link:
    kind = LinkKind.CLICK if url else LinkKind.OPEN
    found = await find_link(database, link_id(ISSUE, kind, url))
    assert found is not None
    return found


async def prepare(database: Database, *trackings: str | None) -> None:
    """Plan the edition for so many people with this attribute `tracking`, and say that it was sent."""
    await fill_list(database, "all", addresses(len(trackings)))
    await plan(database, EDITION, "all", NOW)
    async with database.write() as connection:
        await connection.execute(sa.update(deliveries).values(state=State.SENT.value, updated_at=NOW))
        for n, tracking in enumerate(trackings, start=1):
            attributes = {} if tracking is None else {"tracking": tracking}
            await connection.execute(sa.update(subscribers).where(subscribers.c.id == n).values(attributes=attributes))


async def by_name(database: Database) -> list[NumberedEvent]:
    """What was counted of people."""
    return await read_events(database, 0, [EventKind.CLICKED, EventKind.OPENED])


async def test_planning_keeps_where_links_lead_once(database: Database) -> None:
    await prepare(database)
    await plan(database, EDITION, "all", NOW)
    assert await link(database) == Link(link_id(ISSUE, LinkKind.CLICK, URL), ISSUE, LinkKind.CLICK, URL)
    assert (await link(database, "")).kind is LinkKind.OPEN
    async with database.read() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(links)) == 3
    assert await find_link(database, 1) is None


async def test_an_edition_that_counts_nothing_keeps_no_links(database: Database) -> None:
    async with database.write() as connection:
        await keep_links(connection, make_edition(), NOW)
        assert await connection.scalar(sa.select(sa.func.count()).select_from(links)) == 0


async def test_hits_are_added_up_by_link_day_and_agent(database: Database) -> None:
    await prepare(database, None)
    there = await link(database)
    morning, evening, next_day = (READ.replace(hour=10), READ.replace(hour=23), READ + dt.timedelta(days=1))
    await count_hits(database, [Hit(there, at, Agent.READER) for at in (morning, evening, next_day)])
    await count_hits(database, [Hit(there, morning, Agent.READER), Hit(there, morning, Agent.SCANNER)])
    async with database.read() as connection:
        rows = await connection.execute(sa.select(link_counts).order_by(link_counts.c.day, link_counts.c.agent))
        assert [(row.day - NOW.date(), row.agent, row.count) for row in rows] == [
            (dt.timedelta(0), "reader", 3),
            (dt.timedelta(0), "scanner", 1),
            (dt.timedelta(1), "reader", 1),
        ]
    assert await by_name(database) == []


async def test_by_name_only_who_agrees_is_counted_and_only_in_their_own_issue(database: Database) -> None:
    await prepare(database, "yes", "no", None)
    there = await link(database)
    elsewhere = Link(there.id, "spp/2026-01", there.kind, there.url)
    hits = [Hit(there, READ, Agent.READER, delivery) for delivery in (1, 2, 3, 99)]
    await count_hits(database, [*hits, Hit(elsewhere, READ, Agent.READER, 1)])
    (one,) = await by_name(database)
    assert (one.event.kind, one.event.subscriber_id, one.event.delivery_id) == (EventKind.CLICKED, 1, 1)
    assert one.event.detail == {"url": URL}
    counts = {found.url: found for found in await read_link_counts(database, ISSUE)}
    assert counts[URL] == LinkCount(LinkKind.CLICK, URL, {Agent.READER: 5}, 1)


async def test_who_no_longer_agrees_is_not_counted_by_name_in_mail_sent_before(database: Database) -> None:
    await prepare(database, "yes")
    async with database.write() as connection:
        await connection.execute(sa.update(subscribers).values(attributes={"tracking": "no"}))
    await count_hits(database, [Hit(await link(database), READ, Agent.READER, 1)])
    assert await by_name(database) == []


async def test_programs_and_what_comes_too_soon_are_counted_apart_and_never_by_name(database: Database) -> None:
    await prepare(database, "yes")
    there = await link(database, "")
    soon = NOW + SOONEST - dt.timedelta(seconds=1)
    hits = [Hit(there, soon, Agent.READER, 1), Hit(there, READ, Agent.PREFETCH, 1), Hit(there, READ, Agent.UNKNOWN, 1)]
    await count_hits(database, hits)
    assert await by_name(database) == []
    (opens, *_) = await read_link_counts(database, ISSUE)
    assert opens.counts == {Agent.SCANNER: 1, Agent.PREFETCH: 1, Agent.UNKNOWN: 1}
    assert opens.by_readers == 0
    await count_hits(database, [Hit(there, NOW + SOONEST, Agent.READER, 1)])
    assert [one.event.kind for one in await by_name(database)] == [EventKind.OPENED]


async def test_counts_are_told_opens_first_then_the_most_followed(database: Database) -> None:
    await prepare(database, "yes", "yes")
    first, second = await link(database), await link(database, OTHER)
    await count_hits(database, [Hit(second, READ, Agent.READER, n) for n in (1, 1, 2)])
    await count_hits(database, [Hit(first, READ, Agent.READER)])
    assert [(one.url, one.by_readers, one.people) for one in await read_link_counts(database, ISSUE)] == [
        ("", 0, 0),
        (OTHER, 3, 2),
        (URL, 1, 0),
    ]
    assert await read_link_counts(database, "spp/none") == []
