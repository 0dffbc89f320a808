"""Starts: who may start an issue for an occasion, decided by one row, whoever looks and however often."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from pressrun.store.database import Database
from pressrun.store.subscribers import insert_into
from pressrun.store.tables import starts


@dataclass(frozen=True)
class Start:
    """A claim to start an issue; confirmed where `started_at` says when. `run` is what began, by its own name."""

    issue: str
    occasion: str
    claimed_by: str
    claimed_at: dt.datetime
    started_at: dt.datetime | None
    run: str | None


async def claim_start(
    database: Database, issue: str, occasion: str, by: str, now: dt.datetime, *, stale: dt.timedelta
) -> bool:
    """Whether `by` may start `issue` for `occasion`: the first one may, and nobody else.

    A claim that nobody confirmed within `stale` may be taken over. So may one from further in the future than that: it
    was made by a clock that has been set back since.
    """
    claim = {"issue": issue, "occasion": occasion, "claimed_by": by, "claimed_at": now}
    given_up = sa.or_(starts.c.claimed_at <= now - stale, starts.c.claimed_at > now + stale)
    async with database.write() as connection:
        statement = (
            insert_into(connection, starts)
            .values(claim)
            .on_conflict_do_update(
                index_elements=[starts.c.issue, starts.c.occasion],
                set_={"claimed_by": by, "claimed_at": now},
                where=sa.and_(starts.c.started_at.is_(None), given_up),
            )
        )
        return bool((await connection.execute(statement)).rowcount > 0)


async def confirm_start(database: Database, issue: str, occasion: str, run: str, now: dt.datetime) -> bool:
    """Note that what was claimed has begun, as `run`; whether this was the first to say so. What stands, stays."""
    statement = sa.update(starts).where(starts.c.issue == issue, starts.c.occasion == occasion)
    async with database.write() as connection:
        noted = await connection.execute(statement.where(starts.c.started_at.is_(None)).values(started_at=now, run=run))
        return bool(noted.rowcount > 0)


async def read_start(database: Database, issue: str, occasion: str) -> Start | None:
    """The claim on `issue` for `occasion`, if there is one."""
    query = sa.select(starts).where(starts.c.issue == issue, starts.c.occasion == occasion)
    async with database.read() as connection:
        row = (await connection.execute(query)).mappings().first()
    return Start(**row) if row else None
