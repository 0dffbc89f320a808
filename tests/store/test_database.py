"""Opening a database and the promises of its transactions."""

from __future__ import annotations

import asyncio
import datetime as dt
import multiprocessing
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from pressrun.errors import StoreError
from pressrun.store.database import Database, connect_database, open_database
from pressrun.store.tables import lists

NOW = dt.datetime(2026, 2, 1, 8, 30, tzinfo=dt.UTC)
SECRET = "ge/h@e:im"


async def names(database: Database) -> list[str]:
    async with database.read() as connection:
        return list((await connection.scalars(sa.select(lists.c.name).order_by(lists.c.name))).all())


def insert(name: str) -> sa.Insert:
    return lists.insert().values(name=name, created_at=NOW)


async def test_what_is_written_is_read(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(insert("spp"))
    assert await names(database) == ["spp"]
    async with database.read() as connection:
        assert await connection.scalar(sa.select(lists.c.created_at)) == NOW


async def test_an_exception_undoes_the_whole_transaction(database: Database) -> None:
    with pytest.raises(RuntimeError):
        async with database.write() as connection:
            await connection.execute(insert("spp"))
            raise RuntimeError
    assert await names(database) == []


async def test_a_reader_sees_one_state_while_others_write(database: Database) -> None:
    async with database.read() as connection:
        count = sa.select(sa.func.count()).select_from(lists)
        assert await connection.scalar(count) == 0
        async with database.write() as writer:
            await writer.execute(insert("spp"))
        assert await connection.scalar(count) == 0
    assert await names(database) == ["spp"]


async def test_writers_take_turns_and_none_is_lost(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(insert("0"))

    async def count_up() -> None:
        async with database.write() as connection:
            lock = sa.select(lists.c.name)
            number = int(await connection.scalar(lock.with_for_update()) or 0)
            await connection.execute(lists.update().values(name=str(number + 1)))

    await asyncio.gather(*(count_up() for _ in range(20)))
    assert await names(database) == ["20"]


def _count_up(url: str, times: int) -> None:
    async def run() -> None:
        async with open_database(url) as database:
            for _ in range(times):
                async with database.write() as connection:
                    number = int(await connection.scalar(sa.select(lists.c.name).with_for_update()) or 0)
                    await connection.execute(lists.update().values(name=str(number + 1)))

    asyncio.run(run())


async def test_processes_that_read_and_then_write_do_not_fail_each_other(database_url: str) -> None:
    async with open_database(database_url) as database:
        async with database.write() as connection:
            await connection.execute(insert("0"))
        processes = [
            multiprocessing.get_context("spawn").Process(target=_count_up, args=(database_url, 50)) for _ in "ab"
        ]
        for process in processes:
            process.start()
        for process in processes:
            await asyncio.to_thread(process.join)
        assert [process.exitcode for process in processes] == [0, 0]
        assert await names(database) == ["100"]


async def test_sqlite_is_set_up_to_survive_a_power_cut(tmp_path: Path) -> None:
    async with open_database(f"sqlite:///{tmp_path}/a/b/store.db") as database, database.read() as connection:
        found = [
            await connection.scalar(sa.text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    assert found == ["wal", 2, 1, 30_000]
    assert (tmp_path / "a/b/store.db").exists()


async def test_a_second_writing_process_waits_at_the_start(tmp_path: Path) -> None:
    async with open_database(f"sqlite:///{tmp_path}/store.db") as database, database.write():
        other = sqlite3.connect(tmp_path / "store.db", timeout=0, isolation_level=None)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.execute("SELECT * FROM lists").fetchall()
        other.close()


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("sqlite:///store.db", "sqlite+aiosqlite"),
        ("sqlite+aiosqlite:///store.db", "sqlite+aiosqlite"),
        ("postgresql://a@example.com/b", "postgresql+asyncpg"),
        ("postgres://a@example.com/b", "postgresql+asyncpg"),
        ("postgresql+asyncpg://a@example.com/b", "postgresql+asyncpg"),
    ],
)
def test_urls_get_their_asynchronous_driver(
    url: str, driver: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert connect_database(url).engine.url.drivername == driver


def test_sslmode_is_told_to_the_driver_in_its_own_word() -> None:
    assert connect_database("postgresql://a@example.com/b?sslmode=require").engine.url.query == {"ssl": "require"}


@pytest.mark.parametrize(
    "url",
    [
        f"nonsense {SECRET}",
        f"postgresql://root:{SECRET}@127.0.0.1/test",
        f"mysql://root:{SECRET}@127.0.0.1/test",
        "postgresql://root:geheim@127.0.0.1:1/test?password=geheim",
        "postgresql://root:geheim@127.0.0.1:1/test?nothing=geheim",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///{tmp}",
        "sqlite:///{tmp}/text.txt",
        "sqlite:///{tmp}/text.txt/store.db",
    ],
)
async def test_what_cannot_be_opened_is_a_store_error_without_the_password(url: str, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("This is no database. " * 100)
    with pytest.raises(StoreError) as caught:
        async with open_database(url.replace("{tmp}", str(tmp_path))):
            pass
    error: BaseException | None = caught.value
    assert isinstance(error, StoreError) and error.remedy
    while error:
        assert "geheim" not in f"{error!r} {error}" and "e:im" not in f"{error!r} {error}"
        assert "\n" not in str(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


@pytest.mark.postgres
async def test_an_unknown_postgres_database_is_a_store_error(postgres_url: str) -> None:
    url = sa.make_url(postgres_url).set(database="pressrun_no_such_database", password="geheim")
    with pytest.raises(StoreError, match="does not exist") as caught:
        async with open_database(url.render_as_string(hide_password=False)):
            pass
    assert "geheim" not in str(caught.value)


async def test_errors_of_the_database_hold_no_addresses(database: Database) -> None:
    with pytest.raises(sa.exc.IntegrityError) as caught:
        async with database.write() as connection:
            await connection.execute(insert("li.wei@example.com"))
            await connection.execute(insert("li.wei@example.com"))
    assert "li.wei" not in str(caught.value).partition("DETAIL")[0]
