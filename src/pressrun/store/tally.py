"""Counts an issue's rows inside the database, each way a report shows them; a million take seconds.

Who asks for several counts asks in one transaction, so that they agree.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.delivery.outcome import State
from pressrun.store.scrub import SCRUBBED
from pressrun.store.tables import deliveries, sends


class Tally(NamedTuple):
    """Rows that share all of this: `minute` is when they were sent, for those that were.

    `tried` of the `rows` were tried at least once; `example` is the id of one of them. `first` and `last` are when they
    came to their state, `due` is when the first of them was due, or will be.
    """

    list: str
    state: State
    relay: str | None
    code: int | None
    enhanced: str | None
    minute: object
    rows: int
    tried: int
    example: int
    first: dt.datetime
    last: dt.datetime
    due: dt.datetime


class DomainTally(NamedTuple):
    """The rows of one recipient domain: by state, how many needed more than one try, and when the last was sent.

    `by_size` and `by_delay` are its places among all domains, from 1; of these there are `domains`.
    """

    domain: str
    counts: Mapping[State, int]
    retried: int
    last: dt.datetime | None
    by_size: int
    by_delay: int
    domains: int


async def tally_rows(connection: AsyncConnection, issue: str) -> list[Tally]:
    """The rows of `issue` by list, state, relay, reply and minute."""
    table = await _rows_of(connection, issue)
    if table is None:
        return []
    row = deliveries.c
    is_sent = row.state == State.SENT.value
    keys = [sends.c.list, row.state, row.relay, row.code, row.enhanced, sa.case((is_sent, _minute(connection)))]
    names = [f"key{n}" for n in range(len(keys))]  # grouped by name: parameters in two places are not one to PostgreSQL
    named = [key.label(name) for name, key in zip(names, keys, strict=True)]
    counts = (sa.func.count(), _count(row.attempts > 0), sa.func.min(row.id))
    moments = (sa.func.min(row.updated_at), sa.func.max(row.updated_at), sa.func.min(row.due_at))
    query = sa.select(*named, *counts, *moments).select_from(deliveries.join(sends)).where(table).group_by(*names)
    found = await connection.execute(query)
    return [Tally._make((list_name, State(state), *rest)) for list_name, state, *rest in found]


async def tally_domains(connection: AsyncConnection, issue: str, largest: int, slowest: int) -> list[DomainTally]:
    """The `largest` recipient domains of `issue` and the `slowest`, those where most rows needed more than one try."""
    table = await _rows_of(connection, issue)
    if table is None:
        return []
    row = deliveries.c
    retried = _count(sa.or_(row.attempts > 1, sa.and_(row.attempts > 0, row.state == State.DEFERRED.value)))
    last = sa.func.max(sa.case((row.state == State.SENT.value, row.updated_at)))
    domain = _domain(connection).label("domain")
    parts = (
        sa.select(domain, row.state, sa.func.count().label("size"), retried.label("retried"), last.label("last"))
        .where(table)
        .group_by(domain.name, row.state)
        .subquery()
    ).c
    sums = [_sum(parts.size, parts.state == state.value).label(str(state)) for state in State]
    sums += [
        _sum(parts.retried).label("retried"),
        sa.func.max(parts.last).label("last"),
        _sum(parts.size).label("size"),
    ]
    found = sa.select(parts.domain, *sums).group_by(parts.domain).cte()
    by_size = sa.func.row_number().over(order_by=(found.c.size.desc(), found.c.domain)).label("by_size")
    by_delay = sa.func.row_number().over(order_by=(found.c.retried.desc(), found.c.domain)).label("by_delay")
    placed = sa.select(found, by_size, by_delay, sa.func.count().over().label("domains")).subquery()
    chosen = sa.or_(placed.c.by_size <= largest, sa.and_(placed.c.by_delay <= slowest, placed.c.retried > 0))
    rows = await connection.execute(sa.select(placed).where(chosen).order_by(placed.c.by_size))
    return [_domain_tally(one) for one in rows.mappings()]


async def read_replies(connection: AsyncConnection, ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """What was said of the rows with these ids, and the address of each."""
    query = sa.select(deliveries.c.id, deliveries.c.reply, deliveries.c.address).where(deliveries.c.id.in_(ids))
    return {one.id: (one.reply or "", one.address) for one in await connection.execute(query)}


async def _rows_of(connection: AsyncConnection, issue: str) -> sa.ColumnElement[bool] | None:
    """The rows of `issue`, None where there are none, asked for in the order in which they lie on the disk.

    By the index of (issue, address) SQLite would fetch each row from another page. A send's rows lie together.
    """
    ids = sa.select(sa.func.min(deliveries.c.id), sa.func.max(deliveries.c.id)).where(deliveries.c.issue == issue)
    first, last = (await connection.execute(ids)).one()
    if first is None:
        return None
    through = (await connection.scalars(sa.select(sends.c.id).where(sends.c.issue == issue))).all()
    return sa.and_(deliveries.c.id.between(first, last), deliveries.c.send_id.in_(through))


def _count(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.count(sa.case((condition, 1)))


def _sum(column: sa.ColumnElement[int], condition: sa.ColumnElement[bool] | None = None) -> sa.ColumnElement[int]:
    """A sum as a whole number; PostgreSQL's own of big ones is a decimal."""
    wanted = column if condition is None else sa.case((condition, column), else_=0)
    return sa.cast(sa.func.sum(wanted), sa.BigInteger)


def _minute(connection: AsyncConnection) -> sa.ColumnElement[Any]:
    if connection.dialect.name == "sqlite":  # which keeps moments as text
        return sa.func.substr(sa.cast(deliveries.c.updated_at, sa.Text), *map(sa.literal_column, ("1", "16")))
    return sa.func.date_trunc(sa.literal_column("'minute'"), deliveries.c.updated_at)


def _domain(connection: AsyncConnection) -> sa.ColumnElement[str]:
    """The domain in the one spelling that keys have; a part before the @ holds no @ (`parse_address`)."""
    find = sa.func.instr if connection.dialect.name == "sqlite" else sa.func.strpos
    key = deliveries.c.address_key
    domain: sa.ColumnElement[str] = sa.func.substr(key, find(key, sa.literal_column("'@'")) + sa.literal_column("1"))
    return domain


def _domain_tally(row: sa.RowMapping) -> DomainTally:
    counts = {state: row[str(state)] for state in State}
    return DomainTally(
        row["domain"] or SCRUBBED, counts, row["retried"], row["last"], row["by_size"], row["by_delay"], row["domains"]
    )
