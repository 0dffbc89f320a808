"""Events: read in order, none missed, whoever commits first."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import sqlalchemy as sa

from patience import HUNG
from pressrun.store.database import Database, open_database
from pressrun.store.event import Event, EventKind, read_events, record_events, settled_event
from pressrun.store.people_tables import events
from small_edition import NOW


def left(person: int) -> Event:
    return Event(EventKind.LEFT, NOW + dt.timedelta(seconds=person), person, list="news", detail={"source": "page"})


async def record(database: Database, *happened: Event) -> None:
    async with database.write() as connection:
        await record_events(connection, happened)


async def people_after(database: Database, after: int) -> list[int | None]:
    return [one.event.subscriber_id for one in await read_events(database, after)]


async def test_events_come_back_as_they_were_recorded_in_order(database: Database) -> None:
    happened = [
        left(1),
        Event(EventKind.FINISHED, NOW, list="news", issue="spp/2026-02", detail={"sent": 7}),
        Event(EventKind.CLICKED, NOW, 3, issue="spp/2026-02", delivery_id=9),
    ]
    await record(database, *happened)
    read = await read_events(database)
    assert [one.event for one in read] == happened
    assert [one.id for one in read] == sorted(one.id for one in read)


async def test_reading_goes_on_after_an_id_in_pages_and_by_kind(database: Database) -> None:
    await record(database, left(1), Event(EventKind.JOINED, NOW, 2), left(3))
    first = await read_events(database, limit=1)
    assert await people_after(database, first[-1].id) == [2, 3]
    assert [one.event.subscriber_id for one in await read_events(database, 0, [EventKind.LEFT], 10)] == [1, 3]
    assert await people_after(database, 99) == []


async def test_an_id_is_never_given_twice_even_where_the_newest_events_were_deleted(database: Database) -> None:
    await record(database, left(1), left(2))
    cursor = (await read_events(database))[-1].id
    async with database.write() as connection:
        await connection.execute(sa.delete(events))
    await record(database, left(3))
    assert await people_after(database, cursor) == [3]


@asynccontextmanager
async def recording(database: Database, event: Event) -> AsyncIterator[asyncio.Event]:
    """A transaction that has recorded `event` and commits once it is told to."""
    has_recorded, may_commit = asyncio.Event(), asyncio.Event()

    async def act() -> None:
        async with database.write() as connection:
            await record_events(connection, [event])
            has_recorded.set()
            await may_commit.wait()

    async with asyncio.timeout(HUNG), asyncio.TaskGroup() as group:
        group.create_task(act())
        await has_recorded.wait()
        yield may_commit


@pytest.mark.postgres
@pytest.mark.parametrize("before", [[], [left(1)]])
async def test_an_event_committed_after_a_later_one_is_not_missed(postgres_url: str, before: list[Event]) -> None:
    async with open_database(postgres_url) as database:
        await record(database, *before)
        async with recording(database, left(2)) as may_commit:
            await record(database, left(3))  # a higher id, committed first
            assert [one.event for one in await read_events(database)] == before
            async with database.write() as connection:
                settled = await settled_event(connection)
            may_commit.set()
        assert await people_after(database, settled) == [2, 3]


@pytest.mark.postgres
async def test_many_who_record_at_once_are_all_read_by_one_who_reads_on(postgres_url: str) -> None:
    seen: list[int] = []
    async with open_database(postgres_url) as database, asyncio.timeout(HUNG):

        async def record_some(start: int) -> None:
            for n in range(start, start + 25):
                async with database.write() as connection:
                    await record_events(connection, [left(n)])
                    await asyncio.sleep(0)

        async def read_on() -> None:
            after = 0
            while len(seen) < 100:
                for one in await read_events(database, after, limit=7):
                    after = one.id
                    seen.append(one.event.subscriber_id or 0)
                await asyncio.sleep(0)

        async with asyncio.TaskGroup() as group:
            group.create_task(read_on())
            for start in range(0, 100, 25):
                group.create_task(record_some(start))
    assert sorted(seen) == list(range(100))


@pytest.mark.postgres
async def test_who_records_often_in_one_transaction_takes_one_lock(postgres_url: str) -> None:
    async with open_database(postgres_url) as database:
        async with database.write() as connection:
            for n in range(1, 6):
                await record_events(connection, [left(n)])
            locks = sa.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
            assert await connection.scalar(locks) == 1
            assert [one.event for one in await read_events(database)] == []
        assert await people_after(database, 0) == [1, 2, 3, 4, 5]
