"""Imports subscribers in one transaction: the rows are gathered beside the tables, then joined to them at one stroke.

Gathering takes most of the time and touches only a temporary table, so that a send can go on writing its log meanwhile;
SQLite has but one writer at a time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from contextlib import suppress

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.link_keys import LinkKeys
from pressrun.store.attributes import differs, merged
from pressrun.store.database import Database
from pressrun.store.event import Event, EventKind, record_events
from pressrun.store.people_tables import consents, tags
from pressrun.store.subscriber import ImportReport, ImportTerms, RejectedRow, Row, Standing, check_list_name
from pressrun.store.subscriber_departure import bar_gathered, depart_gathered
from pressrun.store.subscriber_gathering import (
    Sieve,
    drop_forgotten,
    drop_gathered,
    gather,
    gathered,
    hash_gathered,
)
from pressrun.store.subscribers import insert_into, make_list
from pressrun.store.tables import UtcDateTime, memberships, subscribers, suppressions

_LOCK = 0x696D706F7274  # "import": PostgreSQL's imports queue by it, or two that share people could wait for each other


class _Undone(Exception):  # noqa: N818 - no fault: what was tried is taken back
    """A trial's transaction ends by this."""


async def import_subscribers(
    database: Database,
    rows: Iterable[Row | RejectedRow],
    terms: ImportTerms,
    keys: LinkKeys,
    now: dt.datetime,
    *,
    dry_run: bool = False,
    tell: Callable[[RejectedRow], None] | None = None,
) -> ImportReport:
    """Put the people of `rows` on a list, all or, after an exception, none; the list is made if there is none.

    Who is new on the list gets a record of consent by `terms`. Who has left it, is suppressed or was forgotten (the
    hashes are by `keys`) stays away and is not changed. Rows of people who left elsewhere let them leave here. Of two
    rows with one address the first counts, but one that lets them go before any. A second import of the same rows
    changes nothing. `tell` hears of each row that isn't taken. With `dry_run` all is done and taken back. Memory is
    bounded. Raises `UsageError`.
    """
    check_list_name(terms.list_name)
    sieve = Sieve(tell)
    report = ImportReport()
    async with database.connect() as connection:
        async with connection.begin():
            await gather(connection, rows, sieve, now)
            is_hashed = await hash_gathered(connection, keys)
        with suppress(_Undone):
            async with database.writing(connection):
                is_hashed = is_hashed or await hash_gathered(connection, keys)  # somebody was forgotten meanwhile
                forgotten = await drop_forgotten(connection) if is_hashed else 0
                report = await _merge(connection, terms, sieve, forgotten, now)
                if dry_run:
                    raise _Undone
        async with connection.begin():
            await drop_gathered(connection)
    return report


async def _merge(
    connection: AsyncConnection, terms: ImportTerms, sieve: Sieve, forgotten: int, now: dt.datetime
) -> ImportReport:
    """Put those gathered on the list; what became of them."""
    if connection.dialect.name == "postgresql":
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    list_id = await make_list(connection, terms.list_name, now)
    barred, suppressed, departed, left = 0, 0, 0, 0
    if Standing.SUPPRESSED in sieve.standings:
        barred, suppressed = await bar_gathered(connection, now)
    if Standing.LEFT in sieve.standings:
        departed, left = await depart_gathered(connection, list_id, terms.list_name, now)
    suppressed += await _drop_suppressed(connection)
    left += await _drop_left(connection, list_id)
    taken = await connection.scalar(sa.select(sa.func.count()).select_from(gathered)) or 0
    updated, changed = await _compare(connection, list_id)
    if changed:
        await _update_people(connection, now)
    await _insert_people(connection, now)
    tagged = await _insert_tags(connection) if sieve.has_tags else 0
    await _insert_consents(connection, list_id, terms, now)
    added = await _insert_members(connection, list_id, now)
    counts = {
        "added": added,
        "updated": updated,
        "unchanged": taken - added - updated,  # on PostgreSQL also who was put on the list since the look
        "left": left,
        "suppressed": suppressed,
        "forgotten": forgotten,
        "departed": departed,
        "barred": barred,
        "tagged": tagged,
    }
    said = {"source": terms.source, "basis": terms.basis.value, **counts, "rejected": len(sieve.rejected)}
    await record_events(connection, [Event(EventKind.IMPORTED, now, list=terms.list_name, detail=said)])
    return ImportReport(
        **counts, rejected=tuple(sieve.rejected), duplicates=tuple(sieve.duplicates), omitted=sieve.omitted
    )


async def _drop_suppressed(connection: AsyncConnection) -> int:
    known = sa.select(suppressions.c.address_key)
    return (await connection.execute(sa.delete(gathered).where(gathered.c.address_key.in_(known)))).rowcount


async def _drop_left(connection: AsyncConnection, list_id: int) -> int:
    left = (
        sa.select(subscribers.c.address_key)
        .join(memberships, memberships.c.subscriber_id == subscribers.c.id)
        .where(memberships.c.list_id == list_id, memberships.c.left_at.is_not(None))
    )
    return (await connection.execute(sa.delete(gathered).where(gathered.c.address_key.in_(left)))).rowcount


async def _compare(connection: AsyncConnection, list_id: int) -> tuple[int, int]:
    """How many of those gathered are members who would change, and how many are stored and would change."""
    is_member = memberships.c.subscriber_id.is_not(None)
    unlike = _would_change(connection)
    query = (
        sa.select(
            sa.func.count().filter(is_member, unlike),
            sa.func.count().filter(unlike),
        )
        .select_from(gathered)
        .join(subscribers, subscribers.c.address_key == gathered.c.address_key)
        .outerjoin(
            memberships, sa.and_(memberships.c.list_id == list_id, memberships.c.subscriber_id == subscribers.c.id)
        )
    )
    updated, changed = (await connection.execute(query)).one()
    return updated, changed


def _would_change(connection: AsyncConnection) -> sa.ColumnElement[bool]:
    return differs(connection.dialect.name, gathered.c.address, gathered.c.name, gathered.c.patch)


async def _update_people(connection: AsyncConnection, now: dt.datetime) -> None:
    query = (
        sa.update(subscribers)
        .where(subscribers.c.address_key == gathered.c.address_key, _would_change(connection))
        .values(
            address=gathered.c.address,
            name=sa.func.coalesce(gathered.c.name, subscribers.c.name),
            attributes=merged(connection.dialect.name, subscribers.c.attributes, gathered.c.patch),
            updated_at=now,
        )
    )
    await connection.execute(query)


async def _insert_people(connection: AsyncConnection, now: dt.datetime) -> None:
    moment = sa.literal(now, UtcDateTime)
    stored = sa.exists().where(subscribers.c.address_key == gathered.c.address_key)
    people = (
        sa.select(
            gathered.c.address,
            gathered.c.address_key,
            sa.func.coalesce(gathered.c.name, ""),
            merged(connection.dialect.name, sa.literal_column("'{}'"), gathered.c.patch),
            moment.label("created_at"),
            moment.label("updated_at"),
        )
        .where(~stored)
        .order_by(gathered.c.position)
    )
    columns = ["address", "address_key", "name", "attributes", "created_at", "updated_at"]
    # PostgreSQL may have stored one of them for somebody else since the look.
    await connection.execute(insert_into(connection, subscribers).from_select(columns, people).on_conflict_do_nothing())


async def _insert_tags(connection: AsyncConnection) -> int:
    if connection.dialect.name == "postgresql":
        each = sa.func.json_array_elements_text(sa.cast(gathered.c.tags, sa.JSON)).table_valued("value")
    else:
        each = sa.func.json_each(gathered.c.tags).table_valued("value")
    people = gathered.join(subscribers, subscribers.c.address_key == gathered.c.address_key).join(each, sa.true())
    given = sa.select(subscribers.c.id, each.c.value).select_from(people).where(gathered.c.tags.is_not(None))
    query = insert_into(connection, tags).from_select(["subscriber_id", "tag"], given)
    return int((await connection.execute(query.on_conflict_do_nothing())).rowcount)


async def _insert_consents(connection: AsyncConnection, list_id: int, terms: ImportTerms, now: dt.datetime) -> None:
    """What those who are not members yet consented to."""
    proof = sa.func.coalesce(gathered.c.proof, "{}")
    columns = {
        "subscriber_id": subscribers.c.id,
        "list": sa.literal(terms.list_name),
        "basis": sa.literal(terms.basis.value),
        "source": sa.literal(terms.source),
        "wording": sa.literal(terms.wording),
        "form_version": sa.literal(terms.form_version),
        "network": gathered.c.network,
        "proof": sa.cast(proof, sa.JSON) if connection.dialect.name == "postgresql" else proof,
        "given_at": _since(now),
    }
    people = (
        sa.select(*columns.values())
        .join(gathered, gathered.c.address_key == subscribers.c.address_key)
        .where(~_is_member(list_id))
        .order_by(subscribers.c.id)
    )
    await connection.execute(sa.insert(consents).from_select(list(columns), people))


def _since(now: dt.datetime) -> sa.ColumnElement[dt.datetime]:
    """When they came to it, as the file has it, or now."""
    return sa.func.coalesce(gathered.c.given_at, sa.literal(now, UtcDateTime))


def _is_member(list_id: int) -> sa.ColumnElement[bool]:
    return sa.exists().where(memberships.c.list_id == list_id, memberships.c.subscriber_id == subscribers.c.id)


async def _insert_members(connection: AsyncConnection, list_id: int, now: dt.datetime) -> int:
    people = (
        sa.select(sa.literal(list_id), subscribers.c.id, _since(now))
        .join(gathered, gathered.c.address_key == subscribers.c.address_key)
        .where(~_is_member(list_id))
        .order_by(subscribers.c.id)
    )
    query = insert_into(connection, memberships).from_select(["list_id", "subscriber_id", "joined_at"], people)
    return int((await connection.execute(query.on_conflict_do_nothing())).rowcount)
