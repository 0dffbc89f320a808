"""Gathers the rows of an import in a temporary table beside the store's: in batches, each address once."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.link_keys import LinkKeys
from pressrun.store.attributes import clean_attributes
from pressrun.store.forget import address_hashes
from pressrun.store.people_tables import forgotten
from pressrun.store.subscriber import Facts, RejectedRow, Row, Standing
from pressrun.store.tables import UtcDateTime

_BATCH = 2_000  # rows gathered at a time: some milliseconds of parsing between two awaits
_MOST_KEPT = 10_000  # rejected or doubled rows, of each

gathered = sa.Table(
    "gathered_subscribers",
    sa.MetaData(),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("line", sa.Integer, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("address_key", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=True),
    sa.Column("patch", sa.Text, nullable=False),  # attributes, as a JSON merge patch
    sa.Column("standing", sa.Text, nullable=False),  # a Standing
    sa.Column("tags", sa.Text, nullable=True),  # as a JSON list
    sa.Column("given_at", UtcDateTime, nullable=True),
    sa.Column("ended_at", UtcDateTime, nullable=True),
    sa.Column("network", sa.Text, nullable=True),
    sa.Column("proof", sa.Text, nullable=True),  # as JSON
    sa.Column("reason", sa.Text, nullable=True),
    prefixes=["TEMPORARY"],
)
_hashes = sa.Table(
    "gathered_hashes",
    gathered.metadata,
    sa.Column("address_hash", sa.Text, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    prefixes=["TEMPORARY"],
)
_dump_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_NO_FACTS = Facts()


class Sieve:
    """Lets good rows through, and keeps the first of those that are not taken; `tell` hears of each of these."""

    def __init__(self, tell: Callable[[RejectedRow], None] | None) -> None:
        self._tell = tell
        self.rejected: list[RejectedRow] = []
        self.duplicates: list[RejectedRow] = []
        self.omitted = 0
        self.standings: set[Standing] = set()
        self.has_tags = False

    def sift(self, rows: Iterable[Row | RejectedRow]) -> Iterator[Row]:
        """The good ones of `rows`."""
        for row in rows:
            if isinstance(row, RejectedRow):
                self.refuse(row, self.rejected)
                continue
            self.standings.add(row.standing)
            self.has_tags = self.has_tags or bool(row.tags)
            yield row

    def refuse(self, row: RejectedRow, kept: list[RejectedRow]) -> None:
        """Note a row that is not taken."""
        if self._tell:
            self._tell(row)
        if len(kept) < _MOST_KEPT:
            kept.append(row)
        else:
            self.omitted += 1


async def gather(
    connection: AsyncConnection, rows: Iterable[Row | RejectedRow], sieve: Sieve, now: dt.datetime
) -> None:
    """Put the good ones of `rows` into the temporary table, the first of each address."""
    for table in (gathered, _hashes):
        await connection.execute(sa.text(f"DROP TABLE IF EXISTS {table.name}"))  # an import before may have failed
        await connection.run_sync(table.create, checkfirst=False)
    is_postgres = connection.dialect.name == "postgresql"
    good = sieve.sift(rows)
    position = 0
    while batch := list(islice(good, _BATCH)):
        await _store(connection, [_values(position + n, row, now, is_postgres) for n, row in enumerate(batch)])
        position += len(batch)
    # Only now: an index slows down what is stored in no order.
    await connection.execute(sa.text(f"CREATE INDEX ix_gathered ON {gathered.name} (address_key, position)"))
    if is_postgres:
        await connection.execute(sa.text(f"ANALYZE {gathered.name}"))  # nobody else does it to a temporary table
    await _drop_duplicates(connection, sieve)


async def drop_gathered(connection: AsyncConnection) -> None:
    """Remove the temporary tables."""
    for table in (gathered, _hashes):
        await connection.run_sync(table.drop)


async def hash_gathered(connection: AsyncConnection, keys: LinkKeys) -> bool:
    """Reckon what may stand for each address among the forgotten; False where nobody was forgotten, and none is."""
    if await connection.scalar(sa.select(forgotten.c.address_hash).limit(1)) is None:
        return False
    query = sa.select(gathered.c.position, gathered.c.address_key).order_by(gathered.c.position).limit(_BATCH)
    last = -1
    while rows := (await connection.execute(query.where(gathered.c.position > last))).all():
        last = rows[-1].position
        found = [(text, row.position) for row in rows for text in address_hashes(keys, row.address_key)]
        await _insert(connection, _hashes, found)
    return True


async def drop_forgotten(connection: AsyncConnection) -> int:
    """Take out of the table who was forgotten, by the hashes; how many."""
    gone = sa.select(_hashes.c.position).join(forgotten, forgotten.c.address_hash == _hashes.c.address_hash)
    return (await connection.execute(sa.delete(gathered).where(gathered.c.position.in_(gone)))).rowcount


def _values(position: int, row: Row, now: dt.datetime, is_postgres: bool) -> tuple[Any, ...]:
    patch = _dump_json(clean_attributes(row.attributes))
    tags = _dump_json(row.tags) if row.tags else None
    said = (position, row.line, row.address.address, row.address.key, row.name, patch, row.standing.value, tags)
    facts = row.facts
    if facts is None:
        return (*said, None, None, None, None, None)
    given_at, ended_at = (_moment(at, now, is_postgres) for at in (facts.given_at, facts.ended_at))
    return (*said, given_at, ended_at, facts.network, _dump_json(dict(facts.proof)), facts.reason)


def _moment(at: dt.datetime | None, now: dt.datetime, is_postgres: bool) -> object:
    """A moment as the driver takes it; none lies ahead."""
    if at is None:
        return None
    utc = min(at, now).astimezone(dt.UTC).replace(tzinfo=None)
    return utc if is_postgres else utc.isoformat(" ", "microseconds")


async def _store(connection: AsyncConnection, values: list[tuple[Any, ...]]) -> None:
    await _insert(connection, gathered, values)


async def _insert(connection: AsyncConnection, table: sa.Table, values: list[tuple[Any, ...]]) -> None:
    # Past SQLAlchemy's own handling of parameters, which takes as long again.
    numbers = range(1, len(table.c) + 1)
    marks = ", ".join(f"${n}" if connection.dialect.name == "postgresql" else "?" for n in numbers)
    await connection.exec_driver_sql(f"INSERT INTO {table.name} VALUES ({marks})", values)


async def _drop_duplicates(connection: AsyncConnection, sieve: Sieve) -> None:
    """Keep one row of each address: the first, but one that lets them go before one that takes them in."""
    total = sa.func.count() - sa.func.count(gathered.c.address_key.distinct())
    if not await connection.scalar(sa.select(total)):
        return
    weight = sa.case({Standing.SUPPRESSED.value: 0, Standing.LEFT.value: 1}, value=gathered.c.standing, else_=2)
    window: dict[str, Any] = {"partition_by": gathered.c.address_key, "order_by": (weight, gathered.c.position)}
    rank = sa.over(sa.func.row_number(), **window).label("rank")
    kept = sa.over(sa.func.first_value(gathered.c.line), **window).label("kept")
    ranked = sa.select(gathered.c.position, gathered.c.line, gathered.c.address, rank, kept).subquery()
    query = sa.select(ranked).where(ranked.c.rank > 1).order_by(ranked.c.position)
    async with connection.stream(query) as found:
        async for row in found:
            reason = f"the same address as in line {row.kept}"
            sieve.refuse(RejectedRow(row.line, row.address, reason), sieve.duplicates)
    doubled = sa.select(ranked.c.position).where(ranked.c.rank > 1)
    await connection.execute(sa.delete(gathered).where(gathered.c.position.in_(doubled)))
