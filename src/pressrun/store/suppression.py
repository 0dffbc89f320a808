"""Suppressions: addresses that are never mailed, on whatever list, with who said so and why."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.address import ParsedAddress
from pressrun.errors import UsageError
from pressrun.store.database import Database
from pressrun.store.event import Event, EventKind, record_events
from pressrun.store.subscribers import insert_into
from pressrun.store.tables import subscribers, suppressions


@dataclass(frozen=True)
class Suppression:
    """Why an address is never mailed, and since when."""

    reason: str
    created_at: dt.datetime


async def suppress(database: Database, address: ParsedAddress, reason: str, by: str, now: dt.datetime) -> bool:
    """Never mail `address` again; whether that is new. The first reason stands.

    Nobody has to be a subscriber for it. Raises UsageError without a reason.
    """
    async with database.write() as connection:
        return await suppress_within(connection, address.key, reason, by, now)


async def suppress_within(
    connection: AsyncConnection, address_key: str, reason: str, by: str, now: dt.datetime
) -> bool:
    """The same in a transaction of the caller's."""
    values = {"address_key": address_key, "reason": _require_reason(reason), "created_at": now}
    query = insert_into(connection, suppressions).values(values).on_conflict_do_nothing()
    if not (await connection.execute(query)).rowcount:
        return False
    await _note(connection, EventKind.SUPPRESSED, address_key, reason, by, now)
    return True


async def lift_suppression(database: Database, address: ParsedAddress, reason: str, by: str, now: dt.datetime) -> bool:
    """Let `address` be mailed again where it is on a list; whether it was suppressed. Raises UsageError."""
    async with database.write() as connection:
        gone = await connection.execute(sa.delete(suppressions).where(suppressions.c.address_key == address.key))
        if gone.rowcount:
            await _note(connection, EventKind.UNSUPPRESSED, address.key, _require_reason(reason), by, now)
        return bool(gone.rowcount)


async def find_suppression(connection: AsyncConnection, address_key: str) -> Suppression | None:
    """Why the address is suppressed, None where it isn't."""
    query = sa.select(suppressions.c.reason, suppressions.c.created_at)
    found = (await connection.execute(query.where(suppressions.c.address_key == address_key))).first()
    return Suppression(*found) if found else None


async def _note(
    connection: AsyncConnection, kind: EventKind, address_key: str, reason: str, by: str, now: dt.datetime
) -> None:
    """Whoever is no subscriber has no number that an event could name."""
    person = await connection.scalar(sa.select(subscribers.c.id).where(subscribers.c.address_key == address_key))
    if person is not None:
        await record_events(connection, [Event(kind, now, person, detail={"reason": reason, "by": by})])


def _require_reason(reason: str) -> str:
    if not reason.strip():
        raise UsageError("a suppression needs a reason", "say why, in a few words: --reason 'asked by phone'")
    return reason
