"""A store that fails while messages are under way: no dot without a mark, and a second run finishes."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path

import asyncpg
import pytest
import sqlalchemy as sa

from faulty_relay import Accepted, FaultyRelay
from pressrun.delivery.outcome import State
from pressrun.errors import StoreError
from pressrun.store import database as database_module
from pressrun.store.database import Database, open_database
from small_edition import NOW, addresses
from small_world import POLICY, World, log, pipelined, prepare, run, states

ROWS = 60
FAILS = {
    "marks": "NEW.state = 'dot' AND {late}",
    "outcomes": "NEW.state = 'sent' AND {late}",
    "everything": "{late}",
}
LATE = "(SELECT count(*) FROM deliveries WHERE state = 'sent') >= 10"


async def break_store(database: Database, what: str) -> None:
    """From the tenth row sent on, let the store refuse."""
    condition = FAILS[what].format(late=LATE)
    statements = [
        f"CREATE TRIGGER broken BEFORE UPDATE ON deliveries WHEN {condition} "
        "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
    ]
    if database.dialect == "postgresql":
        statements = [
            f"CREATE FUNCTION break() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {condition} THEN "
            "RAISE EXCEPTION 'could not extend file: no space left on device' USING ERRCODE = '53100'; "
            "END IF; RETURN NEW; END $$",
            "CREATE TRIGGER broken BEFORE UPDATE ON deliveries FOR EACH ROW EXECUTE FUNCTION break()",
        ]
    async with database.write() as connection:
        for statement in statements:
            await connection.execute(sa.text(statement))


async def mend_store(database: Database) -> None:
    async with database.write() as connection:
        on = " ON deliveries" if database.dialect == "postgresql" else ""
        await connection.execute(sa.text(f"DROP TRIGGER broken{on}"))


async def require_true_rows(database: Database, relay: FaultyRelay) -> None:
    """After a second run, and once the first one's lease is over: each has a message, or is in doubt."""
    await run(database, relay.relay, world=World(NOW + POLICY.lease + dt.timedelta(minutes=2)))
    assert set(await states(database)) <= {"sent", "in_doubt"}
    assert max(relay.counts.values()) == 1
    for row in await log(database):
        assert row.state is State.IN_DOUBT or relay.counts[row.address] == 1
    assert (await states(database)).get("in_doubt", 0) <= POLICY.connections


@pytest.mark.parametrize("what", FAILS)
async def test_a_store_that_refuses_ends_the_run_with_its_own_error(database: Database, what: str) -> None:
    await prepare(database, ROWS)
    await break_store(database, what)
    async with pipelined() as relay:
        with pytest.raises(StoreError, match=r"full|no space"):
            await run(database, relay.relay)
        taken = len(relay.accepted)
        assert 10 <= taken <= 10 + 2 * POLICY.connections
        rows = {row.address: row.state for row in await log(database)}
        for address in relay.counts:
            assert rows[address] in (State.SENT, State.DOT, State.IN_DOUBT)  # nothing left without a mark
        await mend_store(database)
        await require_true_rows(database, relay)


async def test_a_disk_that_is_full_ends_the_run_and_a_second_one_finishes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/pressrun.db"
    async with open_database(url) as database:
        await prepare(database, 600)
    async with pipelined() as relay:
        with monkeypatch.context() as patched:
            # Below what there is, this allows what there is and no page more.
            patched.setattr(database_module, "_PRAGMAS", (*database_module._PRAGMAS, "max_page_count = 1"))
            async with open_database(url) as database:
                with pytest.raises(StoreError, match="full"):
                    await run(database, relay.relay)
        assert len(relay.accepted) < 600
        async with open_database(url) as database:
            await require_true_rows(database, relay)
    assert set(relay.counts) <= set(addresses(600))


async def test_a_file_that_another_program_locks_is_waited_for_and_then_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pressrun.store.database.BUSY_SECONDS", 0.1)
    monkeypatch.setattr("pressrun.store.journal_sqlite.BUSY_SECONDS", 0.1)
    monkeypatch.setattr(database_module, "_PRAGMAS", ("busy_timeout = 100", *database_module._PRAGMAS[1:]))
    async with open_database(f"sqlite:///{tmp_path}/pressrun.db") as database, pipelined() as relay:
        await prepare(database, ROWS)
        other = database_module.sqlite3.connect(database.path, isolation_level=None)
        keep = relay.keep

        def lock_at_ten(accepted: Accepted) -> None:
            keep(accepted)
            if len(relay.accepted) == 10:
                other.execute("PRAGMA busy_timeout = 2000")
                other.execute("BEGIN IMMEDIATE")

        relay.keep = lock_at_ten  # type: ignore[method-assign]
        with pytest.raises(StoreError, match="busy"):
            await run(database, relay.relay)
        other.execute("ROLLBACK")
        other.close()
        await require_true_rows(database, relay)


@pytest.mark.postgres
async def test_a_server_that_ends_every_connection_ends_the_run(postgres_url: str) -> None:
    async with open_database(postgres_url) as database, pipelined() as relay:
        await prepare(database, ROWS)
        operator = await asyncpg.connect(postgres_url)
        keep, reached = relay.keep, asyncio.Event()

        def note(accepted: Accepted) -> None:
            keep(accepted)
            if len(relay.accepted) == 10:
                reached.set()

        async def end_connections() -> None:
            await reached.wait()
            await operator.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

        relay.keep = note  # type: ignore[method-assign]
        ending = asyncio.create_task(end_connections())
        with pytest.raises(StoreError):
            await run(database, relay.relay)
        await ending
        await operator.close()
        assert len(relay.accepted) < ROWS
        await require_true_rows(database, relay)
