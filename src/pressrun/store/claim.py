"""Claims on delivery rows: who works on which, under a lease, and what becomes of rows whose worker is gone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.delivery.outcome import State
from pressrun.store.control import cancel_open, keep_wishes, may_run
from pressrun.store.database import Database
from pressrun.store.scope import HELD, in_state, through_released, through_sends
from pressrun.store.tables import deliveries, workers


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
        await keep_wishes(connection)
        await _take_back(connection, deliveries.c.worker_id == worker_id, now)
        await cancel_open(connection, None, now)
        await connection.execute(sa.delete(workers).where(workers.c.id == worker_id))


async def give_back(database: Database, worker_id: str, now: dt.datetime, ids: Sequence[int] | None = None) -> None:
    """Queue again what the worker claimed and has not begun; with `ids`, only those rows."""
    mine = deliveries.c.worker_id == worker_id
    rows = sa.update(deliveries).where(mine if ids is None else sa.and_(mine, deliveries.c.id.in_(ids)))
    async with database.write() as connection:
        await keep_wishes(connection)
        await connection.execute(rows.where(HELD, in_state(State.SENDING)).values(_queued(now)))
        await cancel_open(connection, None, now)


async def put_off(
    database: Database, worker_id: str, ids: Sequence[int], due_at: dt.datetime, reason: str, now: dt.datetime
) -> None:
    """Defer rows that the worker claimed and has not begun; it counts as no try."""
    rows = sa.update(deliveries).where(deliveries.c.worker_id == worker_id, deliveries.c.id.in_(ids))
    values = _queued(now) | {"state": State.DEFERRED.value, "due_at": due_at, "reply": reason}
    async with database.write() as connection:
        await keep_wishes(connection)
        await connection.execute(rows.where(HELD, in_state(State.SENDING)).values(values))
        await cancel_open(connection, None, now)


async def recover(database: Database, now: dt.datetime) -> tuple[int, int]:
    """Take the rows of workers whose lease has ended: (how many are queued again, how many are in doubt).

    A row in `sending` never saw its final dot and is safe to send. A row in `dot` may have been accepted: it is
    neither sent again nor dropped (promise 2).
    """
    gone = deliveries.c.worker_id.not_in(sa.select(workers.c.id).where(workers.c.lease_until > now))
    async with database.write() as connection:
        await keep_wishes(connection)
        queued, in_doubt = await _take_back(connection, gone, now)
        await cancel_open(connection, None, now)  # whoever died may have put rows off after the cancel, and held none
        await connection.execute(sa.delete(workers).where(workers.c.lease_until <= now - dt.timedelta(days=1)))
    return queued, in_doubt


async def repeat_in_doubt(database: Database, issue: str, now: dt.datetime, list_name: str | None = None) -> int:
    """Queue the rows in doubt of `issue` (through the list) once more, flagged; those it was done to stay: how many.

    None where the issue is paused or cancelled: what is in doubt then stays so.
    """
    rows = sa.update(deliveries).where(through_sends(issue, list_name), in_state(State.IN_DOUBT))
    async with database.write() as connection:
        if not await may_run(connection, issue):
            return 0
        repeated = rows.where(~deliveries.c.repeated)
        values = {"state": State.QUEUED.value, "worker_id": None, "repeated": True, "due_at": now, "updated_at": now}
        return (await connection.execute(repeated.values(values))).rowcount


async def _take_back(connection: AsyncConnection, whose: sa.ColumnElement[bool], now: dt.datetime) -> tuple[int, int]:
    rows = sa.update(deliveries).where(whose)
    queued = await connection.execute(rows.where(HELD, in_state(State.SENDING)).values(_queued(now)))
    in_doubt = await connection.execute(
        rows.where(HELD, in_state(State.DOT)).values(
            state=State.IN_DOUBT.value,
            code=None,
            enhanced=None,
            reply="the sender stopped between the final dot and the relay's answer",
            updated_at=now,
        )
    )
    return queued.rowcount, in_doubt.rowcount


def _queued(now: dt.datetime) -> dict[str, Any]:
    return {
        "state": State.QUEUED.value,
        "worker_id": None,
        "attempts": deliveries.c.attempts - 1,
        "updated_at": now,
    }


async def held_until(
    database: Database, issue: str, worker_id: str, list_name: str | None = None
) -> tuple[int, dt.datetime | None]:
    """How many rows of `issue` (through the list) other workers hold, and when the first of their leases ends."""
    query = (
        sa.select(sa.func.count(), sa.func.min(workers.c.lease_until))
        .select_from(deliveries.outerjoin(workers, workers.c.id == deliveries.c.worker_id))
        .where(
            through_sends(issue, list_name),
            HELD,
            deliveries.c.worker_id != worker_id,
        )
    )
    async with database.read() as connection:
        count, until = (await connection.execute(query)).one()
    return count, until


async def has_due(database: Database, issue: str, now: dt.datetime, list_name: str | None = None) -> bool:
    """Whether any row of `issue` (through the list) may be claimed now."""
    rows = sa.select(deliveries.c.id).where(through_released(issue, list_name)).limit(1)
    async with database.read() as connection:
        for due in (in_state(State.QUEUED), sa.and_(in_state(State.DEFERRED), deliveries.c.due_at <= now)):
            if await connection.scalar(rows.where(due)) is not None:
                return True
    return False
