"""Who lacks a value for a field: counted in one pass, of an audience or of a plan."""

from __future__ import annotations

from pressrun.address import parse_address
from pressrun.render.edition import Field
from pressrun.store.database import Database
from pressrun.store.delivery_log import plan
from pressrun.store.lack import Lack, count_lacks, count_planned_lacks
from pressrun.store.subscribers import add_subscriber, suppress_address
from small_edition import NOW, make_edition

EDITION = make_edition(
    fields=(
        Field(attribute="city", fallback="your city"),
        Field(attribute="city"),
        Field(attribute="name", fallback="reader"),
        Field(attribute='odd "\\ name'),
        Field(attribute="address"),
        Field(attribute="role", fallback="-"),
    )
)


async def fill(database: Database) -> None:
    for n, (name, city) in enumerate((("Ann", "Leeds"), ("", "Wien"), ("Bo", ""), ("", ""))):
        attributes = {"city": city, 'odd "\\ name': "x", "role": "guest"} if city else {"role": "press"}
        await add_subscriber(database, parse_address(f"reader{n}@example.com"), name, attributes, "news", NOW)


async def test_lacks_are_told_with_what_is_read_instead(database: Database) -> None:
    await fill(database)
    lacks = await count_lacks(database, EDITION, "news", NOW)
    assert lacks == [
        Lack("city", "your city", 2),
        Lack("city", "", 2),
        Lack("name", "reader", 2),
        Lack('odd "\\ name', "", 2),
    ]
    assert [str(lack) for lack in lacks[:2]] == ["2 without city read “your city”", "2 without city read nothing there"]


async def test_of_a_plan_only_those_count_who_are_to_get_it_as_they_were_planned(database: Database) -> None:
    await fill(database)
    await suppress_address(database, parse_address("reader3@example.com"), "bounced", NOW)
    await plan(database, EDITION, "news", NOW)
    await add_subscriber(database, parse_address("reader2@example.com"), None, {"city": "Graz"}, "news", NOW)
    assert [(one.attribute, one.people) for one in await count_planned_lacks(database, EDITION)] == [
        ("city", 1), ("city", 1), ("name", 1), ('odd "\\ name', 1),
    ]  # fmt: skip


async def test_an_edition_without_fields_lacks_nothing(database: Database) -> None:
    await fill(database)
    assert await count_lacks(database, make_edition(), "news", NOW) == []
