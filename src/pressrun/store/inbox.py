"""What letters do in the store: each of them once, its effects and the note that it was read in one transaction."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.delivery.outcome import State
from pressrun.store.database import Database
from pressrun.store.event import Event, EventKind, record_events
from pressrun.store.people_tables import events, inbox_messages
from pressrun.store.subscribers import insert_into
from pressrun.store.tables import deliveries, sends, subscribers, suppressions

HARD_CODES = ("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1", "5.4.4")
"""What a relay says of an address that nobody has (RFC 3463 §3.2, §3.3; RFC 7505 §4.2 for 5.1.10)."""


@dataclass(frozen=True)
class Row:
    """The row of the log that a letter is about; without an `id` only the person is known."""

    id: int | None
    subscriber_id: int
    address_key: str
    issue: str | None = None
    list: str | None = None


@dataclass(frozen=True)
class Suppressing:
    """Why the address is to be suppressed; `after` many events in `window` before it happens, 1 for at once."""

    reason: str
    after: int = 1
    window: dt.timedelta = dt.timedelta(days=30)


async def was_read(database: Database, letter_id: str) -> bool:
    """Whether the letter's effects are in the store."""
    async with database.read() as connection:
        return await connection.scalar(sa.select(inbox_messages.c.id).filter_by(id=letter_id)) is not None


async def find_row(
    database: Database, *, row_id: int | None = None, subscriber_id: int | None = None, message_id: str = ""
) -> Row | None:
    """The row with that id, else the one of this person with that Message-ID, else what is known of the person."""
    list_name = sa.func.coalesce(sends.c.of_list, sends.c.list)
    columns = (deliveries.c.id, deliveries.c.subscriber_id, deliveries.c.address_key, deliveries.c.issue, list_name)
    query = sa.select(*columns).join(sends, sends.c.id == deliveries.c.send_id)
    if row_id is not None:
        query = query.where(deliveries.c.id == row_id)
    else:
        key = sa.select(subscribers.c.address_key).filter_by(id=subscriber_id).scalar_subquery()
        of_issue = deliveries.c.issue.in_(sa.select(sends.c.issue).distinct())  # the index begins with the issue
        query = query.where(of_issue, deliveries.c.address_key == key, deliveries.c.message_id == message_id)
    person = sa.select(sa.null(), subscribers.c.id, subscribers.c.address_key).where(subscribers.c.id == subscriber_id)
    async with database.read() as connection:
        found = (await connection.execute(query)).first() or (await connection.execute(person)).first()
    return Row(*found) if found else None


async def note_letter(
    database: Database,
    letter_id: str,
    kind: str,
    now: dt.datetime,
    *,
    happened: Event | None = None,
    suppressing: Suppressing | None = None,
    address_key: str | None = None,
) -> bool:
    """Note that the letter was read, with what it did; whether that is new. The log's row stays (promise 3)."""
    async with database.write() as connection:
        note = insert_into(connection, inbox_messages).on_conflict_do_nothing()
        row = {"id": letter_id, "kind": kind, "read_at": now}
        if (await connection.execute(note, row)).rowcount == 0:
            return False
        if happened:
            await record_events(connection, [happened])
        if suppressing and address_key and await _is_enough(connection, suppressing, happened, now):
            await _suppress(connection, address_key, suppressing.reason, happened, now)
    return True


async def suppress_refused(database: Database, now: dt.datetime, since: dt.datetime) -> int:
    """Suppress addresses that relays refused since a moment because nobody has them: how many are new.

    Only codes that say so count (`HARD_CODES`): a refusal for policy or content says nothing about the person.
    """
    lately = sa.select(sends.c.issue).where(sends.c.created_at > since).distinct()
    known = sa.exists().where(suppressions.c.address_key == deliveries.c.address_key)
    refused = (
        sa.select(deliveries.c.address_key, deliveries.c.subscriber_id, deliveries.c.issue, deliveries.c.id)
        .add_columns(deliveries.c.enhanced)
        .where(deliveries.c.issue.in_(lately), deliveries.c.state == State.FAILED.value, ~known)
        .where(deliveries.c.enhanced.in_(HARD_CODES), deliveries.c.updated_at > since)
    )
    async with database.write() as connection:
        found = {row.address_key: row for row in (await connection.execute(refused)).all()}
        for key, row in found.items():
            detail = {"status": row.enhanced, "gravity": "hard", "by": "relay"}
            event = Event(EventKind.BOUNCED, now, row.subscriber_id, None, row.issue, row.id, detail)
            await record_events(connection, [event])
            await _suppress(connection, key, f"the relay refused it: {row.enhanced}", event, now)
    return len(found)


async def forget_letters(database: Database, before: dt.datetime) -> int:
    """Forget which letters were read before a moment: how many. Mailboxes hold them as seen."""
    async with database.write() as connection:
        old = sa.delete(inbox_messages).where(inbox_messages.c.read_at < before)
        return (await connection.execute(old)).rowcount


async def _is_enough(
    connection: AsyncConnection, suppressing: Suppressing, happened: Event | None, now: dt.datetime
) -> bool:
    if suppressing.after <= 1 or happened is None:
        return True
    issues = sa.select(sa.func.count(events.c.issue.distinct())).where(
        events.c.subscriber_id == happened.subscriber_id,
        events.c.kind == happened.kind.value,
        events.c.at > now - suppressing.window,
    )
    return int(await connection.scalar(issues) or 0) >= suppressing.after


async def _suppress(
    connection: AsyncConnection, address_key: str, reason: str, happened: Event | None, now: dt.datetime
) -> None:
    values = {"address_key": address_key, "reason": reason, "created_at": now}
    new = insert_into(connection, suppressions).values(values).on_conflict_do_nothing()
    if (await connection.execute(new)).rowcount and happened:
        event = Event(EventKind.SUPPRESSED, now, happened.subscriber_id, detail={"reason": reason})
        await record_events(connection, [event])


_RETURNED = (EventKind.BOUNCED.value, EventKind.COMPLAINED.value)


async def count_returned(database: Database, issue: str) -> dict[str, int]:
    """How many of an issue's deliveries bounced or were complained of after they were sent, by kind."""
    query = (
        sa.select(events.c.kind, sa.func.count(events.c.delivery_id.distinct()))
        .where(events.c.issue == issue, events.c.kind.in_(_RETURNED))
        .group_by(events.c.kind)
    )
    async with database.read() as connection:
        return {kind: count for kind, count in await connection.execute(query)}
