"""What letters do in the store: each of them once, its effects and the note that it was read in one transaction."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.address import key_of
from pressrun.delivery.outcome import State
from pressrun.link_keys import LinkKeys
from pressrun.store.database import Database
from pressrun.store.event import Event, EventKind, record_events
from pressrun.store.people_tables import events, inbox_messages
from pressrun.store.scrub import row_keys, rows_under
from pressrun.store.subscribers import insert_into
from pressrun.store.suppression import suppress_within
from pressrun.store.tables import deliveries, sends, subscribers

HARD_CODES = ("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1", "5.4.4")
"""What a relay says of an address that nobody has (RFC 3463 §3.2, §3.3; RFC 7505 §4.2 for 5.1.10)."""


@dataclass(frozen=True)
class Row:
    """The row of the log that a letter is about; without an `id` only the person is known."""

    id: int | None
    subscriber_id: int
    issue: str | None = None
    list: str | None = None


@dataclass(frozen=True)
class Mailed:
    """Where a row's message went, and where its person is mailed by now; `went_to` is empty where nobody knows."""

    went_to: str
    address: str
    address_key: str


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


def key_to_suppress(kind: EventKind, mailed: Mailed) -> str | None:
    """The key of the address that an event of this `kind` speaks against; None where nobody can say which it is.

    It is the one that was mailed, whoever's it is by now, and not the `address_key` of the row: that goes along with
    a person who gets another address, so that no issue reaches them twice.
    """
    if mailed.went_to:
        return mailed.address_key if mailed.went_to == mailed.address else key_of(mailed.went_to)
    # The address was taken out of the log, or the letter names no row of it. Who complains wants no mail, wherever they
    # are mailed now. But a bounce may be of a mailbox that its person has given up: if it is not, their next issue
    # bounces too and says so, and one message too many is better than a person lost.
    return mailed.address_key if kind is EventKind.COMPLAINED else None


async def find_row(database: Database, row_id: int) -> Row | None:
    """The row with that id; None where there is none, or where its person was forgotten."""
    async with database.read() as connection:
        return _row(await connection.execute(_ROWS.where(deliveries.c.id == row_id)))


async def find_row_of(database: Database, keys: LinkKeys, subscriber_id: int, message_id: str) -> Row | None:
    """The person's row with that Message-ID, else what is known of the person; None where they are nobody."""
    async with database.read() as connection:
        person = sa.select(subscribers.c.address_key).where(subscribers.c.id == subscriber_id)
        key: str | None = await connection.scalar(person)
        if key is None:
            return None
        theirs = sa.and_(rows_under(row_keys(keys, key)), deliveries.c.subscriber_id == subscriber_id)
        found = _row(await connection.execute(_ROWS.where(theirs, deliveries.c.message_id == message_id)))
    return found or Row(None, subscriber_id)


_ROWS = (
    sa.select(deliveries.c.id, deliveries.c.subscriber_id, deliveries.c.issue)
    .add_columns(sa.func.coalesce(sends.c.of_list, sends.c.list))
    .join(sends, sends.c.id == deliveries.c.send_id)
    .join(subscribers, subscribers.c.id == deliveries.c.subscriber_id)
)


def _row(found: sa.CursorResult[tuple[int, int, str, str]]) -> Row | None:
    first = found.first()
    return Row(*first) if first else None


async def note_letter(
    database: Database,
    letter_id: str,
    kind: str,
    now: dt.datetime,
    *,
    happened: Event | None = None,
    suppressing: Suppressing | None = None,
) -> bool:
    """Note that the letter was read, with what it did; whether that is new. The log's row stays (promise 3).

    Of somebody who was forgotten it is only noted that it was read: what servers say names addresses.
    """
    async with database.write() as connection:
        note = insert_into(connection, inbox_messages).on_conflict_do_nothing()
        row = {"id": letter_id, "kind": kind, "read_at": now}
        if (await connection.execute(note, row)).rowcount == 0:
            return False
        mailed = await _find_mailed(connection, happened) if happened else None
        if happened and mailed:
            await record_events(connection, [happened])
            key = key_to_suppress(happened.kind, mailed)
            if suppressing and key and await _is_enough(connection, suppressing, happened, key, now):
                await suppress_within(connection, key, suppressing.reason, "mail", now)
    return True


async def suppress_refused(database: Database, now: dt.datetime, since: dt.datetime) -> int:
    """Suppress addresses that relays refused since a moment because nobody has them: how many are new.

    Only codes that say so count (`HARD_CODES`): a refusal for policy or content says nothing about the person. Each
    refusal counts once, so that a suppression which an operator lifts does not come back by it.
    """
    new = 0
    async with database.write() as connection:
        for row in (await connection.execute(_refused(since))).all():
            detail = {"status": row.enhanced, "gravity": "hard", "by": "relay"}
            event = Event(EventKind.BOUNCED, now, row.subscriber_id, None, row.issue, row.id, detail)
            await record_events(connection, [event])
            key = key_to_suppress(event.kind, Mailed(row.went_to, row.address, row.address_key))
            reason = f"the relay refused it: {row.enhanced}"
            new += key is not None and await suppress_within(connection, key, reason, "relay", now)
    return new


def _refused(since: dt.datetime) -> sa.Select[tuple[int, int, str, str, str, str, str]]:
    """Refusals that did not count yet, with their people: who was forgotten has none."""
    row = deliveries.c
    lately = sa.select(sends.c.issue).where(sends.c.created_at > since).distinct()
    counted = sa.exists().where(
        events.c.subscriber_id == row.subscriber_id,
        events.c.delivery_id == row.id,
        events.c.kind == EventKind.BOUNCED.value,
        events.c.at >= row.updated_at,
    )
    columns = (row.id, row.subscriber_id, row.issue, row.enhanced, row.address.label("went_to"))
    return (
        sa.select(*columns, subscribers.c.address, subscribers.c.address_key)
        .join(subscribers, subscribers.c.id == row.subscriber_id)
        .where(row.issue.in_(lately), row.state == State.FAILED.value, row.enhanced.in_(HARD_CODES))
        .where(row.updated_at > since, row.address != "", ~counted)
        .order_by(row.id)
        .with_for_update(read=True, of=deliveries)  # nobody is forgotten meanwhile, and written down again after it
    )


async def forget_letters(database: Database, before: dt.datetime) -> int:
    """Forget which letters were read before a moment: how many. Mailboxes hold them as seen."""
    async with database.write() as connection:
        old = sa.delete(inbox_messages).where(inbox_messages.c.read_at < before)
        return (await connection.execute(old)).rowcount


async def _find_mailed(connection: AsyncConnection, happened: Event) -> Mailed | None:
    """Where the mail of an event went; None where its person was forgotten, be it since the row was found."""
    went_to: str | None = ""
    if happened.delivery_id is not None:
        theirs = sa.and_(deliveries.c.id == happened.delivery_id, deliveries.c.subscriber_id == happened.subscriber_id)
        # Locked: whoever forgets them waits until this ends, and finds what it wrote.
        went_to = await connection.scalar(sa.select(deliveries.c.address).where(theirs).with_for_update(read=True))
    person = sa.select(subscribers.c.address, subscribers.c.address_key)
    found = (await connection.execute(person.where(subscribers.c.id == happened.subscriber_id))).first()
    return Mailed(went_to, *found) if found and went_to is not None else None


async def _is_enough(
    connection: AsyncConnection, suppressing: Suppressing, happened: Event, key: str, now: dt.datetime
) -> bool:
    """Whether this happened with enough issues; those that are known to have gone to another address don't count."""
    if suppressing.after <= 1:
        return True
    query = sa.select(events.c.issue, deliveries.c.address).outerjoin(
        deliveries, deliveries.c.id == events.c.delivery_id
    )
    lately = query.where(
        events.c.subscriber_id == happened.subscriber_id,
        events.c.kind == happened.kind.value,
        events.c.at > now - suppressing.window,
        events.c.issue.is_not(None),
    )
    found = (await connection.execute(lately)).all()
    return len({issue for issue, address in found if not address or key_of(address) == key}) >= suppressing.after


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
