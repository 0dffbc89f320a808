"""The receipts: the row each message in the box belongs to, in a table of the replica, and the account they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.delivery.outcome import OPEN_STATES, State
from pressrun.rehearsal.rehearsal import Account
from pressrun.store.database import Database
from pressrun.store.tables import deliveries, sends

_scratch = sa.MetaData()

_receipts = sa.Table(
    "rehearsal_receipts",
    _scratch,
    sa.Column("number", sa.Integer, primary_key=True),  # the message's place in the box
    sa.Column("delivery_id", sa.Integer, nullable=True, index=True),  # None: it is nobody's
    sa.Column("token", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
)

_before = sa.Table(
    "rehearsal_before",  # rows that were settled before the rehearsal
    _scratch,
    sa.Column("delivery_id", sa.Integer, primary_key=True),
)

_NEVER_LEFT = (State.FAILED, State.EXPIRED, State.CANCELLED, State.SUPPRESSED)


class Receipt(NamedTuple):
    """One message of the box: the row it is for, the token to leave by, a digest of its octets."""

    number: int
    delivery_id: int | None
    token: str
    digest: str


async def open_account(replica: Database, issue: str, *, repeats: bool) -> None:
    """Make the tables, and note the rows of the planned `issue` that were settled before.

    Who was suppressed as they were planned belongs to the plan; with `repeats` rows in doubt are sent once more.
    """
    settled = deliveries.c.state.not_in([state.value for state in OPEN_STATES])
    tried = sa.or_(deliveries.c.state != State.SUPPRESSED.value, deliveries.c.attempts > 0)
    rows = sa.select(deliveries.c.id).where(deliveries.c.issue == issue, settled, tried)
    if repeats:
        rows = rows.where(sa.or_(deliveries.c.state != State.IN_DOUBT.value, deliveries.c.repeated))
    async with replica.write() as connection:
        await connection.run_sync(_scratch.create_all)
        await connection.execute(sa.insert(_before).from_select(["delivery_id"], rows))


async def write_receipts(replica: Database, receipts: Sequence[Receipt]) -> None:
    """Note some messages."""
    async with replica.write() as connection:
        await connection.execute(sa.insert(_receipts), [receipt._asdict() for receipt in receipts])


async def draw_account(replica: Database, issue: str, list_names: Sequence[str]) -> Account:
    """Hold the log of `issue`, for the rows planned through the lists, against the receipts; all in the database."""
    async with replica.read() as connection:
        settled = sa.select(_before.c.delivery_id)
        ours = sa.select(sends.c.id).where(sends.c.issue == issue, sends.c.list.in_(list_names))
        rehearsed = sa.and_(deliveries.c.send_id.in_(ours), deliveries.c.id.not_in(settled))
        before = sa.and_(deliveries.c.send_id.in_(ours), deliveries.c.id.in_(settled))
        return Account(
            states=await _count_states(connection, rehearsed),
            before=await connection.scalar(sa.select(sa.func.count()).select_from(deliveries).where(before)) or 0,
            **await _compare(connection, rehearsed),
            strangers=await _count_strangers(connection, rehearsed),
            shared_links=await _count_shared(connection),
        )


async def _count_states(connection: AsyncConnection, rows: sa.ColumnElement[bool]) -> Mapping[State, int]:
    query = sa.select(deliveries.c.state, sa.func.count()).where(rows).group_by(deliveries.c.state)
    found = {State(state): count for state, count in await connection.execute(query)}
    return {state: found.get(state, 0) for state in State}


async def _compare(connection: AsyncConnection, rows: sa.ColumnElement[bool]) -> Mapping[str, int]:
    copies = (
        sa.select(
            _receipts.c.delivery_id,
            sa.func.count().label("count"),
            sa.func.count(sa.distinct(_receipts.c.digest)).label("kinds"),
        )
        .group_by(_receipts.c.delivery_id)
        .subquery()
    )
    came, twice = sa.func.coalesce(copies.c.count, 0) > 0, sa.func.coalesce(copies.c.count, 0) > 1
    state, repeated = deliveries.c.state, deliveries.c.repeated
    never_left = state.in_([each.value for each in _NEVER_LEFT])
    wanted = {
        "received": came,
        "lost": sa.and_(~came, state == State.SENT.value),
        "twice": twice,
        "flagged": sa.and_(twice, sa.or_(repeated, state == State.IN_DOUBT.value)),
        "contradicted": sa.and_(came, never_left, ~repeated),
        "altered": copies.c.kinds > 1,
    }
    counts = [sa.func.count().filter(condition).label(name) for name, condition in wanted.items()]
    joined = deliveries.outerjoin(copies, copies.c.delivery_id == deliveries.c.id)
    found = (await connection.execute(sa.select(*counts).select_from(joined).where(rows))).mappings().one()
    return {name: int(found[name]) for name in wanted}


async def _count_strangers(connection: AsyncConnection, rows: sa.ColumnElement[bool]) -> int:
    ours = sa.select(deliveries.c.id).where(rows)
    nobodys = sa.or_(_receipts.c.delivery_id.is_(None), _receipts.c.delivery_id.not_in(ours))
    return await connection.scalar(sa.select(sa.func.count()).select_from(_receipts).where(nobodys)) or 0


async def _count_shared(connection: AsyncConnection) -> int:
    """How many tokens let more than one person leave."""
    shared = (
        sa.select(_receipts.c.token)
        .where(_receipts.c.token != "")
        .group_by(_receipts.c.token)
        .having(sa.func.count(sa.distinct(_receipts.c.delivery_id)) > 1)
        .subquery()
    )
    return await connection.scalar(sa.select(sa.func.count()).select_from(shared)) or 0
