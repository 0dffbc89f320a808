"""Counting rows in the database: every row once, of this issue only, the same on both databases."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence

import sqlalchemy as sa

from pressrun.delivery.outcome import State
from pressrun.store.database import Database
from pressrun.store.delivery_log import plan
from pressrun.store.tables import deliveries
from pressrun.store.tally import Tally, read_replies, tally_domains, tally_rows
from small_edition import NOW, fill_list, make_edition

ISSUE = "spp/2026-02"
MINUTE = dt.timedelta(minutes=1)


async def put(database: Database, people: Sequence[str], list_name: str = "all", issue: str = ISSUE) -> list[int]:
    """Plan a row for each of these people and give their ids."""
    await fill_list(database, list_name, people)
    await plan(database, make_edition(issue=issue, id=issue.encode().hex()), list_name, NOW)
    query = sa.select(deliveries.c.id).where(deliveries.c.issue == issue, deliveries.c.address.in_(people))
    async with database.read() as connection:
        return list(await connection.scalars(query.order_by(deliveries.c.id)))


async def change(database: Database, ids: Sequence[int], **values: object) -> None:
    async with database.write() as connection:
        await connection.execute(sa.update(deliveries).where(deliveries.c.id.in_(ids)).values(**values))


def people(domain: str, count: int) -> list[str]:
    return [f"reader{n}@{domain}" for n in range(count)]


async def rows(database: Database, issue: str = ISSUE) -> list[Tally]:
    async with database.read() as connection:
        return await tally_rows(connection, issue)


async def test_an_issue_that_was_never_planned_has_no_rows(database: Database) -> None:
    async with database.read() as connection:
        assert await tally_rows(connection, ISSUE) == []
        assert await tally_domains(connection, ISSUE, 5, 5) == []


async def test_every_row_of_the_issue_is_counted_once_and_no_other(database: Database) -> None:
    await put(database, people("a.example.com", 3), "all", "spp/2025-12")
    await put(database, people("a.example.com", 4), "north")
    await put(database, people("b.example.com", 2), "south")
    await put(database, people("a.example.com", 5), "all", "spp/2026-03")
    tallies = await rows(database)
    assert {(one.list, one.state, one.rows, one.tried) for one in tallies} == {
        ("north", State.QUEUED, 4, 0),
        ("south", State.QUEUED, 2, 0),
    }


async def test_rows_are_told_apart_by_state_relay_reply_and_the_minute_they_were_sent(database: Database) -> None:
    ids = await put(database, people("a.example.com", 9))
    sent = {"state": "sent", "relay": "one", "code": 250, "enhanced": "2.0.0", "attempts": 1}
    await change(database, ids[:3], **sent, updated_at=NOW + dt.timedelta(seconds=59.9))
    await change(database, ids[3:4], **sent, updated_at=NOW + dt.timedelta(seconds=1))
    await change(database, ids[4:6], **sent, updated_at=NOW + MINUTE)
    failed = {"state": "failed", "relay": "two", "code": 550, "enhanced": "5.1.1", "attempts": 2}
    await change(database, ids[6:7], **failed, updated_at=NOW)
    await change(database, ids[7:8], **failed, updated_at=NOW + 9 * MINUTE)
    found = {(one.state, one.relay, one.code, one.enhanced, one.rows, one.tried) for one in await rows(database)}
    assert found == {
        (State.SENT, "one", 250, "2.0.0", 4, 4),
        (State.SENT, "one", 250, "2.0.0", 2, 2),
        (State.FAILED, "two", 550, "5.1.1", 2, 2),
        (State.QUEUED, None, None, None, 1, 0),
    }
    (first,) = [one for one in await rows(database) if one.rows == 4]
    assert (first.example, first.first, first.last) == (
        ids[0], NOW + dt.timedelta(seconds=1), NOW + dt.timedelta(seconds=59.9)
    )  # fmt: skip


async def test_domains_come_by_size_with_their_states_and_the_slowest_beside_them(database: Database) -> None:
    big, middle = people("big.example.com", 9), people("middle.example.com", 5)
    slow, small = people("slow.example.com", 2), people("small.example.com", 1)
    ids = await put(database, [*big, *middle, *slow, *small])
    await change(database, ids[:8], state="sent", attempts=1, updated_at=NOW + MINUTE)
    await change(database, ids[8:9], state="sent", attempts=2, updated_at=NOW + 5 * MINUTE)
    await change(database, ids[14:16], state="deferred", attempts=1)
    await change(database, ids[16:17], state="deferred", attempts=0)  # waits for its time, and was never tried
    async with database.read() as connection:
        found = await tally_domains(connection, ISSUE, 2, 1)
    assert [(one.domain, one.by_size, one.by_delay, one.retried, one.domains) for one in found] == [
        ("big.example.com", 1, 2, 1, 4),
        ("middle.example.com", 2, 3, 0, 4),
        ("slow.example.com", 3, 1, 2, 4),
    ]
    assert Counter(found[0].counts) == Counter({State.SENT: 9})
    assert (found[0].last, found[1].last) == (NOW + 5 * MINUTE, None)
    assert found[2].counts[State.DEFERRED] == 2


async def test_a_domain_counts_once_however_it_is_written(database: Database) -> None:
    await put(database, ["a@EXAMPLE.com", "b@Example.Com", "c@例子.example.com", "d@xn--fsqu00a.example.com"])
    async with database.read() as connection:
        found = await tally_domains(connection, ISSUE, 5, 5)
    assert [(one.domain, sum(one.counts.values())) for one in found] == [
        ("example.com", 2),
        ("xn--fsqu00a.example.com", 2),
    ]


async def test_replies_come_with_the_address_they_are_about(database: Database) -> None:
    ids = await put(database, people("a.example.com", 2))
    await change(database, ids[:1], reply="5.1.1 no")
    async with database.read() as connection:
        assert await read_replies(connection, ids) == {
            ids[0]: ("5.1.1 no", "reader0@a.example.com"),
            ids[1]: ("", "reader1@a.example.com"),
        }
