import datetime as dt

import pytest
import sqlalchemy as sa

from pressrun.delivery.outcome import State
from pressrun.store.database import Database
from pressrun.store.delivery_log import plan
from pressrun.store.event import Event, EventKind
from pressrun.store.inbox import (
    HARD_CODES,
    Suppressing,
    count_returned,
    find_row,
    forget_letters,
    note_letter,
    suppress_refused,
    was_read,
)
from pressrun.store.people_tables import events
from pressrun.store.tables import deliveries, suppressions
from small_edition import NOW, addresses, fill_list, make_edition

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
    row = await find_row(planned, row_id=1)
    assert row is not None
    happened = Event(EventKind.BOUNCED, NOW, row.subscriber_id, row.list, row.issue, row.id)
    for is_new in (True, False):
        told = await note_letter(
            planned, "a", "bounce", NOW,
            happened=happened, suppressing=Suppressing("gone"), address_key=row.address_key,
        )  # fmt: skip
        assert told is is_new
    assert await was_read(planned, "a")
    assert not await was_read(planned, "b")
    assert await count_returned(planned, row.issue or "") == {"bounced": 1}
    assert await forget_letters(planned, NOW + A_DAY) == 1
    assert not await was_read(planned, "a")


async def test_a_row_is_found_by_its_id_or_by_its_person_and_message_else_only_the_person(planned: Database) -> None:
    row = await find_row(planned, row_id=2)
    assert row is not None
    async with planned.read() as connection:
        message_id = str(await connection.scalar(sa.select(deliveries.c.message_id).where(deliveries.c.id == 2)))
    person = row.subscriber_id
    assert await find_row(planned, subscriber_id=person, message_id=message_id) == row
    other = await find_row(planned, subscriber_id=person, message_id="<other@example.com>")
    assert other is not None
    assert (other.id, other.address_key) == (None, row.address_key)
    assert await find_row(planned, row_id=10_000) is None
    assert await find_row(planned, subscriber_id=10_000, message_id=message_id) is None
