"""Brings a database's tables up to date, step by step, and refuses one that is ahead of this version."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.errors import StoreError

if TYPE_CHECKING:
    from pressrun.store.database import Database

REVISIONS: Sequence[str] = ("0001", "0002", "0003", "0004", "0005")
"""Every revision in order, known without Alembic, which takes long to import; a test holds it to `versions`."""

_LOCK = 0x7072657373  # "press": what PostgreSQL's migrating processes queue by


async def migrate(database: Database) -> None:
    """Make the tables or bring them up to date; several processes may try at once. Raises `StoreError`."""
    async with database.read() as connection:
        if await _is_current(connection, database.place):
            return
    async with database.connect() as connection, _unbound(connection), database.writing(connection):
        if database.dialect == "postgresql":
            await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        if not await _is_current(connection, database.place):  # another process may have been quicker
            await connection.run_sync(_upgrade)


@asynccontextmanager
async def _unbound(connection: AsyncConnection) -> AsyncIterator[None]:
    """Let SQLite make a table anew: with foreign keys kept, dropping the old one deletes all rows that name its own."""
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = (await connection.get_raw_connection()).driver_connection  # within a transaction it would do nothing
    await driver.execute_fetchall("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        await driver.execute_fetchall("PRAGMA foreign_keys = ON")


async def read_revision(connection: AsyncConnection) -> str | None:
    """The revision that the database is at, or None before the first."""
    if not await connection.run_sync(lambda sync: sync.dialect.has_table(sync, "alembic_version")):
        return None
    revision: str | None = await connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return revision


async def _is_current(connection: AsyncConnection, place: str) -> bool:
    revision = await read_revision(connection)
    if revision is not None and revision not in REVISIONS:
        message = f"the {place} is at revision {revision}, which this version of pressrun does not know"
        raise StoreError(message, "use the newer pressrun that wrote it")
    return revision == REVISIONS[-1]


def _upgrade(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
