"""The fence: a store that was restored, cloned or moved sends nothing until a person vouches for it by name.

The store keeps where it is and counts the runs that deliver; each machine keeps the highest count it saw, outside the
store. A copy is somewhere else, and a backup that was put back counts less than this machine remembers.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.delivery.outcome import State
from pressrun.errors import FencedError, StoreError, UsageError
from pressrun.store.database import Database
from pressrun.store.people_tables import confirmations, events
from pressrun.store.scope import in_state
from pressrun.store.subscribers import insert_into
from pressrun.store.tables import deliveries, fence, sends, subscribers

GAP = 10_000_000
"""How many numbers are left out when somebody vouches for a store: more than were given out since a backup."""

_ROW = 1
_BEHIND = "the store was put back from a backup: what it knows is older than what was sent from here"
_ELSEWHERE = "the store is not where it was when somebody last vouched for it: it was restored, cloned or moved"


@dataclass(frozen=True)
class Fence:
    """How the store stands: `epoch` counts its runs, `seen` is the most this machine saw; `fault` why it is fenced.

    `confirmed_at` is since when it is where it is; nobody confirmed it where that was its first run.
    """

    name: str
    epoch: int
    seen: int
    fault: str | None
    confirmed_by: str | None
    confirmed_at: dt.datetime | None


async def read_fence(database: Database, witness: Path) -> Fence:
    """How the store stands now; before its first run nothing stands against it. Changes nothing."""
    home, name = await home_of(database), await name_of(database)
    async with database.read() as connection:
        row = await _read(connection)
    if row is None:
        return Fence(name, 0, 0, None, None, None)
    seen = read_witness(witness).get(row.store_id, 0)
    return Fence(name, row.epoch, seen, _judge(row, home, seen), row.confirmed_by, row.confirmed_at)


async def pass_fence(database: Database, witness: Path, now: dt.datetime) -> int:
    """Let one more run deliver, and remember it here and in the store: the run's number.

    Called before anything leaves. The first call sets the fence up. Raises FencedError where the store is not where it
    was, or has gone back in time.
    """
    home = await home_of(database)
    async with database.write() as connection:
        new = {"id": _ROW, "store_id": uuid.uuid4().hex, "home": home, "epoch": 0, "confirmed_at": now}
        await connection.execute(insert_into(connection, fence).on_conflict_do_nothing(), new)
        row = await _read(connection, lock=True)
        fault = _judge(row, home, read_witness(witness).get(row.store_id, 0))
        if fault:
            name = await _name(connection, database)
            raise FencedError(fault, f"see docs/approval.md, then pressrun fence --confirm {name} --by NAME")
        await connection.execute(sa.update(fence).values(epoch=row.epoch + 1))
    bear_witness(witness, row.store_id, row.epoch + 1)  # after the commit: less than the store knows is no fault
    return int(row.epoch) + 1


async def confirm_fence(
    database: Database, witness: Path, name: str, by: str, now: dt.datetime, *, in_doubt: bool = False
) -> int:
    """Vouch for the store as it is and where it is: how many rows were put in doubt.

    It goes on under a new identity, so that no other machine's memory stands against it. With `in_doubt`, for a store
    that was put back from a backup, every open row of a send that had begun is put in doubt: its message may have left
    after the backup was made. People, requests and events get numbers from here on that were given out by no later
    state of the original: links in mail that left after the backup are nobody else's.

    Raises UsageError where `name` is not the database's.
    """
    home = await home_of(database)
    async with database.write() as connection:
        if name != (called := await _name(connection, database)):
            raise UsageError(f"the store is not called {name!r}", f"its name is {called}: say it to vouch for it")
        row = await _read(connection, lock=True)
        epoch = (row.epoch if row else 0) + 1
        store_id = uuid.uuid4().hex
        values = {"store_id": store_id, "home": home, "epoch": epoch, "confirmed_by": by, "confirmed_at": now}
        statement = insert_into(connection, fence).values(id=_ROW, **values)
        await connection.execute(statement.on_conflict_do_update(index_elements=[fence.c.id], set_=values))
        doubted = await _doubt(connection, now) if in_doubt else 0
        await _skip_numbers(connection)
    bear_witness(witness, store_id, epoch)
    return doubted


async def _skip_numbers(connection: AsyncConnection) -> None:
    if connection.dialect.name == "sqlite":
        skip = sa.text("UPDATE sqlite_sequence SET seq = seq + :gap WHERE name = :table")
    else:
        name = "pg_get_serial_sequence(:table, 'id')"
        skip = sa.text(f"SELECT setval({name}, nextval({name}) + :gap)")
    for table in (subscribers, confirmations, events):
        await connection.execute(skip, {"table": table.name, "gap": GAP})


async def home_of(database: Database) -> str:
    """Where the store is: of a file its name and inode, of PostgreSQL the cluster, the timeline and the database.

    A copy has another inode, a clone another database or cluster, a server restored or promoted another timeline.
    """
    if database.dialect == "sqlite":
        return _home_of_file(Path(database.path))
    query = sa.text(
        "SELECT (SELECT system_identifier FROM pg_control_system()),"
        " substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8),"  # the control file tells it later, at a checkpoint
        " (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    async with database.read() as connection:
        cluster, timeline, number = (await connection.execute(query)).one()
    return f"postgresql {cluster} {timeline} {number}"


def _home_of_file(file: Path) -> str:
    try:
        return f"sqlite {file.name} {file.stat().st_ino}"
    except OSError as error:
        raise StoreError(f"{file}: {error.strerror}", "see that the database's file is there") from None


async def name_of(database: Database) -> str:
    """What the store is called: its file's name, or the database's."""
    async with database.read() as connection:
        return await _name(connection, database)


def read_witness(witness: Path) -> dict[str, int]:
    """The highest epoch this machine saw of each store. Raises FencedError where that can't be read."""
    try:
        return {str(store): int(epoch) for store, epoch in json.loads(witness.read_bytes()).items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError):
        raise FencedError(f"{witness} can't be read", "put it back, or delete it and vouch for the store") from None


def bear_witness(witness: Path, store_id: str, epoch: int) -> None:
    """Remember that the store came as far as `epoch`; never less than was remembered."""
    with _alone(witness):
        known = read_witness(witness)
        if known.get(store_id, 0) >= epoch:
            return
        draft = witness.with_suffix(".new")
        with draft.open("w") as stream:
            json.dump(known | {store_id: epoch}, stream)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(witness)


def _judge(row: Any, home: str, seen: int) -> str | None:
    """Why nothing may leave, if so."""
    if row.home != home:
        return _ELSEWHERE
    return _BEHIND if row.epoch < seen else None


async def _read(connection: AsyncConnection, *, lock: bool = False) -> Any:
    query = sa.select(fence).where(fence.c.id == _ROW)
    return (await connection.execute(query.with_for_update() if lock else query)).first()


async def _name(connection: AsyncConnection, database: Database) -> str:
    if database.dialect == "sqlite":
        return Path(database.path).name
    return str(await connection.scalar(sa.select(sa.func.current_database())))


async def _doubt(connection: AsyncConnection, now: dt.datetime) -> int:
    """Put in doubt what may have been sent since the backup: open rows of sends that were not held."""
    released = sa.select(sends.c.id).where(~sends.c.held)
    rows = sa.update(deliveries).where(
        deliveries.c.send_id.in_(released), in_state(State.QUEUED, State.DEFERRED, State.SENDING, State.DOT)
    )
    reply = "the store was put back from a backup: the message may have left after that was made"
    values = {"state": State.IN_DOUBT.value, "worker_id": None, "reply": reply, "updated_at": now}
    return int((await connection.execute(rows.values(code=None, enhanced=None, **values))).rowcount)


@contextmanager
def _alone(witness: Path) -> Iterator[None]:
    """One writer at a time, of all processes; the lock goes with the process."""
    witness.parent.mkdir(parents=True, exist_ok=True)
    with witness.with_suffix(".lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
