"""The journal: what a worker asks of the delivery log for every message, in as few steps as a database takes.

Claims, marks and outcomes of many rows go to the database in one statement each, on a connection of its own. SQLAlchemy
would take longer over them than all else does that happens to a message; everything else asks through it.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from pressrun.delivery.outcome import State
from pressrun.store.database import Database


class Claimed(NamedTuple):
    """A row this worker may send: the recipient as planned."""

    id: int
    send_id: int
    list: str
    subscriber_id: int
    address: str
    name: str
    attributes: Mapping[str, Any]
    message_id: str
    attempts: int
    created_at: dt.datetime
    form: str | None = None
    repeated: bool = False


class Mark(NamedTuple):
    """A row whose final dot is about to leave: how its message is built, and to which relay it goes."""

    id: int
    form: str
    relay: str


class Settled(NamedTuple):
    """What is to be written for a row whose try is over; `attempts` counts the tries made, this one included."""

    id: int
    state: State
    attempts: int
    code: int | None
    enhanced: str | None
    reply: str | None
    due_at: dt.datetime
    updated_at: dt.datetime
    relay: str | None = None
    repeated: bool = False


@dataclass(frozen=True)
class Scope:
    """Which rows a worker is after, and as whom."""

    issue: str
    worker_id: str
    list_name: str | None = None
    expiry: dt.timedelta = field(default=dt.timedelta(days=3))


class Journal(Protocol):
    """SQLite's and PostgreSQL's; a StoreError of theirs leaves nothing half written."""

    async def claim(self, scope: Scope, limit: int, now: dt.datetime) -> list[Claimed]:
        """Up to `limit` due rows, now this worker's alone.

        Rows of people who are suppressed or paused, have left or were forgotten since planning are closed instead
        (promise 7), as are deferred rows older than the scope's expiry; so only an empty list means that none are left.
        """

    async def write(
        self, worker_id: str, settled: Sequence[Settled], marks: Sequence[Mark], now: dt.datetime
    ) -> frozenset[int]:
        """Make outcomes and marks durable together; the dots of those rows that come back may leave, and no others.

        An outcome is written only where the row is still this worker's, or was taken for in doubt because this worker
        seemed gone. No row may stand in both.
        """


@asynccontextmanager
async def open_journal(database: Database) -> AsyncIterator[Journal]:
    """The journal of `database`, on connections of its own until the end of the block. Raises StoreError."""
    opened: AbstractAsyncContextManager[Journal]
    if database.dialect == "sqlite":
        from pressrun.store.journal_sqlite import open_sqlite_journal

        opened = open_sqlite_journal(database)
    else:
        from pressrun.store.journal_postgres import open_postgres_journal

        opened = open_postgres_journal(database)
    async with opened as journal:
        yield journal


@dataclass(frozen=True, slots=True)
class Found:
    """A due row as a claim finds it: `unwanted` says why it is to be closed instead."""

    claimed: Claimed
    unwanted: State | None
    reason: str | None


FORGOTTEN = "the person was forgotten"
LEFT = "the person has left the list"
PAUSED = "the person paused mail until "
SUPPRESSED = "the address is suppressed"


def sort_out(claimed: Claimed, *, suppressed: bool, away: str | None, expired: bool) -> Found:
    """Whether a due row is still to be sent; `away` is empty of somebody who left, a moment of somebody who paused."""
    if not claimed.address:
        return Found(claimed, State.SUPPRESSED, FORGOTTEN)
    if suppressed:
        return _close(claimed, State.SUPPRESSED, SUPPRESSED)
    if away is not None:
        return _close(claimed, State.SUPPRESSED, f"{PAUSED}{away[:10]}" if away else LEFT)
    return _close(claimed, State.EXPIRED, None) if expired else Found(claimed, None, None)


def _close(claimed: Claimed, state: State, reason: str | None) -> Found:
    if claimed.repeated:  # the first message may have arrived: only the second one is not sent
        return Found(claimed, State.IN_DOUBT, f"in doubt, and not sent again: {reason}" if reason else None)
    return Found(claimed, state, reason)


_NOTHING: Mapping[str, Any] = {}


def read_attributes(text: str) -> Mapping[str, Any]:
    """Attributes as SQLite holds them."""
    return _NOTHING if text == "{}" else json.loads(text)


def in_utc(moment: dt.datetime) -> dt.datetime:
    """The moment as it is stored; one without a zone can't be."""
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone can't be stored")
    return moment.astimezone(dt.UTC)


@lru_cache(maxsize=64)
def read_moment(text: str) -> dt.datetime:
    """A moment as SQLite holds it; rows planned together have one."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)
