"""Keeps the store tidy between sends: what is over age, what is no longer asked for, what the database does itself."""

from __future__ import annotations

import datetime as dt
import sqlite3
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.delivery.outcome import State
from pressrun.store.control import Wish
from pressrun.store.database import Database, explain_failure
from pressrun.store.scope import closed_as
from pressrun.store.tables import controls, deliveries, sends, starts

PAGE = 5_000
"""How many rows are changed in one transaction: whoever delivers meanwhile waits for no longer."""

# Word for word as the indexes have them: else SQLite looks at every row of the log.
_DEFERRED = sa.text("state = 'deferred'")
_OPEN = (sa.text("state = 'queued'"), _DEFERRED, sa.text("state IN ('sending', 'dot')"))


async def expire_deferred(database: Database, expiry: dt.timedelta, now: dt.datetime, page: int = PAGE) -> int:
    """Close the deferred rows that are due and were planned longer than `expiry` ago: how many.

    The rule is that of a claim, for rows that no run comes for. Rows of a send that is held or of an issue that is
    paused or cancelled are left alone, and rows that were never tried: they wait for something else than a relay.
    """
    steered = sa.select(controls.c.issue).where(controls.c.wish != Wish.RUN.value)
    running = sa.select(sends.c.id).where(~sends.c.held, sends.c.issue.not_in(steered))
    over_age = (
        sa.select(deliveries.c.id)
        .where(deliveries.c.send_id.in_(running), _DEFERRED, deliveries.c.due_at <= now)
        .where(deliveries.c.attempts > 0, deliveries.c.created_at <= now - expiry)
        .limit(page)
    )
    # The state once more: on PostgreSQL a claim may have taken the row since it was looked for.
    close = sa.update(deliveries).where(deliveries.c.id.in_(over_age), _DEFERRED)
    total = 0
    while True:
        async with database.write() as connection:
            values = {"state": closed_as(State.EXPIRED), "worker_id": None, "updated_at": now}
            closed = (await connection.execute(close.values(values))).rowcount
        total += closed
        if closed < page:
            return total


async def forget_starts(database: Database, before: dt.datetime) -> int:
    """Forget what was started before a moment for issues that are finished since: how many.

    Of every issue its first and its last start stay, and all of one that isn't finished or of which nothing was ever
    planned: they keep it from being started again.
    """
    of_issue = sa.select(starts.c.issue, sa.func.min(starts.c.claimed_at).label("first"))
    ends = of_issue.add_columns(sa.func.max(starts.c.claimed_at).label("last")).group_by(starts.c.issue).subquery()
    between = sa.exists().where(
        ends.c.issue == starts.c.issue, starts.c.claimed_at > ends.c.first, starts.c.claimed_at < ends.c.last
    )
    planned = starts.c.issue.in_(sa.select(sends.c.issue))
    old = sa.delete(starts).where(starts.c.claimed_at < before, between, planned)
    async with database.write() as connection:
        unfinished = await open_issues(connection)
        return (await connection.execute(old.where(starts.c.issue.not_in(sorted(unfinished))))).rowcount


async def read_open_issues(database: Database) -> set[str]:
    """The issues that have rows which are not settled, held ones too."""
    async with database.read() as connection:
        return await open_issues(connection)


async def open_issues(connection: AsyncConnection) -> set[str]:
    """The same, in the caller's transaction."""
    found: set[str] = set()
    for is_open in _OPEN:
        rows = sa.exists().where(deliveries.c.send_id == sends.c.id, is_open)
        found.update(await connection.scalars(sa.select(sends.c.issue).where(rows)))
    return found


async def tidy_sqlite(database: Database) -> None:
    """Let SQLite refresh what it knows of its tables, and write its log back; PostgreSQL does so by itself.

    Where others keep writing it is left for the next time.
    """
    if database.dialect != "sqlite":
        return
    async with database.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection  # these go in no transaction
        try:
            for pragma in _TIDYING:
                await driver.execute_fetchall(f"PRAGMA {pragma}")
        except sqlite3.Error as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise explain_failure(database.place, error) from None


_TIDYING = (
    "analysis_limit = 400",  # an estimate is enough: without a limit whole indexes are read
    "optimize",
    "wal_checkpoint(PASSIVE)",  # waits for nobody, and nobody waits for it
)
