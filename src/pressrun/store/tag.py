"""Tags: words that editors and operators put on people, to choose them by."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.errors import UsageError
from pressrun.store.database import Database
from pressrun.store.event import Event, EventKind, record_events
from pressrun.store.people_tables import tags
from pressrun.store.subscribers import insert_into

LONGEST = 100
"""Characters of a tag."""


async def tag(database: Database, subscriber_id: int, words: Sequence[str], now: dt.datetime) -> list[str]:
    """Put tags on a person: those that are new, in order. Raises UsageError for what can't be a tag."""
    async with database.write() as connection:
        return await tag_within(connection, subscriber_id, words, now)


async def tag_within(
    connection: AsyncConnection, subscriber_id: int, words: Sequence[str], now: dt.datetime
) -> list[str]:
    """The same in a transaction of the caller's."""
    new = []
    for word in sorted(set(map(check_tag, words))):
        row = insert_into(connection, tags).values(subscriber_id=subscriber_id, tag=word).on_conflict_do_nothing()
        if (await connection.execute(row)).rowcount:
            new.append(word)
    happened = [Event(EventKind.TAGGED, now, subscriber_id, detail={"tag": word}) for word in new]
    await record_events(connection, happened)
    return new


async def untag(database: Database, subscriber_id: int, words: Sequence[str], now: dt.datetime) -> list[str]:
    """Take tags off a person: those that they had, in order."""
    async with database.write() as connection:
        return await untag_within(connection, subscriber_id, words, now)


async def untag_within(
    connection: AsyncConnection, subscriber_id: int, words: Sequence[str], now: dt.datetime
) -> list[str]:
    """The same in a transaction of the caller's."""
    theirs = sa.and_(tags.c.subscriber_id == subscriber_id, tags.c.tag.in_(list(words)))
    gone = sorted((await connection.scalars(sa.delete(tags).where(theirs).returning(tags.c.tag))).all())
    happened = [Event(EventKind.UNTAGGED, now, subscriber_id, detail={"tag": word}) for word in gone]
    await record_events(connection, happened)
    return gone


async def read_tags(connection: AsyncConnection, subscriber_id: int) -> list[str]:
    """A person's tags, in order."""
    query = sa.select(tags.c.tag).where(tags.c.subscriber_id == subscriber_id)
    return sorted((await connection.scalars(query)).all())


def check_tag(word: str) -> str:
    """`word`, if it can be a tag: printable, no space around it, not too long. Raises UsageError."""
    if word and word == word.strip() and word.isprintable() and len(word) <= LONGEST:
        return word
    raise UsageError(f"{word[:LONGEST]!r} can't be a tag", f"use up to {LONGEST} printable characters, no space around")
