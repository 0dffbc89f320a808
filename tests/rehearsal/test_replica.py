from __future__ import annotations

import datetime as dt
import random
from pathlib import Path

import pytest
import sqlalchemy as sa

from pressrun.address import parse_address
from pressrun.condition import OneOf
from pressrun.delivery.outcome import State
from pressrun.errors import UsageError
from pressrun.rehearsal import replica as module
from pressrun.rehearsal.replica import copy_store, plan_in_replica
from pressrun.segment import Segment
from pressrun.store.database import Database, open_database
from pressrun.store.delivery_log import count_states, load_editions, plan
from pressrun.store.people_tables import tags
from pressrun.store.planning import propose
from pressrun.store.subscribers import (
    add_subscriber,
    count_lists,
    list_subscribers,
    remove_subscriber,
    suppress_address,
)
from pressrun.store.tables import deliveries, sends, suppressions
from small_edition import NOW, addresses, fill_list, make_edition

ISSUE = "spp/2026-02"


async def rows_of(database: Database) -> list[tuple[object, ...]]:
    columns = [column for column in deliveries.c if column.name != "attributes"]
    async with database.read() as connection:
        return [tuple(row) for row in await connection.execute(sa.select(*columns).order_by(deliveries.c.id))]


async def test_people_lists_suppressions_and_the_issues_rows_are_copied_as_they_are(
    database: Database, replica: Database
) -> None:
    await fill_list(database, "a", addresses(5))
    await fill_list(database, "b", addresses(3, start=4))
    person = parse_address("林晓@example.com")
    await add_subscriber(database, person, "林晓", {"city": "北京 <&>"}, "a", NOW)
    await remove_subscriber(database, parse_address(addresses(1)[0]), "a", NOW)
    await suppress_address(database, parse_address(addresses(2)[1]), "bounced", NOW)
    await plan(database, make_edition(), "a", NOW)
    assert await copy_store(database, replica, ISSUE, ["a", "b"], NOW) == 7
    for name in ("a", "b"):
        people = [person async for person in list_subscribers(database, name)]
        assert [person async for person in list_subscribers(replica, name)] == people
    assert await rows_of(replica) == await rows_of(database)
    assert await load_editions(replica, ISSUE) == await load_editions(database, ISSUE)
    assert await count_lists(replica) == await count_lists(database)
    async with replica.read() as connection:
        assert (await connection.execute(sa.select(suppressions.c.reason))).scalars().all() == ["bounced"]


async def test_who_left_stays_away_in_the_copy_as_well(database: Database, replica: Database) -> None:
    await fill_list(database, "a", addresses(3))
    await remove_subscriber(database, parse_address(addresses(1)[0]), "a", NOW)
    await copy_store(database, replica, ISSUE, ["a"], NOW)
    assert (await plan(replica, make_edition(), "a", NOW)).added == 2


async def test_other_lists_people_and_other_issues_rows_stay_behind(database: Database, replica: Database) -> None:
    await fill_list(database, "a", addresses(2))
    await fill_list(database, "b", addresses(4, start=2))
    await plan(database, make_edition(issue="spp/2026-01", id="f" * 64), "a", NOW)
    assert await copy_store(database, replica, ISSUE, ["a"], NOW) == 2
    assert await rows_of(replica) == []


async def test_who_had_the_issue_by_another_list_is_not_planned_again(database: Database, replica: Database) -> None:
    await fill_list(database, "a", addresses(4))
    await fill_list(database, "b", addresses(2))
    await plan(database, make_edition(), "b", NOW)
    await copy_store(database, replica, ISSUE, ["a"], NOW)
    assert (await plan(replica, make_edition(), "a", NOW)).added == 2


async def test_what_waits_for_approval_goes_out_as_it_was_proposed(database: Database, replica: Database) -> None:
    await fill_list(database, "a", addresses(3))
    await propose(database, make_edition(), ["a"], NOW)
    await fill_list(database, "a", addresses(2, start=3))
    await copy_store(database, replica, ISSUE, ["a"], NOW)
    later = NOW + dt.timedelta(days=4)
    await plan_in_replica(replica, make_edition(), ["a"], later, held=False)
    assert (await count_states(replica, ISSUE))[State.QUEUED] == 3
    async with replica.read() as connection:
        assert set(await connection.scalars(sa.select(deliveries.c.created_at))) == {later}  # none of them expires
        assert set(await connection.scalars(sa.select(sends.c.held))) == {False}


async def test_what_waits_for_approval_is_planned_anew_where_the_issue_has_changed(
    database: Database, replica: Database
) -> None:
    await fill_list(database, "a", addresses(3))
    await propose(database, make_edition(), ["a"], NOW)
    await fill_list(database, "a", addresses(2, start=3))
    await copy_store(database, replica, ISSUE, ["a"], NOW)
    changed = make_edition(id="f" * 64)
    await plan_in_replica(replica, changed, ["a"], NOW, held=True)
    assert (await count_states(replica, ISSUE))[State.QUEUED] == 5
    async with replica.read() as connection:
        through = sa.select(sends.c.edition_id).join(deliveries).distinct()
        assert (await connection.scalars(through)).all() == [changed.id]


@pytest.mark.parametrize("held", [False, True])
async def test_an_issue_that_nobody_planned_is_planned_for_all_its_lists(
    database: Database, replica: Database, held: bool
) -> None:
    await fill_list(database, "a", addresses(3))
    await fill_list(database, "b", addresses(3, start=2))
    await copy_store(database, replica, ISSUE, ["a", "b"], NOW)
    await plan_in_replica(replica, make_edition(), ["a", "b"], NOW, held=held)
    assert (await count_states(replica, ISSUE))[State.QUEUED] == 5


@pytest.mark.parametrize(("sample", "expected"), [(1, 1), (7, 7), (40, 40), (100, 40)])
async def test_a_sample_is_so_many_people_and_their_rows(
    database: Database, replica: Database, sample: int, expected: int
) -> None:
    await fill_list(database, "a", addresses(30))
    await fill_list(database, "b", addresses(20, start=20))
    await plan(database, make_edition(), "a", NOW)
    assert (
        await copy_store(database, replica, ISSUE, ["a", "b"], NOW, sample=sample, chance=random.Random(3)) == expected
    )
    await plan(replica, make_edition(), "b", NOW)
    assert (await count_states(replica, ISSUE))[State.QUEUED] == expected


async def test_samples_differ_and_reach_everybody(database: Database, tmp_path: Path) -> None:
    await fill_list(database, "a", addresses(6))
    seen = set()
    for seed in range(6):
        async with open_database(f"sqlite:///{tmp_path}/replica{seed}.db") as replica:
            await copy_store(database, replica, ISSUE, ["a"], NOW, sample=2, chance=random.Random(seed))
            seen.add(frozenset([person.address async for person in list_subscribers(replica)]))
    assert len(seen) > 2
    assert frozenset.union(*seen) == set(addresses(6))


async def test_pages_make_no_difference(database: Database, replica: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE", 3)
    await fill_list(database, "a", addresses(10))
    await plan(database, make_edition(), "a", NOW)
    assert await copy_store(database, replica, ISSUE, ["a"], NOW) == 10
    assert await rows_of(replica) == await rows_of(database)


async def test_an_unknown_list_is_wrong_usage(database: Database, replica: Database) -> None:
    with pytest.raises(UsageError, match="nowhere"):
        await copy_store(database, replica, ISSUE, ["nowhere"], NOW)


@pytest.mark.parametrize("needs_approval", [False, True])
async def test_of_a_segment_only_its_people_are_copied_and_planned(
    database: Database, replica: Database, needs_approval: bool
) -> None:
    await fill_list(database, "a", addresses(4))
    await fill_list(database, "b", addresses(3, start=3))
    async with database.write() as connection:
        await connection.execute(sa.insert(tags), [{"subscriber_id": number, "tag": "vip"} for number in (1, 2, 5)])
    await remove_subscriber(database, parse_address(addresses(1)[0]), "a", NOW)
    vip = {"vip": Segment("vip", 'tag == "vip"', OneOf("tag", ("vip",)))}  # the copy knows no tags
    names = ["a:vip", "b"]
    assert await copy_store(database, replica, ISSUE, names, NOW, segments=vip) == 4
    await plan_in_replica(replica, make_edition(), names, NOW, held=needs_approval)
    query = sa.select(sends.c.list, sends.c.of_list, deliveries.c.address).join(sends).order_by(deliveries.c.id)
    async with replica.read() as connection:
        planned = [tuple(row) for row in await connection.execute(query)]
    assert planned == [
        ("a:vip", "a", addresses(4)[1]), *(("b", None, address) for address in addresses(3, start=3)),
    ]  # fmt: skip
