"""PostgreSQL databases for tests, on the server that PRESSRUN_TEST_POSTGRES_URL names."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa

POSTGRES_URL = os.environ.get("PRESSRUN_TEST_POSTGRES_URL", "postgresql://root@127.0.0.1:5432/test")


@asynccontextmanager
async def fresh_postgres(template: str = "template0") -> AsyncIterator[str]:
    """The URL of a PostgreSQL database, empty or a copy of another, dropped at the end.

    Skips the test where no server answers.
    """
    server = await _connect()
    name = f"pressrun_test_{uuid.uuid4().hex}"
    try:
        await server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        yield _url_of(name)
    finally:
        await server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        await server.close()


@contextmanager
def migrated_template(migrate: Callable[[str], Awaitable[None]]) -> Iterator[str]:
    """The name of a database that was filled by `migrate`, to make copies of; dropped at the end."""
    name = f"pressrun_test_{uuid.uuid4().hex}"

    async def make() -> None:
        server = await _connect()
        await server.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
        await server.close()
        await migrate(_url_of(name))

    async def drop() -> None:
        server = await _connect()
        await server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        await server.close()

    run_apart(make())
    try:
        yield name
    finally:
        run_apart(drop())


def run_apart(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine to its end in a loop of its own, also where one is running here."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


async def _connect() -> asyncpg.Connection:
    try:
        return await asyncpg.connect(POSTGRES_URL, timeout=5)
    except (OSError, asyncpg.PostgresError) as error:
        pytest.skip(f"no PostgreSQL server: {error}")


def _url_of(name: str) -> str:
    return sa.make_url(POSTGRES_URL).set(database=name).render_as_string(hide_password=False)
