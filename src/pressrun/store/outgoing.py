"""Which issues the public may take for published: what has begun to leave, and what is approved."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.site.withheld import Standing
from pressrun.store.approval import Decision, decision_that_holds
from pressrun.store.database import Database, open_database
from pressrun.store.tables import approvals, deliveries, sends


async def ask_store(url: str) -> Standing:
    """How the issues in the store at `url` stand; SQLite's file is not made where there is none. Raises StoreError."""
    if url.startswith("sqlite") and not _is_there(url):
        return Standing()
    async with open_database(url) as database:
        return await read_outgoing(database)


async def read_outgoing(database: Database) -> Standing:
    """The same of a store that is open: one moment of it."""
    async with database.read() as connection:
        begun = await _read_begun(connection)
        approved = await _read_approved(connection, begun)
    return Standing(begun, approved)


def _is_there(url: str) -> bool:
    return Path(sa.make_url(url).database or "").is_file()


async def _read_begun(connection: AsyncConnection) -> frozenset[str]:
    """The issues of which a message was tried; rows that only wait for an approval don't count."""
    tried = sa.exists().where(deliveries.c.issue == sends.c.issue, deliveries.c.attempts > 0)
    return frozenset((await connection.scalars(sa.select(sends.c.issue).where(tried).distinct())).all())


async def _read_approved(connection: AsyncConnection, begun: frozenset[str]) -> dict[str, dt.datetime | None]:
    """What was approved and did not change since; what has begun needs no look, which may take seconds."""
    query = sa.select(approvals.c.issue).where(approvals.c.decision == Decision.APPROVED).distinct()
    decided = [issue for issue in (await connection.scalars(query)).all() if issue not in begun]
    held = {issue: await decision_that_holds(connection, issue) for issue in decided}
    return {issue: given.send_at for issue, given in held.items() if given and given.decision is Decision.APPROVED}
