"""The account of an issue: its sums are the log's, it explains what was refused, and it names nobody."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from pressrun.delivery.account import LARGEST, Account, rate_of, read_account, write_report, write_trip
from pressrun.delivery.breaker import Example, Trip, Trouble
from pressrun.delivery.outcome import State
from pressrun.store.control import Wish, cancel, pause
from pressrun.store.database import Database
from pressrun.store.delivery_log import count_states, plan
from pressrun.store.tables import deliveries
from pressrun.store.tally import Tally
from small_edition import NOW, fill_list, make_edition

ISSUE = "spp/2026-02"
SHANGHAI = ZoneInfo("Asia/Shanghai")
SECOND, MINUTE = dt.timedelta(seconds=1), dt.timedelta(minutes=1)


async def put(database: Database, people: Sequence[str], list_name: str = "all") -> list[int]:
    """Plan a row for each of these people and give their ids."""
    await fill_list(database, list_name, people)
    await plan(database, make_edition(), list_name, NOW)
    query = sa.select(deliveries.c.id).where(deliveries.c.address.in_(people)).order_by(deliveries.c.id)
    async with database.read() as connection:
        return list(await connection.scalars(query))


async def change(database: Database, ids: Sequence[int], state: State, **values: object) -> None:
    values = {"attempts": 1, "relay": "one", "updated_at": NOW, **values, "state": state.value}
    async with database.write() as connection:
        await connection.execute(sa.update(deliveries).where(deliveries.c.id.in_(ids)).values(**values))


def readers(count: int, domain: str = "example.com") -> list[str]:
    return [f"reader{n:03}@{domain}" for n in range(count)]


async def fill(database: Database) -> None:
    """Twenty rows on two lists in nearly every state there is."""
    ids = await put(database, readers(12), "north") + await put(database, readers(8, "other.example.com"), "south")
    taken = {"code": 250, "enhanced": "2.0.0", "reply": "2.0.0 taken"}
    await change(database, ids[:8], State.SENT, **taken)
    await change(database, ids[12:16], State.SENT, **taken, relay="two", updated_at=NOW + 90 * MINUTE)
    refused = {"code": 550, "enhanced": "5.1.1"}
    await change(database, ids[8:9], State.FAILED, **refused, reply="5.1.1 <reader008@example.com> unknown")
    await change(database, ids[16:17], State.FAILED, **refused, reply="5.1.1 no reader000 here")
    later = {"code": 452, "enhanced": "4.2.2", "reply": "4.2.2 full", "due_at": NOW + 5 * MINUTE}
    await change(database, ids[9:10], State.DEFERRED, **later)
    await change(database, ids[17:18], State.EXPIRED, **later, attempts=9)
    await change(database, ids[10:11], State.IN_DOUBT, reply="no answer to the final dot: timed out")
    waits = {"attempts": 0, "relay": None, "reply": "waits for 09:00 in Asia/Tokyo", "due_at": NOW + 9 * MINUTE}
    await change(database, ids[11:12], State.DEFERRED, **waits)


async def test_the_sums_are_the_logs(database: Database) -> None:
    await fill(database)
    account = await read_account(database, ISSUE)
    log = {state: count for state, count in (await count_states(database, ISSUE)).items() if count}
    assert account.counts == log
    assert (account.planned, account.open) == (20, 4)
    assert {name: sum(counts.values()) for name, counts in account.lists.items()} == {"north": 12, "south": 8}
    assert {one.name: sum(one.counts.values()) for one in account.domains} == {
        "example.com": 12,
        "other.example.com": 8,
    }
    assert account.relays["two"] == {State.SENT: 4}
    assert sum(account.relays["one"].values()) == 13
    assert (account.first, account.last) == (NOW, NOW + 90 * MINUTE)
    assert account.next_due == NOW + 5 * MINUTE
    assert account.fell_short


async def test_what_was_not_sent_is_grouped_by_code_and_explained(database: Database) -> None:
    await fill(database)
    refusals = (await read_account(database, ISSUE)).refusals
    assert [(one.code, one.enhanced, dict(one.counts), one.example) for one in refusals] == [
        (550, "5.1.1", {State.FAILED: 2}, "5.1.1 <…> unknown"),
        (452, "4.2.2", {State.DEFERRED: 1, State.EXPIRED: 1}, "4.2.2 full"),
        (None, None, {State.IN_DOUBT: 1}, "no answer to the final dot: timed out"),
    ]
    assert [one.explanation.partition(".")[0] for one in refusals] == [
        "There is no such mailbox",
        "The mailbox is full",
        "Nobody knows whether the relay took the message",
    ]


async def test_what_waits_for_its_time_was_not_refused(database: Database) -> None:
    ids = await put(database, readers(2))
    await change(database, ids, State.DEFERRED, attempts=0, reply="waits for 09:00 in Asia/Tokyo", relay=None)
    account = await read_account(database, ISSUE)
    assert (account.refusals, account.slowest, account.open) == ((), (), 2)


async def test_of_many_domains_the_largest_are_named_and_the_rest_counted(database: Database) -> None:
    people = [one for n in range(LARGEST + 5) for one in readers(30 - n, f"d{n:02}.example.com")]
    await put(database, people)
    account = await read_account(database, ISSUE)
    assert [one.name for one in account.domains] == [f"d{n:02}.example.com" for n in range(LARGEST)]
    assert (account.other_domains, account.others) == (5, {State.QUEUED: sum(range(6, 11))})
    assert f"| 5 others | {sum(range(6, 11))} |" in write_report(account, dt.UTC, {})


async def test_domains_that_needed_second_tries_are_told(database: Database) -> None:
    ids = await put(database, [*readers(9), *readers(3, "slow.example.com")])
    await change(database, ids[9:11], State.SENT, attempts=3, updated_at=NOW + 65 * MINUTE)
    await change(database, ids[11:], State.DEFERRED, attempts=1, code=450)
    account = await read_account(database, ISSUE)
    (slow,) = account.slowest
    assert (slow.name, slow.retried, slow.last) == ("slow.example.com", 3, NOW + 65 * MINUTE)
    assert "| slow.example.com | 3 | 1 | 2026-02-20 18:05 CST |" in write_report(account, SHANGHAI, {})


async def test_an_issue_that_was_never_planned_has_an_empty_account(database: Database) -> None:
    account = await read_account(database, ISSUE)
    assert (account, account.planned, account.fell_short) == (Account(ISSUE), 0, False)
    assert write_report(account, dt.UTC, {}) == f"# {ISSUE}\n\nNothing was planned yet.\n"


async def test_the_report_names_nobody(database: Database) -> None:
    await fill(database)
    account = await read_account(database, ISSUE)
    text = write_report(account, SHANGHAI, {})
    assert "@" not in text and "reader0" not in text
    assert "@" not in repr(account) and "reader0" not in repr(account)


async def test_the_report_tells_where_the_issue_stands(database: Database) -> None:
    await fill(database)
    account = await read_account(database, ISSUE)
    links = {"Archive": "https://spp.example.com/2026-02/", "Preview": "https://preview.example.com/a b"}
    text = write_report(account, SHANGHAI, links)
    assert "**12 of 20 sent**, 2 queued, 2 deferred, 2 failed, 1 in doubt, 1 expired: not finished." in text
    assert "The next deferred one is due at 2026-02-20 17:05 CST." in text
    assert "Sent from 2026-02-20 17:00 CST to 2026-02-20 18:30 CST." in text
    assert "[Archive](<https://spp.example.com/2026-02/>) · [Preview](<https://preview.example.com/a b>)" in text
    assert "| north | 12 | 0 | 8 | 2 | 1 | 1 | 0 |" in text
    assert "| 550 5.1.1 | 2 failed | There is no such mailbox. " in text


async def test_it_changes_as_deferred_mail_lands(database: Database) -> None:
    ids = await put(database, readers(3))
    await change(database, ids[:2], State.SENT, code=250)
    await change(database, ids[2:], State.DEFERRED, code=450)
    assert "not finished" in write_report(await read_account(database, ISSUE), dt.UTC, {})
    await change(database, ids[2:], State.SENT, code=250, attempts=2, updated_at=NOW + 300 * MINUTE)
    account = await read_account(database, ISSUE)
    assert "**3 of 3 sent**: finished." in write_report(account, dt.UTC, {})
    assert (account.fell_short, account.next_due, account.refusals) == (False, None, ())


async def test_a_pause_is_told_with_its_reason_and_a_cancel_as_that(database: Database) -> None:
    await put(database, readers(3))
    await pause(database, ISSUE, NOW, reason="3 of 3 [x]")
    account = await read_account(database, ISSUE)
    assert (account.wish, account.reason) == (Wish.PAUSE, "3 of 3 [x]")
    text = write_report(account, dt.UTC, {})
    assert f"> **Paused**: 3 of 3 \\[x\\]. It goes on with `pressrun resume {ISSUE}`." in text
    await cancel(database, ISSUE, NOW)
    account = await read_account(database, ISSUE)
    assert (account.wish, account.reason) == (Wish.CANCEL, None)
    assert "> **Cancelled.**" in write_report(account, dt.UTC, {})


def sent(minute: int, count: int, seconds: float = 59) -> Tally:
    begun = NOW + minute * MINUTE
    return Tally("all", State.SENT, "one", 250, None, minute, count, count, 1, begun, begun + seconds * SECOND, NOW)


def test_the_rate_is_that_of_the_busy_minutes() -> None:
    busy = [sent(n, 590) for n in range(10)]
    assert rate_of(busy) == 10
    assert rate_of([*busy, *(sent(600 + n, 1, 0) for n in range(40))]) == 10
    assert rate_of([sent(0, 300, 1.5)]) == 200
    assert rate_of([sent(0, 3, 0)]) == 3
    assert rate_of([sent(0, 1, 0)]) is None
    assert rate_of([]) is None


def test_a_trip_is_written_with_what_servers_said() -> None:
    examples = (Example(18, 554, "5.7.1", "5.7.1 blocked | see <…>"), Example(2, None, None, ""))
    counts = {"tries": 200, "policy": 18, "refused": 20, "in_doubt": 0}
    text = write_trip(Trip(Trouble.POLICY, "18 of 200", 0.09, counts, examples))
    assert "18 of 200." in text
    assert "200 tries, 18 policy, 20 refused, 0 in doubt." in text
    assert "| 554 5.7.1 | 18 | The server does not let us" in text
    assert "5.7.1 blocked \\| see \\<…\\> |" in text
    assert "| none | 2 |" in text
