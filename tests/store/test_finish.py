"""The end of a send is noted once, when nothing of it is open."""

from __future__ import annotations

import asyncio
import datetime as dt

import sqlalchemy as sa

from patience import HUNG
from pressrun.delivery.outcome import State
from pressrun.store.control import cancel
from pressrun.store.database import Database
from pressrun.store.event import EventKind, read_events
from pressrun.store.finish import note_finished
from pressrun.store.planning import plan
from pressrun.store.tables import deliveries
from small_edition import NOW, addresses, fill_list, make_edition
from small_world import pipelined, prepare
from small_world import run as deliver

ISSUE = "spp/2026-02"


async def finished(database: Database) -> list[tuple[str | None, dict[str, int]]]:
    found = await read_events(database, 0, [EventKind.FINISHED])
    return [(one.event.list, dict(one.event.detail)) for one in found]


async def settle(database: Database, state: State, count: int) -> None:
    first = sa.select(deliveries.c.id).where(deliveries.c.state == State.QUEUED.value).order_by(deliveries.c.id)
    async with database.write() as connection:
        ids = (await connection.scalars(first.limit(count))).all()
        await connection.execute(sa.update(deliveries).where(deliveries.c.id.in_(ids)).values(state=state.value))


async def test_a_send_with_open_rows_is_not_finished(database: Database) -> None:
    await prepare(database, 3)
    await settle(database, State.SENT, 2)
    assert await note_finished(database, ISSUE, NOW) == 0
    assert await finished(database) == []


async def test_it_is_noted_once_with_its_rows_by_state(database: Database) -> None:
    await prepare(database, 3)
    await settle(database, State.SENT, 2)
    await settle(database, State.FAILED, 1)
    assert [await note_finished(database, ISSUE, NOW) for _ in range(2)] == [1, 0]
    assert await finished(database) == [("all", {"planned": 3, "sent": 2, "failed": 1})]


async def test_workers_that_end_together_note_it_once(database: Database) -> None:
    await prepare(database, 3)
    await settle(database, State.SENT, 3)
    async with asyncio.timeout(HUNG):
        await asyncio.gather(*(note_finished(database, ISSUE, NOW) for _ in range(4)))
    assert len(await finished(database)) == 1


async def test_each_audience_is_finished_by_itself(database: Database) -> None:
    await fill_list(database, "one", addresses(1))
    await fill_list(database, "two", addresses(1, start=5))
    await plan(database, make_edition(), "one", NOW)
    await plan(database, make_edition(), "two", NOW)
    await settle(database, State.SENT, 1)
    await note_finished(database, ISSUE, NOW)
    assert [name for name, _ in await finished(database)] == ["one"]


async def test_who_joined_later_and_was_sent_it_makes_a_second_end(database: Database) -> None:
    await prepare(database, 1)
    await settle(database, State.SENT, 1)
    await note_finished(database, ISSUE, NOW)
    await fill_list(database, "all", addresses(2))
    await plan(database, make_edition(), "all", NOW + dt.timedelta(days=1))
    assert await note_finished(database, ISSUE, NOW) == 0
    await settle(database, State.SENT, 1)
    await note_finished(database, ISSUE, NOW + dt.timedelta(days=1))
    assert await finished(database) == [("all", {"planned": 1, "sent": 1}), ("all", {"planned": 2, "sent": 2})]


async def test_whoever_delivers_notes_it(database: Database) -> None:
    await prepare(database, 4)
    async with pipelined() as relay:
        await deliver(database, relay.relay)
        await deliver(database, relay.relay)
    assert await finished(database) == [("all", {"planned": 4, "sent": 4})]


async def test_so_does_whoever_cancels_the_rest(database: Database) -> None:
    await prepare(database, 4)
    await settle(database, State.SENT, 1)
    assert await cancel(database, ISSUE, NOW) == 3
    assert await finished(database) == [("all", {"planned": 4, "sent": 1, "cancelled": 3})]
