"""Claims on delivery rows: who works on which, under a lease, and what becomes of rows whose worker is gone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.delivery.outcome import State
from pressrun.store.database import Database
from pressrun.store.scope import rows_of
from pressrun.store.tables import deliveries, lists, memberships, sends, suppressions, workers


@dataclass(frozen=True)
class Claimed:
    """A row this worker may send: the recipient as planned."""

    id: int
    send_id: int
    list: str
    subscriber_id: int
    address: str
    name: str
    attributes: Mapping[str, Any]
    message_id: str
    attempts: int
    created_at: dt.datetime


@dataclass(frozen=True)
class Settled:
    """What is to be written for a row whose try is over; `attempts` counts the tries made, this one included."""

    id: int
    state: State
    attempts: int
    code: int | None
    enhanced: str | None
    reply: str | None
    due_at: dt.datetime
    updated_at: dt.datetime


async def register_worker(
    database: Database, worker_id: str, host: str, pid: int, now: dt.datetime, lease: dt.timedelta
) -> None:
    """Make the worker known; its rows are its own until the lease ends."""
    row = {"id": worker_id, "host": host, "pid": pid, "started_at": now, "lease_until": now + lease}
    async with database.write() as connection:
        await connection.execute(sa.insert(workers), row)


async def renew_lease(database: Database, worker_id: str, until: dt.datetime) -> None:
    """Keep the worker's rows its own until `until`."""
    async with database.write() as connection:
        await connection.execute(sa.update(workers).where(workers.c.id == worker_id).values(lease_until=until))


async def retire_worker(database: Database, worker_id: str, now: dt.datetime) -> None:
    """Give back what the worker claimed and did not begin, and end its lease."""
    async with database.write() as connection:
        await _take_back(connection, deliveries.c.worker_id == worker_id, now)
        await connection.execute(sa.delete(workers).where(workers.c.id == worker_id))


async def recover(database: Database, now: dt.datetime) -> tuple[int, int]:
    """Take the rows of workers whose lease has ended: (how many are queued again, how many are in doubt).

    A row in `sending` never saw its final dot and is safe to send. A row in `dot` may have been accepted: it is
    neither sent again nor dropped (promise 2).
    """
    gone = deliveries.c.worker_id.not_in(sa.select(workers.c.id).where(workers.c.lease_until > now))
    async with database.write() as connection:
        queued, in_doubt = await _take_back(connection, gone, now)
        await connection.execute(sa.delete(workers).where(workers.c.lease_until <= now - dt.timedelta(days=1)))
    return queued, in_doubt


async def _take_back(connection: AsyncConnection, whose: sa.ColumnElement[bool], now: dt.datetime) -> tuple[int, int]:
    rows = sa.update(deliveries).where(whose)
    queued = await connection.execute(
        rows.where(deliveries.c.state == State.SENDING.value).values(
            state=State.QUEUED.value, worker_id=None, attempts=deliveries.c.attempts - 1, updated_at=now
        )
    )
    in_doubt = await connection.execute(
        rows.where(deliveries.c.state == State.DOT.value).values(
            state=State.IN_DOUBT.value,
            code=None,
            enhanced=None,
            reply="the sender stopped between the final dot and the relay's answer",
            updated_at=now,
        )
    )
    return queued.rowcount, in_doubt.rowcount


async def held_until(
    database: Database, issue: str, worker_id: str, list_name: str | None = None
) -> tuple[int, dt.datetime | None]:
    """How many rows of `issue` (through the list) other workers hold, and when the first of their leases ends."""
    query = (
        sa.select(sa.func.count(), sa.func.min(workers.c.lease_until))
        .select_from(deliveries.outerjoin(workers, workers.c.id == deliveries.c.worker_id))
        .where(
            rows_of(issue, list_name),
            deliveries.c.state.in_([State.SENDING.value, State.DOT.value]),
            deliveries.c.worker_id != worker_id,
        )
    )
    async with database.read() as connection:
        count, until = (await connection.execute(query)).one()
    return count, until


async def has_due(database: Database, issue: str, now: dt.datetime, list_name: str | None = None) -> bool:
    """Whether any row of `issue` (through the list) may be claimed now."""
    async with database.read() as connection:
        return await connection.scalar(_due(issue, now, list_name).limit(1)) is not None


def _due(issue: str, now: dt.datetime, list_name: str | None) -> sa.Select[tuple[int]]:
    return sa.select(deliveries.c.id).where(
        rows_of(issue, list_name),
        deliveries.c.state.in_([State.QUEUED.value, State.DEFERRED.value]),
        deliveries.c.due_at <= now,
    )


async def claim(
    database: Database,
    issue: str,
    worker_id: str,
    limit: int,
    now: dt.datetime,
    expiry: dt.timedelta,
    list_name: str | None = None,
) -> list[Claimed]:
    """Up to `limit` due rows of `issue`, now this worker's alone; with a list, only those planned through it.

    Rows of people who were suppressed or have left since planning are closed instead (promise 7), as are rows
    older than `expiry`; so fewer rows than `limit` does not mean that none are left, only an empty list does.
    """
    async with database.write() as connection:
        while True:
            ids = await _pick(connection, _due(issue, now, list_name), limit)
            if not ids:
                return []
            await _close_unwanted(connection, ids, now, now - expiry)
            if rows := await _take(connection, ids, worker_id, now):
                return rows


async def _pick(connection: AsyncConnection, due: sa.Select[tuple[int]], limit: int) -> Sequence[int]:
    # PostgreSQL's workers pass over each other's rows; SQLite has one writer and ignores the clause.
    query = due.order_by(deliveries.c.id).limit(limit).with_for_update(skip_locked=True)
    return [int(row.id) for row in await connection.execute(query)]


async def _close_unwanted(
    connection: AsyncConnection, ids: Sequence[int], now: dt.datetime, expired: dt.datetime
) -> None:
    picked = sa.update(deliveries).where(deliveries.c.id.in_(ids))
    suppressed = sa.exists().where(suppressions.c.address_key == deliveries.c.address_key)
    left = (
        sa.exists()
        .where(memberships.c.subscriber_id == deliveries.c.subscriber_id, memberships.c.left_at.is_not(None))
        .where(memberships.c.list_id == lists.c.id, lists.c.name == sends.c.list, sends.c.id == deliveries.c.send_id)
    )
    for unwanted, state, reason in (
        (suppressed, State.SUPPRESSED, "the address is suppressed"),
        (left, State.SUPPRESSED, "the person has left the list"),
        (deliveries.c.created_at <= expired, State.EXPIRED, None),
    ):
        values: dict[str, Any] = {"state": state.value, "worker_id": None, "updated_at": now}
        if reason:
            values |= {"code": None, "enhanced": None, "reply": reason}
        open_rows = picked.where(deliveries.c.state.in_([State.QUEUED.value, State.DEFERRED.value]))
        await connection.execute(open_rows.where(unwanted).values(values))


async def _take(connection: AsyncConnection, ids: Sequence[int], worker_id: str, now: dt.datetime) -> list[Claimed]:
    columns = [deliveries.c[name] for name in Claimed.__dataclass_fields__ if name != "list"]
    statement = (
        sa.update(deliveries)
        .where(deliveries.c.id.in_(ids), deliveries.c.state.in_([State.QUEUED.value, State.DEFERRED.value]))
        .values(state=State.SENDING.value, worker_id=worker_id, attempts=deliveries.c.attempts + 1, updated_at=now)
        .returning(*columns)
    )
    rows = (await connection.execute(statement)).mappings().all()
    names = dict((await connection.execute(sa.select(sends.c.id, sends.c.list))).all()) if rows else {}
    return [Claimed(**row, list=names[row["send_id"]]) for row in sorted(rows, key=lambda row: row["id"])]


async def mark_dots(
    connection: AsyncConnection, worker_id: str, ids: Sequence[int], now: dt.datetime
) -> frozenset[int]:
    """Record that the final dots of `ids` are about to leave; only for those given back may they."""
    values = {"ids": ids, "worker": worker_id, "now": now}
    return frozenset((await connection.scalars(_MARK_DOTS, values)).all())


async def settle(connection: AsyncConnection, worker_id: str, rows: Sequence[Settled]) -> None:
    """Write what came of this worker's tries.

    A row that was meanwhile taken for in doubt, because this worker seemed gone, learns the truth too.
    """
    await connection.execute(_SETTLE, [_bind(row, worker_id) for row in rows])


def _bind(row: Settled, worker_id: str) -> dict[str, Any]:
    values = {f"new_{name}": getattr(row, name) for name in _SETTLED}
    return {"row": row.id, "worker": worker_id, **values, "new_state": row.state.value}


# Built once: they run for every few messages.
_SETTLED = [name for name in Settled.__dataclass_fields__ if name != "id"]

_MARK_DOTS = (
    sa.update(deliveries)
    .where(
        deliveries.c.id.in_(sa.bindparam("ids", expanding=True)),
        deliveries.c.worker_id == sa.bindparam("worker"),
        deliveries.c.state == State.SENDING.value,
    )
    .values(state=State.DOT.value, updated_at=sa.bindparam("now"))
    .returning(deliveries.c.id)
)

_SETTLE = (
    sa.update(deliveries)
    .where(
        deliveries.c.id == sa.bindparam("row"),
        deliveries.c.worker_id == sa.bindparam("worker"),
        # Spelled out: an IN list can't stand in a statement that runs for many rows.
        sa.or_(*(deliveries.c.state == state.value for state in (State.SENDING, State.DOT, State.IN_DOUBT))),
    )
    .values({name: sa.bindparam(f"new_{name}") for name in _SETTLED})
)
