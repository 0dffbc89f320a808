"""Preferences: what a person changes by themselves about the lists they are on and the address they are mailed at."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from pressrun.store.confirmation import join_list
from pressrun.store.consent import Consent, record_consents
from pressrun.store.database import Database
from pressrun.store.event import Event, EventKind, record_events


async def join_lists(
    database: Database, subscriber_id: int, consents: Sequence[Consent], now: dt.datetime
) -> list[str]:
    """Put a person on the lists that they consent to; those that they were not on, and only for them it is recorded."""
    async with database.write() as connection:
        joined = [one for one in consents if await join_list(connection, subscriber_id, one.list, now)]
        await record_consents(connection, subscriber_id, joined)
        how = {one.list: {"source": one.source, "basis": one.basis.value} for one in joined}
        happened = [Event(EventKind.JOINED, now, subscriber_id, name, detail=how[name]) for name in how]
        await record_events(connection, happened)
    return [one.list for one in joined]
