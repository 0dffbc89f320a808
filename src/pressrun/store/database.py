"""The database: opened by its URL, SQLite or PostgreSQL, and handed out in reading and writing transactions."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from pressrun.errors import StoreError
from pressrun.store.migrations import migrate

BUSY_SECONDS = 30
"""How long a writer waits for another one before it gives up."""

_WRITING = "pressrun_writing"
_OUR_FAULTS = (sa.exc.IntegrityError, sa.exc.ProgrammingError, sa.exc.DataError, sa.exc.NotSupportedError)
_dump_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_SQLITE_NAMES = {"sqlite", "sqlite+aiosqlite"}
_POSTGRES_NAMES = {"postgresql", "postgres", "postgresql+asyncpg"}

_PRAGMAS = (
    f"busy_timeout = {BUSY_SECONDS * 1000}",
    "foreign_keys = ON",
    # With WAL, NORMAL may lose the last commits in a power cut. A lost `dot` is a message that is sent twice.
    "synchronous = FULL",
    "cache_size = -16384",  # KiB, for each connection
    "journal_size_limit = 67108864",  # bytes; a big import doesn't leave its log behind
)


@dataclass(frozen=True)
class Database:
    """An open database. `place` names it for people, without its password; `dialect` is `sqlite` or `postgresql`."""

    engine: AsyncEngine
    place: str
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def path(self) -> str:
        """SQLite's file."""
        return self.engine.url.database or ""

    @property
    def is_being_written(self) -> bool:
        """Whether a writer of this process has its turn, on SQLite."""
        return self._turn.locked()

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.engine.dialect.name

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncConnection]:
        """A connection without a transaction, for work that needs several in turn.

        Raises `StoreError` where there is none, and where the database fails in the middle: what its server, disk or
        network did, not what was asked of it.
        """
        connection = self.engine.connect()
        try:
            await connection.start()
        except (sa.exc.SQLAlchemyError, asyncpg.PostgresError, OSError, TypeError) as error:
            raise _unreachable(self.place, error) from None
        try:
            yield connection
        except sa.exc.DBAPIError as error:
            if _is_our_fault(error):
                raise
            raise explain_failure(self.place, error.orig or error) from None
        finally:
            await connection.close()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection in a transaction that sees one state of the store throughout and doesn't wait for writers."""
        async with self.connect() as connection:
            if self.dialect == "postgresql":
                # SQLite's readers have a snapshot of themselves; this gives PostgreSQL's the same.
                await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            async with connection.begin():
                yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A connection in a transaction that is committed at the end, or undone by an exception.

        On SQLite there is one writer at a time: never open a second one inside. Waits for 30 seconds, then raises
        `StoreError`.
        """
        async with self.connect() as connection, self.writing(connection):
            yield connection

    @asynccontextmanager
    async def writing(self, connection: AsyncConnection) -> AsyncIterator[None]:
        """A writing transaction on a connection that has none."""
        async with self._own_turn(), AsyncExitStack() as stack:
            await connection.execution_options(**{_WRITING: True})
            try:
                await stack.enter_async_context(connection.begin())
            except sa.exc.OperationalError as error:
                raise busy(self.place) from error
            yield

    @asynccontextmanager
    async def _own_turn(self) -> AsyncIterator[None]:
        """This process's turn to write; on PostgreSQL everybody's, always."""
        # Writers of this process queue here, in order; SQLite itself lets them poll, and some starve.
        if self.dialect != "sqlite":
            yield
            return
        try:
            async with asyncio.timeout(BUSY_SECONDS):
                await self._turn.acquire()
        except TimeoutError:
            raise busy(self.place) from None
        try:
            yield
        finally:
            self._turn.release()


@asynccontextmanager
async def open_database(url: str) -> AsyncIterator[Database]:
    """Open the database at `url` and bring its tables up to date; close it at the end.

    Takes `sqlite:///path` and `postgresql://user:password@host/name`, with or without a driver's name. SQLite's file
    and its folder are made if they are missing. Raises `StoreError`, which never holds the password.
    """
    database = connect_database(url)
    try:
        await _try_out(database)
        await migrate(database)
        yield database
    finally:
        await database.engine.dispose()


def connect_database(url: str) -> Database:
    """The database at `url` as it is: neither reached for nor brought up to date. Raises `StoreError`."""
    parsed = _parse_url(url)
    if parsed.drivername in _SQLITE_NAMES:
        return _sqlite(parsed)
    if parsed.drivername in _POSTGRES_NAMES:
        return _postgres(parsed)
    raise StoreError(f"a database of the kind {parsed.drivername!r} can't hold the store", _URL_REMEDY)


_URL_REMEDY = "write sqlite:///path/to/file.db or postgresql://user@host:5432/name"


def _parse_url(url: str) -> sa.URL:
    try:
        return sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        # Not `from error`: a password with an unquoted / or @ in it would be told by it, as a bad port.
        message = "the database's URL can't be read"
        raise StoreError(message, f"{_URL_REMEDY}; characters like @ / : in a password as %40 %2F %3A") from None


def _sqlite(url: sa.URL) -> Database:
    path = Path(url.database or ":memory:")
    if str(path) == ":memory:":
        raise StoreError("a database in memory can't hold the store", "name a file: sqlite:///path/to/file.db")
    _make_folder(path.parent)
    engine = create_async_engine(
        url.set(drivername="sqlite+aiosqlite"),
        connect_args={"timeout": BUSY_SECONDS},
        hide_parameters=True,  # addresses don't belong in errors and logs
        json_serializer=_dump_json,
        pool_size=5,
        max_overflow=5,
    )
    sa.event.listen(engine.sync_engine, "connect", set_up_sqlite)
    sa.event.listen(engine.sync_engine, "begin", _begin_sqlite)
    sa.event.listen(engine.sync_engine, "invalidate", _end_transaction)
    return Database(engine, f"SQLite database {path}")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"the database's folder {folder} can't be made: {error.strerror}"
        raise StoreError(message, "name a folder that you may write to") from None


def set_up_sqlite(connection: Any, _record: object) -> None:
    """Make a new connection of the driver one of ours."""
    # The driver's own BEGIN comes late and only before some statements: switched off, `_begin_sqlite` says it
    # (SQLAlchemy, "Transactions with SQLite and the sqlite3 driver").
    connection.isolation_level = None
    cursor = connection.cursor()
    try:
        for pragma in _PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
    except sqlite3.Error:
        connection.close()  # the pool doesn't, and its thread would stay
        raise
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    # A transaction that reads first and writes later fails at once if another wrote between, and no time-out helps:
    # whoever means to write takes the lock at the start.
    writing = connection.get_execution_options().get(_WRITING)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _end_transaction(connection: Any, _record: object, _error: object) -> None:
    # A task cancelled between UPDATE … RETURNING and its rows leaves a cursor open, and SQLite keeps a connection that
    # is closed under an open cursor, its transaction and its lock: everyone else would wait for nothing. Nobody awaits
    # this: what is asked for first is done first, and closing comes after it.
    with suppress(RuntimeError):  # no loop is running: the process is ending
        task = asyncio.get_running_loop().create_task(connection.driver_connection.rollback())
        _ending.add(task)
        task.add_done_callback(_forget)


def _forget(task: asyncio.Task[None]) -> None:
    _ending.discard(task)
    if not task.cancelled():
        task.exception()  # a connection that is closed already has nothing to roll back


_ending: set[asyncio.Task[None]] = set()  # a task that nobody holds may vanish


def _postgres(url: sa.URL) -> Database:
    query = dict(url.query)
    if "sslmode" in query:  # what libpq calls it; asyncpg takes the same values
        query["ssl"] = query.pop("sslmode")
    engine = create_async_engine(
        url.set(drivername="postgresql+asyncpg", query=query),
        connect_args={"timeout": 10, "server_settings": {"application_name": "pressrun", "jit": "off"}},
        hide_parameters=True,
        json_serializer=_dump_json,
        pool_size=10,
        max_overflow=10,
        pool_timeout=BUSY_SECONDS,
        pool_pre_ping=True,  # a server or a proxy may have closed what lay idle
        pool_recycle=1800,
    )
    return Database(engine, f"PostgreSQL database {url.database or ''} at {url.host or 'localhost'}:{url.port or 5432}")


async def _try_out(database: Database) -> None:
    """Reach the database once; on SQLite, switch the file to WAL."""
    async with database.connect() as connection:
        if database.dialect == "sqlite":
            raw = await connection.get_raw_connection()
            try:
                await _switch_to_wal(raw.driver_connection)
            except sqlite3.Error as error:
                raise _unreachable(database.place, error) from None


async def _switch_to_wal(driver: Any) -> None:
    # Where processes make the file at once, SQLite refuses the switch without waiting, whatever busy_timeout says
    # (6 times in 400).
    async with asyncio.timeout(BUSY_SECONDS):
        while True:
            try:
                await driver.execute_fetchall("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise
            await asyncio.sleep(0.02)


def _unreachable(place: str, error: Exception) -> StoreError:
    cause = getattr(error, "orig", None) or error
    reason = " ".join(str(cause).split()) or type(cause).__name__
    return StoreError(f"the {place} can't be opened: {reason}", "check the database's URL and that it is there")


def _is_our_fault(error: sa.exc.DBAPIError) -> bool:
    """Whether a statement was wrong: SQLite says so under the same name as it tells that the disk is full."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_CONSTRAINT_TRIGGER:  # a constraint by name, but the store has no triggers of its own
        return False
    return isinstance(error, _OUR_FAULTS) or code == sqlite3.SQLITE_ERROR


def explain_failure(place: str, error: BaseException) -> StoreError:
    """What a driver raised in the middle of the work: nothing was half written."""
    if getattr(error, "sqlite_errorcode", None) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_SNAPSHOT):
        return busy(place)
    reason = " ".join(str(error).split()) or type(error).__name__
    return StoreError(f"the {place} failed: {reason}", "see to it, then run this again: it goes on where it was")


def busy(place: str) -> StoreError:
    """What is raised when other writers did not end."""
    message = f"the {place} was busy for {BUSY_SECONDS} seconds"
    return StoreError(message, "let the other pressrun process finish, then try again")
