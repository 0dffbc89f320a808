import datetime as dt

import pytest
import sqlalchemy as sa

from pressrun.address import parse_address
from pressrun.delivery.outcome import State
from pressrun.store.database import Database
from pressrun.store.delivery_log import plan
from pressrun.store.event import Event, EventKind
from pressrun.store.forget import forget
from pressrun.store.inbox import (
    HARD_CODES,
    Mailed,
    Row,
    Suppressing,
    count_returned,
    find_row,
    find_row_of,
    forget_letters,
    key_to_suppress,
    note_letter,
    suppress_refused,
    was_read,
)
from pressrun.store.move import change_address
from pressrun.store.people_tables import events
from pressrun.store.scrub import scrubbed_key
from pressrun.store.suppression import lift_suppression
from pressrun.store.tables import deliveries, subscribers, suppressions
from small_edition import KEY, NOW, addresses, fill_list, make_edition

A_DAY = dt.timedelta(days=1)


@pytest.fixture
async def planned(database: Database) -> Database:
    """One issue, planned for five people."""
    await fill_list(database, "all", addresses(5))
    await plan(database, make_edition(), "all", NOW)
    return database


async def settle(database: Database, number: int, state: State, enhanced: str | None) -> None:
    row = sa.update(deliveries).where(deliveries.c.address == addresses(5)[number])
    async with database.write() as connection:
        await connection.execute(row.values(state=state.value, enhanced=enhanced, updated_at=NOW))


async def read(database: Database, query: sa.Select[tuple[str]]) -> list[str]:
    async with database.read() as connection:
        return list(await connection.scalars(query))


async def test_addresses_that_a_relay_says_nobody_has_are_suppressed_and_no_others(planned: Database) -> None:
    await settle(planned, 0, State.FAILED, "5.1.1")
    await settle(planned, 1, State.FAILED, "5.7.1")
    await settle(planned, 2, State.FAILED, None)
    await settle(planned, 3, State.DEFERRED, "5.1.1")
    assert await suppress_refused(planned, NOW, NOW - A_DAY) == 1
    assert await suppress_refused(planned, NOW, NOW - A_DAY) == 0
    assert await read(planned, sa.select(suppressions.c.address_key)) == addresses(1)
    happened = sa.select(events.c.kind).where(events.c.subscriber_id.is_not(None)).order_by(events.c.id)
    assert await read(planned, happened) == ["bounced", "suppressed"]


async def test_refusals_of_long_ago_are_not_looked_at_again(planned: Database) -> None:
    await settle(planned, 0, State.FAILED, HARD_CODES[0])
    assert await suppress_refused(planned, NOW, NOW + A_DAY) == 0


async def test_a_letter_is_noted_once_with_what_it_did(planned: Database) -> None:
    row = await find_row(planned, 1)
    assert row is not None
    happened = Event(EventKind.BOUNCED, NOW, row.subscriber_id, row.list, row.issue, row.id)
    for is_new in (True, False):
        told = await note_letter(planned, "a", "bounce", NOW, happened=happened, suppressing=Suppressing("gone"))
        assert told is is_new
    assert await was_read(planned, "a")
    assert not await was_read(planned, "b")
    assert await count_returned(planned, row.issue or "") == {"bounced": 1}
    assert await forget_letters(planned, NOW + A_DAY) == 1
    assert not await was_read(planned, "a")


async def test_a_row_is_found_by_its_id_or_by_its_person_and_message_else_only_the_person(planned: Database) -> None:
    row = await find_row(planned, 2)
    assert row is not None
    async with planned.read() as connection:
        message_id = str(await connection.scalar(sa.select(deliveries.c.message_id).where(deliveries.c.id == 2)))
    person = row.subscriber_id
    assert await find_row_of(planned, KEY, person, message_id) == row
    assert await find_row_of(planned, KEY, person, "<other@example.com>") == Row(None, person)
    assert await find_row(planned, 10_000) is None
    assert await find_row_of(planned, KEY, 10_000, message_id) is None


async def test_an_address_that_was_corrected_stays_and_the_wrong_one_is_suppressed(planned: Database) -> None:
    wrong, right = parse_address(addresses(5)[0]), parse_address("right@example.net")
    await settle(planned, 0, State.FAILED, "5.1.1")
    await change_address(planned, KEY, wrong, right, NOW)
    assert await suppress_refused(planned, NOW, NOW - A_DAY) == 1
    assert await suppress_refused(planned, NOW, NOW - A_DAY) == 0
    assert await read(planned, sa.select(suppressions.c.address_key)) == [wrong.key]
    happened = sa.select(events.c.kind).where(events.c.subscriber_id.is_not(None)).order_by(events.c.id)
    assert await read(planned, happened) == ["changed", "bounced"]


async def test_an_address_that_was_corrected_after_the_wrong_one_was_suppressed_stays_too(planned: Database) -> None:
    wrong, right = parse_address(addresses(5)[0]), parse_address("right@example.net")
    await settle(planned, 0, State.FAILED, "5.1.1")
    assert await suppress_refused(planned, NOW, NOW - A_DAY) == 1
    await change_address(planned, KEY, wrong, right, NOW)
    assert await suppress_refused(planned, NOW, NOW - A_DAY) == 0
    assert await read(planned, sa.select(suppressions.c.address_key)) == [wrong.key]


async def test_a_refusal_counts_once_and_again_only_where_the_relay_refused_anew(planned: Database) -> None:
    address = parse_address(addresses(5)[0])
    await settle(planned, 0, State.FAILED, "5.1.1")
    assert await suppress_refused(planned, NOW, NOW - A_DAY) == 1
    await lift_suppression(planned, address, "their server was mended", "olga", NOW)
    assert await suppress_refused(planned, NOW, NOW - A_DAY) == 0
    async with planned.write() as connection:
        await connection.execute(sa.update(deliveries).values(updated_at=NOW + A_DAY))
    assert await suppress_refused(planned, NOW + A_DAY, NOW - A_DAY) == 1


async def test_who_was_forgotten_is_not_written_down_again_for_a_refusal(planned: Database) -> None:
    for number in (0, 1):
        await settle(planned, number, State.FAILED, "5.1.1")
    await forget(planned, KEY, parse_address(addresses(5)[0]), NOW)
    async with planned.write() as connection:  # a row that the store does not know to be theirs
        await connection.execute(sa.delete(subscribers).where(subscribers.c.address == addresses(5)[1]))
    assert await suppress_refused(planned, NOW, NOW - A_DAY) == 0
    assert await read(planned, sa.select(suppressions.c.address_key)) == []
    assert await read(planned, sa.select(events.c.kind).where(events.c.kind == "bounced")) == []


async def test_a_refusal_whose_address_was_taken_out_of_the_log_suppresses_nobody(planned: Database) -> None:
    await settle(planned, 0, State.FAILED, "5.1.1")
    async with planned.write() as connection:
        first = sa.update(deliveries).where(deliveries.c.address == addresses(5)[0])
        await connection.execute(first.values(address="", address_key=scrubbed_key(KEY, addresses(5)[0])))
    assert await suppress_refused(planned, NOW, NOW - A_DAY) == 0
    assert await read(planned, sa.select(suppressions.c.address_key)) == []


async def test_who_is_forgotten_while_their_letter_is_read_is_not_written_down_again(planned: Database) -> None:
    row = await find_row(planned, 1)
    assert row is not None
    await forget(planned, KEY, parse_address(addresses(5)[0]), NOW)
    happened = Event(EventKind.BOUNCED, NOW, row.subscriber_id, row.list, row.issue, row.id, {"text": addresses(5)[0]})
    assert await note_letter(planned, "a", "bounce", NOW, happened=happened, suppressing=Suppressing("gone"))
    assert await was_read(planned, "a")
    assert await read(planned, sa.select(suppressions.c.address_key)) == []
    assert await read(planned, sa.select(events.c.kind)) == ["imported", "forgotten"]


def test_what_came_back_speaks_against_the_address_that_was_mailed() -> None:
    old, new = "Ann@old.example.com", parse_address("Ann@new.example.com")
    for kind in (EventKind.BOUNCED, EventKind.COMPLAINED):
        assert key_to_suppress(kind, Mailed(old, new.address, new.key)) == old.lower()
        assert key_to_suppress(kind, Mailed(new.address, new.address, new.key)) == new.key
        assert key_to_suppress(kind, Mailed("ann @odd", "ann @odd", "key")) == "key"  # as an earlier version took it
        assert key_to_suppress(kind, Mailed("ann @odd", new.address, new.key)) == "ann @odd"
    assert key_to_suppress(EventKind.COMPLAINED, Mailed("", new.address, new.key)) == new.key
    assert key_to_suppress(EventKind.BOUNCED, Mailed("", new.address, new.key)) is None
