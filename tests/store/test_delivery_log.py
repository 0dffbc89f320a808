"""The delivery log: one row for each person and issue, however often and from however many lists it is planned."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest

from pressrun.address import parse_address
from pressrun.delivery.outcome import State
from pressrun.errors import UsageError
from pressrun.store.claim import register_worker
from pressrun.store.database import Database
from pressrun.store.delivery_log import (
    Row,
    count_open,
    count_states,
    load_editions,
    next_due,
    plan,
    preview_plan,
    read_log,
)
from pressrun.store.journal import Scope, Settled, open_journal
from pressrun.store.subscribers import remove_subscriber, suppress_address
from small_edition import NOW, addresses, fill_list, make_edition

ISSUE = "spp/2026-02"
EDITION = make_edition()
MINUTE = dt.timedelta(minutes=1)


async def log(database: Database, *states: State, page: int = 5_000) -> list[Row]:
    return [row async for row in read_log(database, ISSUE, states, page)]


async def test_planning_makes_a_row_for_each_member(database: Database) -> None:
    await fill_list(database, "all", addresses(3))
    made = await plan(database, EDITION, "all", NOW)
    assert (made.added, made.audience) == (3, 3)
    rows = await log(database)
    assert [(row.address, row.state, row.list, row.attempts) for row in rows] == [
        (address, State.QUEUED, "all", 0) for address in addresses(3)
    ]
    assert {(row.due_at, row.created_at, row.updated_at) for row in rows} == {(NOW, NOW, NOW)}
    assert len({row.message_id for row in rows}) == 3
    assert all(row.message_id.endswith("@spp.example.com>") for row in rows)


async def test_planning_again_adds_only_who_is_new(database: Database) -> None:
    await fill_list(database, "all", addresses(3))
    first = await plan(database, EDITION, "all", NOW)
    before = await log(database)
    assert await plan(database, EDITION, "all", NOW + MINUTE) == type(first)(first.send_id, 0, 3)
    assert await log(database) == before
    await fill_list(database, "all", addresses(5))
    assert (await plan(database, EDITION, "all", NOW + MINUTE)).added == 2


async def test_overlapping_lists_give_one_row_a_person(database: Database) -> None:
    await fill_list(database, "north", addresses(6))
    await fill_list(database, "south", [*addresses(6, 3), "Reader0001@EXAMPLE.com"])
    plans = await asyncio.gather(*(plan(database, EDITION, name, NOW) for name in ("north", "south", "north")))
    assert sum(made.added for made in plans) == 9
    assert len({row.address.lower() for row in await log(database)}) == len(await log(database)) == 9


async def test_another_edition_of_the_issue_mails_nobody_again(database: Database) -> None:
    await fill_list(database, "all", addresses(3))
    await plan(database, EDITION, "all", NOW)
    mended = make_edition(id="f" * 64, html="<p>mended</p>")
    assert (await plan(database, mended, "all", NOW)).added == 0
    found = await load_editions(database, ISSUE)
    assert sorted(edition.id for edition in found.values()) == [EDITION.id, mended.id]
    assert EDITION in found.values()


async def test_who_left_is_not_planned_and_who_is_suppressed_is_planned_as_such(database: Database) -> None:
    await fill_list(database, "all", addresses(4))
    left, suppressed = (parse_address(text) for text in addresses(2))
    await remove_subscriber(database, left, "all", NOW)
    await suppress_address(database, suppressed, "complained", NOW)
    assert (await plan(database, EDITION, "all", NOW)).audience == 3
    counts = await count_states(database, ISSUE)
    assert (counts[State.QUEUED], counts[State.SUPPRESSED], sum(counts.values())) == (2, 1, 3)


async def test_a_preview_tells_the_plan_and_writes_nothing(database: Database) -> None:
    await fill_list(database, "all", addresses(3))
    preview = await preview_plan(database, ISSUE, "all", NOW)
    assert (preview.added, preview.audience) == (3, 3)
    assert sum((await count_states(database, ISSUE)).values()) == 0
    await plan(database, EDITION, "all", NOW)
    await fill_list(database, "all", addresses(4))
    assert (await preview_plan(database, ISSUE, "all", NOW)).added == 1


async def test_an_unknown_list_is_refused_and_leaves_no_trace(database: Database) -> None:
    with pytest.raises(UsageError, match="no list 'nobody'"):
        await plan(database, EDITION, "nobody", NOW)
    with pytest.raises(UsageError):
        await preview_plan(database, ISSUE, "nobody", NOW)
    assert await load_editions(database, ISSUE) == {}


async def test_the_log_reads_the_same_in_pages_of_any_size(database: Database) -> None:
    await fill_list(database, "all", addresses(7))
    await plan(database, EDITION, "all", NOW)
    whole = await log(database)
    assert len(whole) == 7
    for page in (1, 2, 3, 7, 8):
        assert await log(database, page=page) == whole


async def test_the_log_can_be_read_by_state_and_knows_what_is_due_next(database: Database) -> None:
    await fill_list(database, "all", addresses(4))
    await plan(database, EDITION, "all", NOW)
    assert await next_due(database, ISSUE) is None
    await register_worker(database, "a", "host", 1, NOW, MINUTE)
    async with open_journal(database) as journal:
        rows = await journal.claim(Scope(ISSUE, "a"), 3, NOW)
        await journal.write(
            "a",
            [
                Settled(rows[0].id, State.SENT, 1, 250, "2.0.0", "2.0.0 好", NOW, NOW + MINUTE),
                Settled(rows[1].id, State.DEFERRED, 1, 451, None, "later", NOW + 9 * MINUTE, NOW + MINUTE),
                Settled(rows[2].id, State.DEFERRED, 1, 451, None, "later", NOW + 5 * MINUTE, NOW + MINUTE),
            ],
            (),
            NOW,
        )
    (sent,) = await log(database, State.SENT)
    assert (sent.code, sent.enhanced, sent.reply, sent.updated_at) == (250, "2.0.0", "2.0.0 好", NOW + MINUTE)
    assert len(await log(database, State.SENT, State.DEFERRED, page=1)) == 3
    assert await log(database, State.FAILED) == []
    assert await next_due(database, ISSUE) == NOW + 5 * MINUTE
    counts = await count_states(database, ISSUE)
    assert count_open(counts) == 3
    assert set(counts) == set(State)


async def test_a_sender_at_a_chinese_domain_has_ascii_message_ids(database: Database) -> None:
    await fill_list(database, "all", addresses(1))
    await plan(database, make_edition(sender_address="news@采购.example.com"), "all", NOW)
    (row,) = await log(database)
    assert row.message_id.isascii()
    assert row.message_id.endswith(".example.com>")


async def test_issues_have_logs_of_their_own(database: Database) -> None:
    await fill_list(database, "all", addresses(2))
    await plan(database, EDITION, "all", NOW)
    other = make_edition(id="a" * 64, issue="spp/2025-02")
    assert (await plan(database, other, "all", NOW)).added == 2
    assert len(await log(database)) == 2
    assert list((await load_editions(database, "spp/2025-02")).values()) == [other]
