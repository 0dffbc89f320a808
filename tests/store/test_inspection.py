"""Inspecting a database: what it is, without a change to it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa

from pressrun.errors import StoreError
from pressrun.store.database import connect_database, open_database
from pressrun.store.inspection import Inspection, inspect_database
from pressrun.store.migrations import REVISIONS


async def inspect(url: str) -> Inspection:
    database = connect_database(url)
    try:
        return await inspect_database(database)
    finally:
        await database.engine.dispose()


async def test_a_store_in_use_is_current(empty_database_url: str) -> None:
    async with open_database(empty_database_url):
        seen = await inspect(empty_database_url)
    assert (seen.revision, seen.is_known, seen.is_current, seen.takes_writes) == (REVISIONS[-1], True, True, True)


async def test_an_empty_database_stays_empty(empty_database_url: str) -> None:
    seen = await inspect(empty_database_url)
    assert (seen.revision, seen.is_known, seen.is_current) == (None, True, False)
    assert (await inspect(empty_database_url)).revision is None


@pytest.mark.parametrize(("revision", "is_known"), [("0001", True), ("9999", False)])
async def test_an_older_revision_is_known_and_a_newer_one_is_not(
    empty_database_url: str, revision: str, is_known: bool
) -> None:
    async with open_database(empty_database_url) as database, database.write() as connection:
        await connection.execute(sa.text("UPDATE alembic_version SET version_num = :to"), {"to": revision})
    seen = await inspect(empty_database_url)
    assert (seen.revision, seen.is_known, seen.is_current) == (revision, is_known, False)


@pytest.mark.postgres
async def test_postgresql_tells_its_clock_and_that_it_takes_no_writes(postgres_url: str) -> None:
    seen = await inspect(postgres_url)
    assert seen.clock is not None
    assert abs(seen.clock - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=1)
    assert seen.takes_writes
    database = connect_database(postgres_url)
    async with database.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        name = await connection.scalar(sa.text("SELECT current_database()"))
        await connection.execute(sa.text(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'))
    await database.engine.dispose()
    assert not (await inspect(postgres_url)).takes_writes


async def test_what_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "letter.db").write_text("Dear reader, " * 100)
    with pytest.raises(StoreError, match=r"letter\.db"):
        await inspect(f"sqlite:///{tmp_path}/letter.db")
