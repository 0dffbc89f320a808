"""The migrations make what `tables.py` says, once, whoever comes first."""

from __future__ import annotations

import asyncio
import datetime as dt
import multiprocessing
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from pressrun.errors import StoreError
from pressrun.store import migrations
from pressrun.store.database import Database, connect_database, open_database
from pressrun.store.migrations import REVISIONS, migrate, read_revision
from pressrun.store.people_tables import metadata
from pressrun.store.tables import UtcDateTime

SPAWN = multiprocessing.get_context("spawn")


async def test_migrations_and_tables_agree(database: Database) -> None:
    def compare(connection: sa.Connection) -> list[Any]:
        # Alembic takes SQLite's own '' for another default than the tables'; the next test compares those.
        options = {"compare_type": True, "compare_server_default": connection.dialect.name != "sqlite"}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))

    async with database.connect() as connection:
        assert await connection.run_sync(compare) == []


async def test_sqlite_gets_the_very_tables_with_their_keys_and_names(tmp_path: Path) -> None:
    def describe(connection: sa.Connection) -> dict[str, Any]:
        inspector = sa.inspect(connection)
        return {
            name: (
                inspector.get_pk_constraint(name),
                sorted(inspector.get_foreign_keys(name), key=str),
                sorted(inspector.get_unique_constraints(name), key=str),
                sorted(
                    (
                        index["name"],
                        index["column_names"],
                        index["unique"],
                        str(index["dialect_options"].get("sqlite_where")),
                    )
                    for index in inspector.get_indexes(name)
                ),
                [
                    (column["name"], str(column["type"]), column["nullable"], column["default"])
                    for column in inspector.get_columns(name)
                ],
            )
            for name in inspector.get_table_names()
            if name != "alembic_version"
        }

    async with open_database(f"sqlite:///{tmp_path}/migrated.db") as database, database.connect() as connection:
        migrated = await connection.run_sync(describe)
    created = connect_database(f"sqlite:///{tmp_path}/created.db")
    async with created.write() as connection:
        await connection.run_sync(metadata.create_all)
        assert await connection.run_sync(describe) == migrated
    await created.engine.dispose()


def test_the_known_revisions_are_the_files_in_order() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    script = ScriptDirectory.from_config(config)
    assert [revision.revision for revision in script.walk_revisions()][::-1] == list(REVISIONS)


async def test_migrating_again_changes_nothing(database: Database) -> None:
    await migrate(database)
    async with database.read() as connection:
        assert await read_revision(connection) == REVISIONS[-1]


@pytest.mark.parametrize("revision", ["9999", ""])
async def test_a_database_from_a_newer_version_is_refused(empty_database_url: str, revision: str) -> None:
    async with open_database(empty_database_url) as database, database.write() as connection:
        await connection.execute(sa.text("UPDATE alembic_version SET version_num = :v"), {"v": revision})
    with pytest.raises(StoreError, match="does not know — use the newer pressrun"):
        async with open_database(empty_database_url):
            pass


async def test_a_failed_migration_leaves_nothing_behind(empty_database_url: str) -> None:
    database = connect_database(empty_database_url)
    async with database.write() as connection:
        await connection.execute(sa.text("CREATE TABLE deliveries (id INTEGER)"))
    with pytest.raises(sa.exc.DBAPIError):
        await migrate(database)
    async with database.read() as connection:
        assert await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names()) == ["deliveries"]
    await database.engine.dispose()


def _open(url: str, barrier: Any) -> None:
    async def run() -> None:
        async with open_database(url) as database, database.read() as connection:
            assert await read_revision(connection) == REVISIONS[-1]

    barrier.wait(60)
    asyncio.run(run())


async def test_processes_that_open_a_fresh_database_at_once_all_succeed(empty_database_url: str) -> None:
    barrier = SPAWN.Barrier(4)
    processes = [SPAWN.Process(target=_open, args=(empty_database_url, barrier)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        await asyncio.to_thread(process.join)
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]


async def test_a_database_that_is_up_to_date_is_opened_without_alembic(empty_database_url: str) -> None:
    async with open_database(empty_database_url):
        pass
    program = """
import asyncio, sys
from pressrun.store.database import open_database
async def run():
    async with open_database(sys.argv[1]):
        print("alembic" in sys.modules)
asyncio.run(run())
"""
    words = [sys.executable, "-c", program, empty_database_url]
    done = await asyncio.to_thread(subprocess.run, words, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


async def test_a_table_that_is_made_anew_keeps_its_rows_and_those_that_name_them(empty_database_url: str) -> None:
    """0005 makes SQLite's table of subscribers anew; its foreign keys hold before and after."""
    database = connect_database(empty_database_url)
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))

    def begin(connection: sa.Connection) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")

    now = dt.datetime(2026, 2, 20, 9, tzinfo=dt.UTC)
    async with database.write() as connection:
        await connection.run_sync(begin)
        for text in (
            "INSERT INTO lists (id, name, created_at) VALUES (1, 'all', :now)",
            "INSERT INTO subscribers (id, address, address_key, name, attributes, created_at, updated_at)"
            " VALUES (7, 'Ann@example.com', 'ann@example.com', 'Ann', '{\"city\":\"Leeds\"}', :now, :now)",
            "INSERT INTO memberships (list_id, subscriber_id, joined_at) VALUES (1, 7, :now)",
        ):
            await connection.execute(sa.text(text).bindparams(sa.bindparam("now", now, UtcDateTime)))
    await migrate(database)
    async with database.write() as connection:
        joined = "SELECT s.id, s.name FROM subscribers AS s JOIN memberships AS m ON m.subscriber_id = s.id"
        assert (await connection.execute(sa.text(joined))).all() == [(7, "Ann")]
        await connection.execute(sa.text("DELETE FROM subscribers"))
        assert (await connection.execute(sa.text("SELECT subscriber_id FROM memberships"))).all() == []
    await database.engine.dispose()
