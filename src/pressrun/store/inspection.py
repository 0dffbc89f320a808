"""Looks at a database as it is, and changes nothing: whether it can be used, by this version, from here."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass

import sqlalchemy as sa

from pressrun.store.database import Database
from pressrun.store.migrations import REVISIONS, read_revision


@dataclass(frozen=True)
class Inspection:
    """What was seen: the tables' revision (None where there are none), whether it takes writes, its own clock."""

    revision: str | None
    takes_writes: bool
    clock: dt.datetime | None
    """What PostgreSQL's server takes the time to be; None on SQLite, which has this machine's."""

    @property
    def is_known(self) -> bool:
        """Whether this version of pressrun can read it."""
        return self.revision is None or self.revision in REVISIONS

    @property
    def is_current(self) -> bool:
        """Whether the tables are as this version wants them."""
        return self.revision == REVISIONS[-1]


async def inspect_database(database: Database) -> Inspection:
    """Look at `database`. Raises StoreError where it can't be reached or is none."""
    async with database.connect() as connection:
        revision = await read_revision(connection)
        if database.dialect == "sqlite":
            return Inspection(revision, os.access(database.path, os.W_OK), None)
        clock, refuses = (await connection.execute(_STATE)).one()
        return Inspection(revision, not refuses, clock)


_STATE = sa.text(
    "SELECT clock_timestamp(), pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean"
)
