"""Upkeep: what is over age is closed, what was started long ago is forgotten, and nothing settled is touched."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from pressrun.delivery.outcome import State
from pressrun.store.control import cancel, pause
from pressrun.store.database import Database, open_database
from pressrun.store.delivery_log import count_states, plan, read_log
from pressrun.store.journal_sqlite import _DEFERRED, _QUEUED
from pressrun.store.tables import deliveries, sends, starts
from pressrun.store.upkeep import expire_deferred, forget_starts, read_open_issues, tidy_sqlite
from small_edition import NOW, addresses, fill_list, make_edition

ISSUE = "spp/2026-02"
EXPIRY = dt.timedelta(days=3)
LATER = NOW + EXPIRY + dt.timedelta(minutes=1)


@pytest.fixture
async def planned(database: Database) -> Database:
    """A row in each state, planned at NOW, each with a reply and a try."""
    await fill_list(database, "all", addresses(len(State)))
    await plan(database, make_edition(), "all", NOW)
    async with database.write() as connection:
        for n, state in enumerate(State):
            row = sa.update(deliveries).where(deliveries.c.address == addresses(1, n)[0])
            await connection.execute(row.values(state=state.value, attempts=1, reply="450 later"))
    return database


async def set_rows(database: Database, where: sa.ColumnElement[bool], **values: object) -> None:
    async with database.write() as connection:
        await connection.execute(sa.update(deliveries).where(where).values(**values))


IS_DEFERRED = deliveries.c.state == State.DEFERRED.value


async def test_a_deferred_row_that_is_due_and_over_age_expires_and_nothing_else_changes(planned: Database) -> None:
    before = {row.address: row async for row in read_log(planned, ISSUE)}
    assert await expire_deferred(planned, EXPIRY, LATER) == 1
    after = {row.address: row async for row in read_log(planned, ISSUE)}
    (changed,) = [address for address in before if before[address] != after[address]]
    assert before[changed].state is State.DEFERRED
    assert (after[changed].state, after[changed].reply, after[changed].updated_at) == ("expired", "450 later", LATER)
    assert await expire_deferred(planned, EXPIRY, LATER) == 0


async def test_a_row_that_waits_for_a_second_message_is_in_doubt_and_not_expired(planned: Database) -> None:
    await set_rows(planned, IS_DEFERRED, repeated=True)
    before = (await count_states(planned, ISSUE))[State.IN_DOUBT]
    assert await expire_deferred(planned, EXPIRY, LATER) == 1
    assert (await count_states(planned, ISSUE))[State.IN_DOUBT] == before + 1


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"due_at": LATER + dt.timedelta(seconds=1)}, id="not due yet"),
        pytest.param({"created_at": LATER - EXPIRY + dt.timedelta(seconds=1)}, id="not old enough"),
        pytest.param({"attempts": 0}, id="never tried"),
    ],
)
async def test_a_deferred_row_stays_that_is(planned: Database, values: dict[str, object]) -> None:
    await set_rows(planned, IS_DEFERRED, **values)
    assert await expire_deferred(planned, EXPIRY, LATER) == 0


async def test_rows_of_a_held_send_and_of_a_paused_or_cancelled_issue_stay(planned: Database) -> None:
    async with planned.write() as connection:
        await connection.execute(sa.update(sends).values(held=True))
    assert await expire_deferred(planned, EXPIRY, LATER) == 0
    async with planned.write() as connection:
        await connection.execute(sa.update(sends).values(held=False))
    await pause(planned, ISSUE, NOW)
    assert await expire_deferred(planned, EXPIRY, LATER) == 0
    await cancel(planned, ISSUE, NOW)
    assert await expire_deferred(planned, EXPIRY, LATER) == 0


async def test_many_rows_expire_in_pages(database: Database) -> None:
    await fill_list(database, "all", addresses(25))
    await plan(database, make_edition(), "all", NOW)
    await set_rows(database, sa.true(), state=State.DEFERRED.value, attempts=1)
    assert await expire_deferred(database, EXPIRY, LATER, page=10) == 25
    assert (await count_states(database, ISSUE))[State.EXPIRED] == 25


async def start(database: Database, issue: str, *days: int) -> None:
    async with database.write() as connection:
        for day in days:
            moment = NOW + dt.timedelta(days=day)
            row = {"issue": issue, "occasion": moment.isoformat(), "claimed_by": "host", "claimed_at": moment}
            await connection.execute(sa.insert(starts), row)


async def started(database: Database, issue: str) -> list[int]:
    query = sa.select(starts.c.claimed_at).where(starts.c.issue == issue).order_by(starts.c.claimed_at)
    async with database.read() as connection:
        return [(moment - NOW).days for moment in await connection.scalars(query)]


async def finish(database: Database, *issues: str) -> None:
    """Sends of `issues` to a list that nobody is on."""
    await fill_list(database, "none", ())
    for issue in issues:
        await plan(database, make_edition(issue=issue, id=issue.encode().hex()), "none", NOW)


async def test_old_starts_are_forgotten_but_for_the_first_and_the_last_of_each_issue(database: Database) -> None:
    await finish(database, "spp/old", "spp/once", "spp/new")
    await start(database, "spp/old", 0, 1, 2, 3)
    await start(database, "spp/once", 0)
    await start(database, "spp/new", 0, 8, 9, 10)
    assert await forget_starts(database, NOW + dt.timedelta(days=9)) == 3
    assert await started(database, "spp/old") == [0, 3]
    assert await started(database, "spp/once") == [0]
    assert await started(database, "spp/new") == [0, 9, 10]


async def test_starts_of_an_issue_of_which_nothing_was_planned_stay(database: Database) -> None:
    await start(database, "spp/failed", 0, 1, 2)
    assert await forget_starts(database, NOW + dt.timedelta(days=9)) == 0


@pytest.mark.parametrize("state", [State.QUEUED, State.DEFERRED, State.SENDING, State.DOT])
async def test_starts_of_an_issue_that_is_not_finished_stay(planned: Database, state: State) -> None:
    await set_rows(planned, deliveries.c.state != state.value, state=State.SENT.value)
    await start(planned, ISSUE, 0, 1, 2)
    assert await read_open_issues(planned) == {ISSUE}
    assert await forget_starts(planned, NOW + dt.timedelta(days=9)) == 0
    await set_rows(planned, sa.true(), state=State.SENT.value)
    assert await read_open_issues(planned) == set()
    assert await forget_starts(planned, NOW + dt.timedelta(days=9)) == 1


@pytest.fixture
async def on_sqlite(tmp_path: Path) -> AsyncIterator[Database]:
    """An SQLite store with 300 rows, nearly all of them sent."""
    async with open_database(f"sqlite:///{tmp_path}/pressrun.db") as database:
        await fill_list(database, "all", addresses(300))
        await plan(database, make_edition(), "all", NOW)
        await set_rows(database, deliveries.c.id > 6, state=State.SENT.value)
        await set_rows(database, deliveries.c.id < 4, state=State.DEFERRED.value, attempts=1)
        yield database


@pytest.mark.parametrize(("query", "index"), [(_QUEUED, "ix_deliveries_queued"), (_DEFERRED, "ix_deliveries_deferred")])
async def test_with_what_sqlite_learns_of_its_tables_claims_still_go_by_their_index(
    on_sqlite: Database, query: str, index: str
) -> None:
    values = {"send": 1, "limit": 500, "now": "2026-02-20 09:00:00.000000", "expired": "2026-02-17 09:00:00.000000"}
    await tidy_sqlite(on_sqlite)
    async with on_sqlite.write() as connection:
        await connection.exec_driver_sql("ANALYZE")  # more than `optimize` ever does
    with closing(sqlite3.connect(on_sqlite.path)) as fresh:
        steps = [row[3] for row in fresh.execute(f"EXPLAIN QUERY PLAN {query}", values)]
        assert fresh.execute("SELECT count(*) FROM sqlite_stat1").fetchone() != (0,)
    assert any(step.startswith("SEARCH d ") and index in step for step in steps), steps


async def test_tidying_writes_sqlites_log_back(on_sqlite: Database) -> None:
    await tidy_sqlite(on_sqlite)
    with closing(sqlite3.connect(on_sqlite.path)) as fresh:
        _, pages, written = fresh.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    assert pages == written
    assert await read_open_issues(on_sqlite) == {ISSUE}


async def test_where_others_keep_writing_tidying_is_left_for_the_next_time(on_sqlite: Database) -> None:
    async with on_sqlite.connect() as connection:
        await connection.exec_driver_sql("PRAGMA busy_timeout = 0")
    with closing(sqlite3.connect(on_sqlite.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        await tidy_sqlite(on_sqlite)
        other.execute("ROLLBACK")
    assert await read_open_issues(on_sqlite) == {ISSUE}
