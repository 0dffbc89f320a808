from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from pressrun.delivery.leave_link import Leave
from pressrun.store.consent import Consent, ConsentBasis, read_consents, record_consents
from pressrun.store.database import Database
from pressrun.store.departure import depart
from pressrun.store.event import EventKind
from pressrun.store.people_tables import events
from pressrun.store.subscribers import list_subscribers
from pressrun.store.tables import memberships
from small_edition import NOW, addresses, fill_list

LATER = NOW + dt.timedelta(days=1)


async def members(database: Database, list_name: str) -> list[str]:
    return [person.address async for person in list_subscribers(database, list_name)]


async def recorded(database: Database) -> list[tuple[object, ...]]:
    query = sa.select(events.c.kind, events.c.at, events.c.subscriber_id, events.c.list, events.c.detail)
    query = query.where(events.c.kind != EventKind.IMPORTED)
    async with database.read() as connection:
        return [tuple(row) for row in await connection.execute(query.order_by(events.c.id))]


async def test_each_leaves_their_own_list_and_is_told_whether_they_were_on_it(database: Database) -> None:
    await fill_list(database, "news", addresses(3))
    await fill_list(database, "other", addresses(3))
    wanted = [Leave(2, "other"), Leave(1, "news"), Leave(1, "news"), Leave(99, "news"), Leave(3, "no such list")]
    assert await depart(database, wanted, LATER, "one-click") == [True, True, True, False, False]
    assert await depart(database, wanted, LATER, "one-click") == [False] * 5
    assert await members(database, "news") == addresses(3)[1:]
    assert await members(database, "other") == [addresses(3)[0], addresses(3)[2]]


async def test_one_event_says_who_left_when_and_by_what_way(database: Database) -> None:
    await fill_list(database, "news", addresses(2))
    await depart(database, [Leave(2, "news"), Leave(2, "news"), Leave(7, "news")], LATER, "mail")
    await depart(database, [Leave(2, "news")], LATER, "page")
    assert await recorded(database) == [("left", LATER, 2, "news", {"source": "mail"})]


async def test_consent_to_the_list_ends_and_that_to_others_stays(database: Database) -> None:
    await fill_list(database, "news", addresses(1))
    await fill_list(database, "other", addresses(1))
    async with database.write() as connection:
        given = [Consent(name, ConsentBasis.WRITTEN, "a card", NOW) for name in ("news", "other")]
        await record_consents(connection, 1, given)
    await depart(database, [Leave(1, "news")], LATER, "page")
    assert {consent.list: consent.withdrawn_at for consent in await read_consents(database, 1)} == {
        "news": LATER,
        "other": None,
    }


async def test_a_pause_ends_with_the_time_on_the_list(database: Database) -> None:
    await fill_list(database, "news", addresses(1))
    async with database.write() as connection:
        await connection.execute(sa.update(memberships).values(paused_until=LATER))
    await depart(database, [Leave(1, "news")], NOW, "page")
    async with database.read() as connection:
        assert await connection.scalar(sa.select(memberships.c.paused_until)) is None


async def test_many_leave_in_one_transaction(database: Database) -> None:
    await fill_list(database, "news", addresses(1_203))
    leaves = [Leave(number, "news") for number in range(1_203, 0, -1)]
    assert await depart(database, leaves, LATER, "api") == [True] * 1_203
    assert await members(database, "news") == []
    assert len({at for _, at, *_ in await recorded(database)}) == 1


async def test_nobody_leaving_changes_nothing(database: Database) -> None:
    assert await depart(database, [], LATER, "api") == []
    assert await recorded(database) == []
