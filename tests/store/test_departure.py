from __future__ import annotations

import datetime as dt
from itertools import pairwise

import pytest
import sqlalchemy as sa

from pressrun.address import parse_address
from pressrun.delivery.leave_link import Leave
from pressrun.store.consent import Consent, ConsentBasis, read_consents, record_consents
from pressrun.store.database import Database
from pressrun.store.departure import depart
from pressrun.store.event import EventKind
from pressrun.store.move import move_subscriber
from pressrun.store.people_tables import events
from pressrun.store.preference import join_lists
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


async def moved(database: Database, *names: str) -> None:
    """Let the first person of the list go from list to list."""
    await fill_list(database, names[0], addresses(1))
    for whence, whither in pairwise(names):
        await move_subscriber(database, parse_address(addresses(1)[0]), whence, whither, NOW)


@pytest.mark.parametrize("names", [("news", "digest"), ("news", "digest", "weekly")])
@pytest.mark.parametrize("source", ["one-click", "page", "mail", "complaint"])
async def test_a_link_of_a_list_they_were_moved_from_leaves_the_one_they_were_moved_to(
    database: Database, names: tuple[str, ...], source: str
) -> None:
    await moved(database, *names)
    async with database.write() as connection:
        await connection.execute(sa.delete(events))  # retention did: consents stay
    assert await depart(database, [Leave(1, "news")], LATER, source) == [True]
    assert await members(database, names[-1]) == []
    detail = {"source": source, "moved_from": "news"}
    assert await recorded(database) == [("left", LATER, 1, names[-1], detail)]
    assert all(consent.withdrawn_at for consent in await read_consents(database, 1))
    assert await depart(database, [Leave(1, "news")], LATER, source) == [False]


@pytest.mark.parametrize("source", ["api", "command line"])
async def test_whoever_names_a_list_means_that_one(database: Database, source: str) -> None:
    await moved(database, "news", "digest")
    assert await depart(database, [Leave(1, "news")], LATER, source) == [False]
    assert await members(database, "digest") == addresses(1)


async def test_who_came_back_by_themselves_is_not_taken_away_by_a_link_from_before(database: Database) -> None:
    await moved(database, "news", "digest")
    await depart(database, [Leave(1, "digest")], LATER, "page")
    await join_lists(database, 1, [Consent("digest", ConsentBasis.SINGLE_OPT_IN, "preferences", LATER)], LATER)
    assert await depart(database, [Leave(1, "news")], LATER, "page") == [False]
    assert await members(database, "digest") == addresses(1)


async def test_who_is_on_the_list_again_leaves_it_alone(database: Database) -> None:
    await moved(database, "news", "digest")
    await join_lists(database, 1, [Consent("news", ConsentBasis.SINGLE_OPT_IN, "preferences", LATER)], LATER)
    assert await depart(database, [Leave(1, "news")], LATER, "page") == [True]
    assert (await members(database, "news"), await members(database, "digest")) == ([], addresses(1))


async def test_two_lists_that_became_one_are_left_with_either_link(database: Database) -> None:
    await moved(database, "news", "digest", "weekly")
    links = [Leave(1, "digest"), Leave(1, "news"), Leave(2, "news")]
    assert await depart(database, links, LATER, "page") == [True, True, False]
    assert len([kind for kind, at, *_ in await recorded(database) if (kind, at) == ("left", LATER)]) == 1


async def test_a_proof_that_says_something_else_of_moving_leads_nowhere(database: Database) -> None:
    await fill_list(database, "digest", addresses(1))
    async with database.write() as connection:
        for said in ("house", [7, "news"], [{"to": "news"}], {"from": "news"}, None):
            given = Consent("digest", ConsentBasis.WRITTEN, "a program", NOW, proof={"moved": said})
            await record_consents(connection, 1, [given])
    assert await depart(database, [Leave(1, "news")], LATER, "page") == [False]


async def test_nothing_more_is_asked_where_everybody_is_on_their_list(database: Database) -> None:
    await moved(database, "news", "digest")
    said: list[str] = []

    def note(*arguments: object) -> None:
        said.append(str(arguments[2]))

    sa.event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    await depart(database, [Leave(1, "digest")], LATER, "page")
    sa.event.remove(database.engine.sync_engine, "before_cursor_execute", note)
    assert said and not [one for one in said if one.startswith("SELECT") and "consents" in one]
