"""Rows in doubt: which there are, and what a person or a relay's log says became of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.delivery.outcome import State
from pressrun.store.scope import in_state, through_sends
from pressrun.store.scrub import SCRUBBED
from pressrun.store.tables import deliveries, sends

TAKEN = 250
"""The code of a row that was settled without the relay's own reply (RFC 5321 §4.2.3)."""


@dataclass(frozen=True)
class InDoubt:
    """A row whose final dot left and whose answer is not known; `updated_at` is when that was noticed."""

    id: int
    address: str
    address_key: str
    list: str
    message_id: str
    relay: str | None
    reply: str | None
    repeated: bool
    created_at: dt.datetime
    updated_at: dt.datetime


async def list_in_doubt(connection: AsyncConnection, issue: str, *, lock: bool = False) -> list[InDoubt]:
    """The rows of `issue` that are in doubt, in the order they were planned; with `lock`, nobody else changes them."""
    columns = [deliveries.c[name] for name in InDoubt.__dataclass_fields__ if name != "list"]
    query = (
        sa.select(*columns, sends.c.list)
        .join(sends)
        .where(through_sends(issue), in_state(State.IN_DOUBT))
        .order_by(deliveries.c.id)
    )
    if lock:  # on SQLite a writing transaction has the whole store to itself
        query = query.with_for_update(of=deliveries)
    return [InDoubt(**row) for row in (await connection.execute(query)).mappings()]


async def state_of(connection: AsyncConnection, issue: str, address_key: str) -> State | None:
    """The state of the address's row, or None where the issue has none for it."""
    query = sa.select(deliveries.c.state).where(deliveries.c.issue == issue, deliveries.c.address_key == address_key)
    found = await connection.scalar(query)
    return State(found) if found else None


async def settle_in_doubt(connection: AsyncConnection, replies: Mapping[int, str], now: dt.datetime) -> None:
    """Make rows in doubt `sent`; `replies` says for each row's id how that is known."""
    said = sa.case((deliveries.c.address == "", SCRUBBED), else_=sa.bindparam("said"))
    values = {"state": State.SENT.value, "code": TAKEN, "enhanced": None, "reply": said}
    statement = _IN_DOUBT.values(**values, worker_id=None, updated_at=now)
    if replies:
        await connection.execute(statement, [{"row": row_id, "said": said} for row_id, said in replies.items()])


async def queue_again(connection: AsyncConnection, ids: Collection[int], now: dt.datetime) -> None:
    """Queue rows in doubt again, flagged as repeated: same Message-ID, same bytes, perhaps a second copy."""
    statement = _IN_DOUBT.values(state=State.QUEUED.value, repeated=True, worker_id=None, due_at=now, updated_at=now)
    if ids:
        await connection.execute(statement, [{"row": row_id} for row_id in ids])


# A worker thought dead may learn the truth in between and write it: its word counts.
_IN_DOUBT = sa.update(deliveries).where(
    deliveries.c.id == sa.bindparam("row"), deliveries.c.state == State.IN_DOUBT.value
)
