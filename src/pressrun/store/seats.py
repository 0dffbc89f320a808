"""Seats in the store: one row a worker and relay, so that all workers together keep to a relay's connections."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import asdict

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.delivery.seating import Claim
from pressrun.store.database import Database
from pressrun.store.subscribers import insert_into
from pressrun.store.tables import seats, workers

_LOCK = 0x7365617473  # "seats": what PostgreSQL's workers queue by, together with the relay's name


async def exchange(
    database: Database, relay: str, now: dt.datetime, decide: Callable[[Sequence[Claim]], Claim]
) -> Claim:
    """Write what `decide` makes of the claims on `relay`: the claim of the worker that asks, whose lease must hold.

    `decide` is told the claims of all workers whose lease holds. It may be asked twice: nothing is written, and nobody
    waits, where it wants what stands already. Raises StoreError where the store can't be reached.
    """
    async with database.read() as connection:
        claims = await _read_claims(connection, relay, now)
    if (claim := decide(claims)) in claims:
        return claim
    async with database.write() as connection:
        await _lock(connection, relay)
        await connection.execute(sa.delete(seats).where(seats.c.relay == relay, seats.c.worker_id.not_in(_live(now))))
        claim = decide(await _read_claims(connection, relay, now))
        values = asdict(claim)
        statement = insert_into(connection, seats).values(relay=relay, **values)
        keys = [seats.c.relay, seats.c.worker_id]
        await connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=values))
    return claim


async def leave(database: Database, worker_id: str) -> None:
    """Give up all seats of a worker that has no connection open."""
    async with database.write() as connection:
        await connection.execute(sa.delete(seats).where(seats.c.worker_id == worker_id))


async def _lock(connection: AsyncConnection, relay: str) -> None:
    """Let nobody else decide about this relay until the transaction ends; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        key = sa.func.hashtextextended(relay, _LOCK)
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))


async def _read_claims(connection: AsyncConnection, relay: str, now: dt.datetime) -> list[Claim]:
    query = sa.select(seats.c.worker_id, seats.c.held, seats.c.wanted)
    rows = await connection.execute(query.where(seats.c.relay == relay, seats.c.worker_id.in_(_live(now))))
    return [Claim(*row) for row in rows]


def _live(now: dt.datetime) -> sa.Select[tuple[str]]:
    return sa.select(workers.c.id).where(workers.c.lease_until > now)
