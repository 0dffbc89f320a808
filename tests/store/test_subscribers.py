"""Who is on which list: by hand, by import, and after leaving."""

from __future__ import annotations

import asyncio
import datetime as dt
import io
from collections.abc import Iterable
from pathlib import Path

import pytest
import sqlalchemy as sa

from pressrun.address import parse_address
from pressrun.errors import UsageError
from pressrun.store.consent import ConsentBasis
from pressrun.store.database import Database
from pressrun.store.subscriber import ImportReport, ImportTerms, Joined, ListCount, RejectedRow, Row, Subscriber
from pressrun.store.subscriber_import import import_subscribers
from pressrun.store.subscribers import (
    add_subscriber,
    count_lists,
    list_attributes,
    list_subscribers,
    remove_subscriber,
    suppress_address,
)
from pressrun.store.tables import subscribers, suppressions
from pressrun.subscriber_file import read_subscribers, write_subscribers
from small_edition import KEY

NOW = dt.datetime(2026, 2, 1, 8, 30, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(days=1)
SPP = ImportTerms("spp", ConsentBasis.DOUBLE_OPT_IN, "people.csv", "Mail me, please.")
NOTES = ImportTerms("notes", ConsentBasis.WRITTEN)
LI = parse_address("Li.Wei@example.com")
ANN = parse_address("ann@example.com")


def rows(*addresses: str, name: str | None = None, **attributes: str) -> list[Row]:
    return [Row(n, parse_address(text), name, attributes) for n, text in enumerate(addresses, start=2)]


async def people(database: Database, list_name: str | None = None) -> list[Subscriber]:
    return [subscriber async for subscriber in list_subscribers(database, list_name)]


async def bring(database: Database, rows: Iterable[Row | RejectedRow], now: dt.datetime = NOW) -> ImportReport:
    return await import_subscribers(database, rows, SPP, KEY, now)


async def test_someone_added_is_on_the_list_with_name_and_attributes(database: Database) -> None:
    assert await add_subscriber(database, LI, "李伟", {"city": "上海", "language": ""}, "spp", NOW) is Joined.ADDED
    assert await people(database, "spp") == [Subscriber("Li.Wei@example.com", "李伟", {"city": "上海"}, ("spp",), NOW)]


async def test_adding_again_tells_what_changed(database: Database) -> None:
    await add_subscriber(database, LI, "Li", {"city": "Bath", "language": "en"}, "spp", NOW)
    assert await add_subscriber(database, LI, None, {}, "spp", LATER) is Joined.UNCHANGED
    assert await add_subscriber(database, LI, "Li", {"city": "Bath"}, "spp", LATER) is Joined.UNCHANGED
    assert await add_subscriber(database, LI, "Wei", {"city": ""}, "spp", LATER) is Joined.UPDATED
    lower = parse_address("li.wei@EXAMPLE.com")
    assert await add_subscriber(database, lower, None, {}, "spp", LATER) is Joined.UPDATED
    assert await people(database) == [Subscriber("li.wei@EXAMPLE.com", "Wei", {"language": "en"}, ("spp",), NOW)]


async def test_who_leaves_is_off_the_list_but_on_record(database: Database) -> None:
    await add_subscriber(database, LI, "Li", {}, "spp", NOW)
    await add_subscriber(database, LI, "Li", {}, "notes", NOW)
    assert await remove_subscriber(database, LI, "spp", LATER)
    assert not await remove_subscriber(database, LI, "spp", LATER)
    assert not await remove_subscriber(database, ANN, "spp", LATER)
    assert await people(database, "spp") == []
    assert [person.lists for person in await people(database)] == [("notes",)]
    assert await count_lists(database) == [ListCount("notes", 1), ListCount("spp", 0)]


async def test_adding_by_hand_brings_back_who_left_and_an_import_does_not(database: Database) -> None:
    await add_subscriber(database, LI, "Li", {"city": "Bath"}, "spp", NOW)
    await remove_subscriber(database, LI, "spp", NOW)
    assert await bring(database, rows("li.wei@example.com", name="Changed"), LATER) == ImportReport(left=1)
    assert await people(database, "spp") == []
    assert [person.name for person in await people(database)] == ["Li"]
    assert await add_subscriber(database, LI, None, {}, "spp", LATER) is Joined.RETURNED
    assert [person.joined_at for person in await people(database, "spp")] == [LATER]


async def test_who_left_one_list_may_join_another(database: Database) -> None:
    await add_subscriber(database, LI, "Li", {}, "notes", NOW)
    await remove_subscriber(database, LI, "notes", NOW)
    assert await bring(database, rows("li.wei@example.com")) == ImportReport(added=1)
    assert [person.lists for person in await people(database)] == [("spp",)]


async def test_an_unknown_list_is_a_usage_error_with_remedy(database: Database) -> None:
    with pytest.raises(UsageError, match="there is no list 'spp' — "):
        await people(database, "spp")
    with pytest.raises(UsageError, match="there is no list 'spp' — "):
        await remove_subscriber(database, LI, "spp", NOW)


@pytest.mark.parametrize(
    ("name", "attributes", "list_name"),
    [
        ("Li\r\nBcc: x", {}, "spp"),
        ("Li\0", {}, "spp"),
        ("Li", {"note": "\x1b[2J"}, "spp"),
        ("Li", {"": "x"}, "spp"),
        ("Li", {"a\nb": "x"}, "spp"),
        ("Li", {}, ""),
        ("Li", {}, "spp\n"),
    ],
)
async def test_text_that_could_do_harm_is_not_stored(
    database: Database, name: str, attributes: dict[str, str], list_name: str
) -> None:
    with pytest.raises(UsageError):
        await add_subscriber(database, LI, name, attributes, list_name, NOW)
    assert await people(database) == []


async def test_a_suppressed_address_may_be_a_member(database: Database) -> None:
    await add_subscriber(database, LI, "Li", {}, "spp", NOW)
    assert await suppress_address(database, parse_address("li.wei@example.com"), "complaint", NOW)
    assert not await suppress_address(database, LI, "bounce", LATER)
    assert len(await people(database, "spp")) == 1
    async with database.read() as connection:
        assert (await connection.execute(sa.select(suppressions))).all() == [("li.wei@example.com", "complaint", NOW)]


async def test_people_are_listed_in_order_across_batches(database: Database) -> None:
    addresses = [f"p{n * 7919 % 2500}@example.com" for n in range(2500)]
    assert await bring(database, rows(*addresses)) == ImportReport(added=2500)
    await import_subscribers(database, rows("p1@example.com", "p2@example.com"), NOTES, KEY, LATER)
    found = await people(database)
    assert [person.address for person in found] == addresses
    assert {person.address for person in found if person.lists == ("notes", "spp")} == {
        "p1@example.com",
        "p2@example.com",
    }
    assert {person.joined_at for person in await people(database, "notes")} == {LATER}


async def test_the_second_import_changes_nothing(database: Database) -> None:
    file = rows("a@example.com", "B@example.com", "李@example.com", name='O\'Neill "李" \\u674e', city='上"海\n\\')
    assert await bring(database, file) == ImportReport(added=3)
    before = await people(database)
    assert before[1] == Subscriber("B@example.com", 'O\'Neill "李" \\u674e', {"city": '上"海\n\\'}, ("spp",), NOW)
    assert await bring(database, file, LATER) == ImportReport(unchanged=3)
    assert await people(database) == before


async def test_an_import_updates_what_it_tells_and_nothing_else(database: Database) -> None:
    await bring(database, rows("a@example.com", "b@example.com", "c@example.com", name="N", city="Bath", language="en"))
    change = [
        *rows("A@example.com", city="York", language=""),
        Row(3, parse_address("b@example.com"), None, {}),
        Row(4, parse_address("c@example.com"), "", {"team": "x"}),
        Row(5, parse_address("d@example.com"), None, {"team": ""}),
    ]
    assert await bring(database, change, LATER) == ImportReport(added=1, updated=2, unchanged=1)
    assert [(person.address, person.name, person.attributes) for person in await people(database)] == [
        ("A@example.com", "N", {"city": "York"}),
        ("b@example.com", "N", {"city": "Bath", "language": "en"}),
        ("c@example.com", "", {"city": "Bath", "language": "en", "team": "x"}),
        ("d@example.com", "", {}),
    ]
    assert await list_attributes(database, "spp") == ["city", "language", "team"]
    async with database.read() as connection:
        changed = sa.select(subscribers.c.address_key).where(subscribers.c.updated_at == LATER)
        assert sorted((await connection.scalars(changed)).all()) == ["a@example.com", "c@example.com", "d@example.com"]


async def test_a_member_of_another_list_is_added_and_brought_up_to_date(database: Database) -> None:
    await add_subscriber(database, LI, "Li", {}, "notes", NOW)
    assert await bring(database, rows("li.wei@example.com", name="Wei")) == ImportReport(added=1)
    assert [(person.name, person.lists) for person in await people(database)] == [("Wei", ("notes", "spp"))]


async def test_every_row_has_one_fate_and_the_first_of_two_counts(database: Database) -> None:
    bad = RejectedRow(9, "nonsense", "no address")
    file = [*rows("a@example.com", "b@example.com", "A@Example.com", "a@example.com", name="N"), bad]
    report = await bring(database, file)
    assert report == ImportReport(
        added=2,
        rejected=(bad,),
        duplicates=(
            RejectedRow(4, "A@Example.com", "the same address as in line 2"),
            RejectedRow(5, "a@example.com", "the same address as in line 2"),
        ),
    )
    assert [person.address for person in await people(database)] == ["a@example.com", "b@example.com"]


async def test_an_import_that_fails_half_way_changes_nothing_and_can_be_repeated(database: Database) -> None:
    def torn() -> Iterable[Row]:
        yield from rows(*(f"p{n}@example.com" for n in range(3000)))
        raise UsageError("people.csv:3002: this line has no end")

    with pytest.raises(UsageError):
        await bring(database, torn())
    assert await people(database) == [] and await count_lists(database) == []
    assert await bring(database, rows("a@example.com")) == ImportReport(added=1)
    assert await bring(database, []) == ImportReport()


async def test_others_may_write_while_rows_are_gathered(database: Database) -> None:
    waiting = asyncio.Event()

    def file() -> Iterable[Row]:
        yield from rows(*(f"p{n}@example.com" for n in range(5000)))
        waiting.set()
        yield from rows(*(f"q{n}@example.com" for n in range(5000)))

    async def suppress() -> None:
        await waiting.wait()
        await suppress_address(database, LI, "complaint", NOW)

    report, _ = await asyncio.gather(bring(database, file()), suppress())
    assert report == ImportReport(added=10_000)


async def test_imports_of_the_same_people_at_once_do_not_hinder_each_other(database: Database) -> None:
    forth = [f"p{n}@example.com" for n in range(3000)]
    reports = await asyncio.gather(
        import_subscribers(database, rows(*forth, name="A"), SPP, KEY, NOW),
        import_subscribers(database, rows(*reversed(forth), name="B"), NOTES, KEY, NOW),
        *(add_subscriber(database, parse_address(text), "C", {}, "spp", NOW) for text in forth[:5]),
    )
    assert isinstance(reports[0], ImportReport)
    assert reports[0].added + reports[0].updated + reports[0].unchanged == 3000
    assert await count_lists(database) == [ListCount("notes", 3000), ListCount("spp", 3000)]


@pytest.mark.parametrize(("name", "count"), [("spp", 40), ("field-notes", 5)])
async def test_the_sample_lists_go_in_and_come_out_whole(database: Database, name: str, count: int) -> None:
    path = Path(__file__).parents[2] / "subscribers" / f"{name}.csv"
    assert await bring(database, read_subscribers(path)) == ImportReport(added=count)
    stream = io.StringIO(newline="")
    write_subscribers(await people(database, "spp"), stream)
    assert len(stream.getvalue().splitlines()) == count + 1
    assert all(person.address.lower().endswith(("@example.com", ".example.com")) for person in await people(database))


async def test_an_export_imported_again_changes_nothing(database: Database, tmp_path: Path) -> None:
    await add_subscriber(database, LI, " '=1+1 ", {"=x": "@SUM(A1)", "note": "\t-\r\n", "z": "'"}, "spp", NOW)
    await add_subscriber(database, ANN, "-", {"city": "Bath"}, "spp", NOW)
    path = tmp_path / "export.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        write_subscribers(await people(database, "spp"), stream)
    assert await bring(database, read_subscribers(path), LATER) == ImportReport(unchanged=2)
