"""Confirmations: a number is given once, and what became of a mail is noted for the try that it was."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable

import pytest
import sqlalchemy as sa

from person_story import ANN, BEN
from pressrun.store.confirmation import (
    Asked,
    Confirmation,
    ask,
    claim_due,
    confirm,
    note_confirmed,
    note_mailed,
    put_off,
    read_confirmation,
)
from pressrun.store.database import Database, connect_database
from pressrun.store.people_tables import confirmations, metadata
from small_edition import KEY, NOW

ASKED = Asked("small", ANN, ("news",), "en")
LEASE = dt.timedelta(minutes=15)
LATER = NOW + dt.timedelta(seconds=20)


async def claimed(database: Database, asked: Asked = ASKED, now: dt.datetime = NOW) -> Confirmation:
    """Ask, and take the request as whoever posts its mail does."""
    await ask(database, asked, now)
    (one,) = await claim_due(database, now, LEASE, 1)
    return one


async def due_at(database: Database, number: int) -> dt.datetime | None:
    query = sa.select(confirmations.c.due_at).where(confirmations.c.id == number)
    async with database.read() as connection:
        found: dt.datetime | None = (await connection.execute(query)).scalar_one()
    return found


async def clear(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(sa.delete(confirmations))


async def test_the_number_of_a_request_that_is_gone_is_never_anothers(database: Database) -> None:
    first = await claimed(database)
    await clear(database)
    second = await claimed(database, Asked("small", BEN, ("news",), "en"))
    assert second.id > first.id


async def test_so_it_is_in_tables_made_without_migrations(tmp_path: object) -> None:
    database = connect_database(f"sqlite:///{tmp_path}/created.db")
    async with database.write() as connection:
        await connection.run_sync(metadata.create_all)
    first = await claimed(database)
    await clear(database)
    assert (await claimed(database)).id > first.id
    await database.engine.dispose()


async def mailed(database: Database, one: Confirmation) -> None:
    await note_mailed(database, one, "<confirm-1@example.com>", NOW)


async def refused(database: Database, one: Confirmation) -> None:
    await put_off(database, one, None)


async def delayed(database: Database, one: Confirmation) -> None:
    await put_off(database, one, NOW + LEASE)


SETTLED = [mailed, refused, delayed]
Settle = Callable[[Database, Confirmation], Awaitable[None]]


@pytest.mark.parametrize(("settle", "due"), [(mailed, None), (refused, None), (delayed, NOW + LEASE)])
async def test_a_mail_is_settled_as_it_went(database: Database, settle: Settle, due: dt.datetime | None) -> None:
    one = await claimed(database)
    await settle(database, one)
    assert await due_at(database, one.id) == due


@pytest.mark.parametrize("settle", SETTLED)
async def test_who_confirms_before_the_mail_is_settled_still_gets_their_welcome(
    database: Database, settle: Settle
) -> None:
    one = await claimed(database)
    await confirm(database, KEY, one.id, LATER, None, welcome=True)
    await settle(database, one)
    assert await due_at(database, one.id) == LATER


@pytest.mark.parametrize("settle", SETTLED)
async def test_where_nothing_is_due_after_a_yes_nothing_becomes_due(database: Database, settle: Settle) -> None:
    one = await claimed(database)
    await confirm(database, KEY, one.id, LATER, None, welcome=False)
    await settle(database, one)
    assert await due_at(database, one.id) is None


async def test_a_changed_address_is_done_whatever_became_of_the_mail(database: Database) -> None:
    one = await claimed(database)
    await note_confirmed(database, one.id, LATER, None)
    await delayed(database, one)
    assert await due_at(database, one.id) is None


async def test_a_mail_that_left_is_noted_also_where_it_was_confirmed_meanwhile(database: Database) -> None:
    one = await claimed(database)
    await confirm(database, KEY, one.id, LATER, None, welcome=True)
    await mailed(database, one)
    kept = await read_confirmation(database, one.id)
    assert kept and (kept.message_id, kept.mailed_at) == ("<confirm-1@example.com>", NOW)


@pytest.mark.parametrize("settle", SETTLED)
async def test_who_was_too_slow_does_not_settle_what_another_took_over(database: Database, settle: Settle) -> None:
    slow = await claimed(database)
    then = NOW + LEASE
    (quick,) = await claim_due(database, then, LEASE, 1)
    assert quick.id == slow.id
    await settle(database, slow)
    assert await due_at(database, slow.id) == then + LEASE
