"""Gauges: how things stand in the store at one moment, in figures that are cheap to come by."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.store.database import Database
from pressrun.store.people_tables import confirmations, webhook_posts
from pressrun.store.tables import deliveries, sends, workers

RECENT = dt.timedelta(days=7)
MOST_ISSUES = 10


@dataclass(frozen=True)
class Gauges:
    """How things stand: requests for a confirmation, posts of webhooks, deliveries by issue and state, workers.

    Of deliveries those of the issues that were planned last, within a week.
    """

    confirmations: Mapping[str, int]
    posts: Mapping[str, int]
    deliveries: Mapping[tuple[str, str], int]
    workers: int


async def read_gauges(database: Database, now: dt.datetime) -> Gauges:
    """How things stand."""
    async with database.read() as connection:
        posted = sa.select(webhook_posts.c.state, sa.func.count()).group_by(webhook_posts.c.state)
        alive = sa.select(sa.func.count()).select_from(workers).where(workers.c.lease_until > now)
        return Gauges(
            await _count_confirmations(connection),
            {state: count for state, count in await connection.execute(posted)},
            await _count_deliveries(connection, now - RECENT),
            await connection.scalar(alive) or 0,
        )


async def _count_confirmations(connection: AsyncConnection) -> dict[str, int]:
    row = confirmations.c
    query = sa.select(sa.func.count(), sa.func.count(row.mailed_at), sa.func.count(row.confirmed_at))
    asked, mailed, confirmed = (await connection.execute(query)).one()
    return {"asked": asked, "mailed": mailed, "confirmed": confirmed}


async def _count_deliveries(connection: AsyncConnection, since: dt.datetime) -> dict[tuple[str, str], int]:
    newest = sa.func.max(sends.c.id)
    recent = sa.select(sends.c.issue).where(sends.c.created_at >= since).group_by(sends.c.issue).order_by(newest.desc())
    issues = (await connection.scalars(recent.limit(MOST_ISSUES))).all()
    counts: dict[tuple[str, str], int] = {}
    for issue in issues:
        row = deliveries.c
        ids = sa.select(sa.func.min(row.id), sa.func.max(row.id)).where(row.issue == issue)
        first, last = (await connection.execute(ids)).one()
        if first is None:
            continue
        # In the order in which they lie on the disk: see `tally`.
        query = sa.select(row.state, sa.func.count()).where(row.id.between(first, last), row.issue == issue)
        for state, count in await connection.execute(query.group_by(row.state)):
            counts[issue, state] = count
    return counts
