"""Stores full of readers: filled once, inside the database, and copied for each contender."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

import asyncpg
import sqlalchemy as sa

from benchmarks.edition import LIST, NOW
from pressrun.store.database import Database, open_database
from pressrun.store.tables import UtcDateTime, lists, memberships, subscribers

POSTGRES_URL = os.environ.get("PRESSRUN_TEST_POSTGRES_URL", "postgresql://root@127.0.0.1:5432/test")
_FILE = "pressrun.db"


class Kind(StrEnum):
    """The two kinds of store, as people call them."""

    SQLITE = "SQLite"
    POSTGRES = "PostgreSQL"


@dataclass(frozen=True)
class Store:
    """A store that nobody has open: a file, or a database on the server."""

    kind: Kind
    place: str

    @property
    def url(self) -> str:
        """Where `open_database` finds it."""
        if self.kind is Kind.SQLITE:
            return f"sqlite:///{self.place}"
        return sa.make_url(POSTGRES_URL).set(database=self.place).render_as_string(hide_password=False)


@cache
def missing(kind: Kind) -> str:
    """Why there can be no store of this kind here; empty if there can."""
    if kind is Kind.SQLITE:
        return ""
    try:
        asyncio.run(_command("SELECT 1"))
    except (OSError, asyncpg.PostgresError) as error:
        return f"no PostgreSQL server answers, which PRESSRUN_TEST_POSTGRES_URL may name ({type(error).__name__})"
    return ""


def postgres_version() -> str:
    """The server's name and version; empty without one."""
    if missing(Kind.POSTGRES):
        return ""
    return f"PostgreSQL {asyncio.run(_command('SHOW server_version')).split()[0]}"


@contextmanager
def filled_store(kind: Kind, people: int) -> Iterator[Store]:
    """A store with so many readers on the list; gone at the end of the block."""
    with _place(kind) as place:
        store = Store(kind, place)
        if kind is Kind.POSTGRES:
            asyncio.run(_command(f'CREATE DATABASE "{place}" TEMPLATE template0'))
        asyncio.run(_fill(store.url, people))
        yield store


@contextmanager
def copied_store(store: Store) -> Iterator[Store]:
    """A copy of `store`; gone at the end of the block."""
    with _place(store.kind) as place:
        if store.kind is Kind.SQLITE:
            shutil.copyfile(store.place, place)
        else:
            asyncio.run(_command(f'CREATE DATABASE "{place}" TEMPLATE "{store.place}"'))
        yield Store(store.kind, place)


@contextmanager
def _place(kind: Kind) -> Iterator[str]:
    if kind is Kind.SQLITE:
        with tempfile.TemporaryDirectory(prefix="pressrun-bench-") as folder:
            yield str(Path(folder) / _FILE)
        return
    name = f"pressrun_bench_{uuid.uuid4().hex}"
    try:
        yield name
    finally:
        asyncio.run(_command(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


async def _command(statement: str) -> str:
    """Run a statement on the server; its first value as text, if it gives any."""
    server = await asyncpg.connect(POSTGRES_URL, timeout=10)
    try:
        return str(await server.fetchval(statement))
    finally:
        await server.close()


async def _fill(url: str, people: int) -> None:
    async with open_database(url) as database:
        await fill(database, people)


async def fill(database: Database, people: int) -> None:
    """Put so many readers on the list, inside the database; those of `benchmarks.edition`."""
    moment = sa.literal(NOW, UtcDateTime)
    number = _count_to(people).c.number
    named, domain = sa.cast(1_000_000 + number, sa.Text), sa.cast(number % 50, sa.Text)
    address = sa.literal("reader") + named + "@d" + domain + ".example.com"
    person = sa.select(
        number + 1,
        address,
        address,
        sa.literal("读者 ") + named,
        sa.literal_column("""'{"country":"中国"}'"""),
        moment,
        moment,
    )
    columns = ["id", "address", "address_key", "name", "attributes", "created_at", "updated_at"]
    member = sa.select(sa.literal(1), subscribers.c.id, moment)
    async with database.write() as connection:
        await connection.execute(sa.insert(subscribers).from_select(columns, person))
        await connection.execute(sa.insert(lists), {"id": 1, "name": LIST, "created_at": NOW})
        await connection.execute(sa.insert(memberships).from_select(["list_id", "subscriber_id", "joined_at"], member))
        if database.dialect == "postgresql":
            await connection.execute(sa.text("ANALYZE"))  # what autovacuum does after an import


def _count_to(people: int) -> sa.CTE:
    first = sa.select(sa.literal(0).label("number")).cte("counted", recursive=True)
    return first.union_all(sa.select(first.c.number + 1).where(first.c.number + 1 < people))
