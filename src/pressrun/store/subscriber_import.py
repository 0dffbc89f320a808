"""Imports subscribers in one transaction: the rows are gathered beside the tables, then joined to them at one stroke.

Gathering takes most of the time and touches only a temporary table, so that a send can go on writing its log meanwhile;
SQLite has but one writer at a time.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.store.attributes import clean_attributes, differs, merged
from pressrun.store.database import Database
from pressrun.store.subscriber import ImportReport, RejectedRow, Row, check_list_name
from pressrun.store.subscribers import insert_into, make_list
from pressrun.store.tables import UtcDateTime, memberships, subscribers

_BATCH = 2_000  # rows gathered at a time: some milliseconds of parsing between two awaits
_LOCK = 0x696D706F7274  # "import": PostgreSQL's imports queue by it, or two that share people could wait for each other

_gathered = sa.Table(
    "gathered_subscribers",
    sa.MetaData(),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("line", sa.Integer, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("address_key", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=True),
    sa.Column("patch", sa.Text, nullable=False),  # attributes, as a JSON merge patch
    prefixes=["TEMPORARY"],
)
_dump_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


async def import_subscribers(
    database: Database, rows: Iterable[Row | RejectedRow], list_name: str, now: dt.datetime
) -> ImportReport:
    """Put the people of `rows` on a list, all or, after an exception, none; the list is made if there is none.

    Of two rows with one address the first counts. Who has left the list stays away and is not changed. A second import
    of the same rows changes nothing. Memory is bounded, but for the rejected and doubled rows of the report.
    """
    check_list_name(list_name)
    rejected: list[RejectedRow] = []
    async with database.connect() as connection:
        async with connection.begin():
            await _gather(connection, _sift(rows, rejected))
            duplicates = await _drop_duplicates(connection)
        async with database.writing(connection):
            counts = await _merge(connection, list_name, now)
            await connection.run_sync(_gathered.drop)
    return ImportReport(**counts, rejected=tuple(rejected), duplicates=duplicates)


def _sift(rows: Iterable[Row | RejectedRow], rejected: list[RejectedRow]) -> Iterator[Row]:
    for row in rows:
        if isinstance(row, Row):
            yield row
        else:
            rejected.append(row)


async def _gather(connection: AsyncConnection, rows: Iterator[Row]) -> None:
    await connection.execute(sa.text(f"DROP TABLE IF EXISTS {_gathered.name}"))  # an import before may have failed
    await connection.run_sync(_gathered.create, checkfirst=False)
    position = 0
    while batch := list(islice(rows, _BATCH)):
        await _store(connection, [_values(position + n, row) for n, row in enumerate(batch)])
        position += len(batch)
    # Only now: an index slows down what is stored in no order.
    await connection.execute(sa.text(f"CREATE INDEX ix_gathered ON {_gathered.name} (address_key, position)"))
    if connection.dialect.name == "postgresql":
        await connection.execute(sa.text(f"ANALYZE {_gathered.name}"))  # nobody else does it to a temporary table


def _values(position: int, row: Row) -> tuple[Any, ...]:
    patch = _dump_json(clean_attributes(row.attributes))
    return position, row.line, row.address.address, row.address.key, row.name, patch


async def _store(connection: AsyncConnection, values: list[tuple[Any, ...]]) -> None:
    # Past SQLAlchemy's own handling of parameters, which takes as long again.
    marks = "$1, $2, $3, $4, $5, $6" if connection.dialect.name == "postgresql" else "?, ?, ?, ?, ?, ?"
    await connection.exec_driver_sql(f"INSERT INTO {_gathered.name} VALUES ({marks})", values)


async def _drop_duplicates(connection: AsyncConnection) -> tuple[RejectedRow, ...]:
    """Keep the first row of each address; give back the others."""
    total = sa.func.count() - sa.func.count(_gathered.c.address_key.distinct())
    if not await connection.scalar(sa.select(total)):
        return ()
    rows = sa.over(sa.func.row_number(), partition_by=_gathered.c.address_key, order_by=_gathered.c.position)
    first = sa.over(sa.func.min(_gathered.c.line), partition_by=_gathered.c.address_key)
    ranked = sa.select(_gathered, rows.label("rank"), first.label("first")).subquery()
    query = sa.select(ranked).where(ranked.c.rank > 1).order_by(ranked.c.position)
    found = (await connection.execute(query)).all()
    drop = sa.delete(_gathered).where(_gathered.c.position == sa.bindparam("doubled"))
    await connection.execute(drop, [{"doubled": row.position} for row in found])
    return tuple(RejectedRow(row.line, row.address, f"the same address as in line {row.first}") for row in found)


async def _merge(connection: AsyncConnection, list_name: str, now: dt.datetime) -> dict[str, int]:
    """Put those gathered on the list; how many were added, updated, unchanged, and had left."""
    if connection.dialect.name == "postgresql":
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    list_id = await make_list(connection, list_name, now)
    left = await _drop_left(connection, list_id)
    members, updated, changed = await _compare(connection, list_id)
    if changed:
        await _update_people(connection, now)
    await _insert_people(connection, now)
    added = await _insert_members(connection, list_id, now)
    return {"added": added, "updated": updated, "unchanged": members - updated, "left": left}


async def _drop_left(connection: AsyncConnection, list_id: int) -> int:
    left = (
        sa.select(subscribers.c.address_key)
        .join(memberships, memberships.c.subscriber_id == subscribers.c.id)
        .where(memberships.c.list_id == list_id, memberships.c.left_at.is_not(None))
    )
    return (await connection.execute(sa.delete(_gathered).where(_gathered.c.address_key.in_(left)))).rowcount


async def _compare(connection: AsyncConnection, list_id: int) -> tuple[int, int, int]:
    """How many of those gathered are members, are members who would change, are stored and would change."""
    is_member = memberships.c.subscriber_id.is_not(None)
    unlike = _would_change(connection)
    query = (
        sa.select(
            sa.func.count().filter(is_member),
            sa.func.count().filter(is_member, unlike),
            sa.func.count().filter(unlike),
        )
        .select_from(_gathered)
        .join(subscribers, subscribers.c.address_key == _gathered.c.address_key)
        .outerjoin(
            memberships, sa.and_(memberships.c.list_id == list_id, memberships.c.subscriber_id == subscribers.c.id)
        )
    )
    members, updated, changed = (await connection.execute(query)).one()
    return members, updated, changed


def _would_change(connection: AsyncConnection) -> sa.ColumnElement[bool]:
    return differs(connection.dialect.name, _gathered.c.address, _gathered.c.name, _gathered.c.patch)


async def _update_people(connection: AsyncConnection, now: dt.datetime) -> None:
    query = (
        sa.update(subscribers)
        .where(subscribers.c.address_key == _gathered.c.address_key, _would_change(connection))
        .values(
            address=_gathered.c.address,
            name=sa.func.coalesce(_gathered.c.name, subscribers.c.name),
            attributes=merged(connection.dialect.name, subscribers.c.attributes, _gathered.c.patch),
            updated_at=now,
        )
    )
    await connection.execute(query)


async def _insert_people(connection: AsyncConnection, now: dt.datetime) -> None:
    moment = sa.literal(now, UtcDateTime)
    stored = sa.exists().where(subscribers.c.address_key == _gathered.c.address_key)
    people = (
        sa.select(
            _gathered.c.address,
            _gathered.c.address_key,
            sa.func.coalesce(_gathered.c.name, ""),
            merged(connection.dialect.name, sa.literal_column("'{}'"), _gathered.c.patch),
            moment.label("created_at"),
            moment.label("updated_at"),
        )
        .where(~stored)
        .order_by(_gathered.c.position)
    )
    columns = ["address", "address_key", "name", "attributes", "created_at", "updated_at"]
    # PostgreSQL may have stored one of them for somebody else since the look.
    await connection.execute(insert_into(connection, subscribers).from_select(columns, people).on_conflict_do_nothing())


async def _insert_members(connection: AsyncConnection, list_id: int, now: dt.datetime) -> int:
    member = sa.exists().where(memberships.c.list_id == list_id, memberships.c.subscriber_id == subscribers.c.id)
    people = (
        sa.select(sa.literal(list_id), subscribers.c.id, sa.literal(now, UtcDateTime))
        .join(_gathered, _gathered.c.address_key == subscribers.c.address_key)
        .where(~member)
        .order_by(subscribers.c.id)
    )
    query = insert_into(connection, memberships).from_select(["list_id", "subscriber_id", "joined_at"], people)
    return int((await connection.execute(query.on_conflict_do_nothing())).rowcount)
