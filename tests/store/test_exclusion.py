from __future__ import annotations

import sqlalchemy as sa

from pressrun.store.database import Database
from pressrun.store.delivery_log import plan
from pressrun.store.exclusion import LIFTED, Audience, read_audience
from pressrun.store.tables import suppressions
from small_edition import NOW, addresses, fill_list, make_edition

EDITION = make_edition()


async def suppress(database: Database, reason: str, *people: str) -> None:
    async with database.write() as connection:
        rows = [{"address_key": address, "reason": reason, "created_at": NOW} for address in people]
        await connection.execute(sa.insert(suppressions), rows)


async def test_nothing_is_planned_for_nobody(database: Database) -> None:
    assert await read_audience(database, EDITION.issue) == Audience({}, {})


async def test_the_audience_is_counted_by_list_and_who_is_left_out_by_reason(database: Database) -> None:
    await fill_list(database, "spp", addresses(6))
    await fill_list(database, "board", addresses(4, start=4))  # two are on both
    await suppress(database, "hard bounce", *addresses(2))
    await suppress(database, "complaint", *addresses(1, start=6))
    for name in ("spp", "board"):
        await plan(database, EDITION, name, NOW)
    audience = await read_audience(database, EDITION.issue)
    assert audience == Audience({"board": 2, "spp": 6}, {"hard bounce": 2, "complaint": 1})
    assert audience.recipients == 5
    assert list(audience.excluded) == ["hard bounce", "complaint"]


async def test_who_was_suppressed_when_planned_stays_left_out(database: Database) -> None:
    await fill_list(database, "spp", addresses(2))
    await suppress(database, "complaint", *addresses(1))
    await plan(database, EDITION, "spp", NOW)
    async with database.write() as connection:
        await connection.execute(sa.delete(suppressions))
    assert (await read_audience(database, EDITION.issue)).excluded == {LIFTED: 1}
