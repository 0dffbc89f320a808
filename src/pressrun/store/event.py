"""Events: what happened to people and deliveries, in the order in which it happened."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.store.database import Database
from pressrun.store.people_tables import events

_RECORDING = 0x70726576
"""The class of the advisory locks that transactions hold on PostgreSQL while they record events."""


# The first of a transaction's ids is what counts: another time it would hold another lock, of which a server has few.
_BEGIN = sa.text(
    "SELECT pg_advisory_xact_lock_shared(:class, ((last_value - (NOT is_called)::int) & 2147483647)::int)"
    " FROM events_id_seq WHERE NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = :class"
    " AND objsubid = 2 AND pid = pg_backend_pid())"
)
_LOWEST = sa.text(
    "SELECT min(objid::bigint) FROM pg_locks WHERE locktype = 'advisory' AND classid = :class AND objsubid = 2"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


class EventKind(StrEnum):
    """What can happen. The values stand in the store, in webhooks and in the REST API: they never change."""

    JOINED = "joined"
    LEFT = "left"
    PAUSED = "paused"
    RESUMED = "resumed"
    CHANGED = "changed"
    TAGGED = "tagged"
    UNTAGGED = "untagged"
    SUPPRESSED = "suppressed"
    UNSUPPRESSED = "unsuppressed"
    FORGOTTEN = "forgotten"
    IMPORTED = "imported"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    OPENED = "opened"
    CLICKED = "clicked"
    SENT = "sent"
    FINISHED = "finished"


@dataclass(frozen=True)
class Event:
    """Something that happened `at` a moment. `detail` holds what belongs to its kind, as JSON; never a secret."""

    kind: EventKind
    at: dt.datetime
    subscriber_id: int | None = None
    list: str | None = None
    issue: str | None = None
    delivery_id: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class NumberedEvent:
    """An event as the store has it. Ids go up and none is given twice, so that a cursor may go by them."""

    id: int
    event: Event


async def record_events(connection: AsyncConnection, happened: Sequence[Event]) -> None:
    """Note what happened, in the transaction in which it does."""
    if happened:
        await begin_recording(connection)
        await connection.execute(sa.insert(events), [_row(event) for event in happened])


async def begin_recording(connection: AsyncConnection) -> None:
    """Say that this transaction is about to add events, for what inserts them by other ways than `record_events`.

    On PostgreSQL a transaction may commit an event after another one has committed a higher id, and who reads on from
    the highest would never see it. So each says from which id on its own may be: `settled_event` reads up to there.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(_BEGIN, {"class": _RECORDING})


async def settled_event(connection: AsyncConnection) -> int:
    """The id up to which every event is there for the statements that follow: none is added below it any more.

    On PostgreSQL the transaction must be one that sees what others commit meanwhile (READ COMMITTED).
    """
    highest: int = await connection.scalar(sa.select(sa.func.max(events.c.id))) or 0
    if connection.dialect.name != "postgresql":  # SQLite has one writer: ids are committed in their order
        return highest
    # Asked for after the highest: whoever begins to record from now on gets higher ids than that.
    held: int | None = await connection.scalar(_LOWEST, {"class": _RECORDING})
    return highest if held is None else min(highest, held)


async def read_events(
    database: Database, after: int = 0, kinds: Sequence[EventKind] = (), limit: int = 100
) -> list[NumberedEvent]:
    """Up to `limit` events whose id is above `after`, of these kinds or of all, in the order of their ids.

    Whoever reads on from the last id misses none: what is still being added is left for the next time.
    """
    async with database.connect() as connection, connection.begin():
        settled = await settled_event(connection)
        query = sa.select(events).where(events.c.id > after, events.c.id <= settled).order_by(events.c.id).limit(limit)
        if kinds:
            query = query.where(events.c.kind.in_([kind.value for kind in kinds]))
        return [numbered_event(row) for row in (await connection.execute(query)).mappings()]


def numbered_event(row: Mapping[Any, Any]) -> NumberedEvent:
    """The event that a row of the table says."""
    fields = {name: row[name] for name in ("at", "subscriber_id", "list", "issue", "delivery_id", "detail")}
    return NumberedEvent(row["id"], Event(EventKind(row["kind"]), **fields))


def _row(event: Event) -> dict[str, Any]:
    return {
        "at": event.at,
        "kind": event.kind.value,
        "subscriber_id": event.subscriber_id,
        "list": event.list,
        "issue": event.issue,
        "delivery_id": event.delivery_id,
        "detail": dict(event.detail),
    }
