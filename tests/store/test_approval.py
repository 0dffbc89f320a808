"""Approvals: what was approved is what is sent, and a change voids the approval (promise 8)."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from approved_plan import FIRST, HOUR, ISSUE, MENDED, begin, put_up, rows, seal_now
from pressrun.address import parse_address
from pressrun.delivery.outcome import State
from pressrun.errors import UsageError
from pressrun.store.approval import Decision, decide, read_approval, read_seal
from pressrun.store.claim import has_due
from pressrun.store.database import Database, open_database
from pressrun.store.delivery_log import plan
from pressrun.store.journal_postgres import PostgresJournal
from pressrun.store.planning import propose
from pressrun.store.subscribers import remove_subscriber
from pressrun.store.tables import approvals, deliveries, subscribers
from small_edition import NOW, addresses, fill_list, make_edition

APPROVED, REJECTED = Decision.APPROVED, Decision.REJECTED
IS_FIRST = deliveries.c.address == addresses(1)[0]


async def held(database: Database) -> set[bool]:
    return {row[3] for row in await rows(database)}


async def count_decisions(database: Database) -> int:
    async with database.read() as connection:
        return await connection.scalar(sa.select(sa.func.count()).select_from(approvals)) or 0


async def test_nothing_leaves_before_it_is_approved(database: Database) -> None:
    await put_up(database)
    assert await begin(database, 9) == []
    assert not await has_due(database, ISSUE, NOW)
    await decide(database, ISSUE, APPROVED, "Ann", NOW)
    assert await has_due(database, ISSUE, NOW)
    assert await begin(database, 9) == addresses(3)


async def test_the_seal_tells_what_is_planned(database: Database) -> None:
    assert await read_seal(database, ISSUE) is None
    text = await put_up(database, 2, "north", "south")
    seal = await read_seal(database, ISSUE)
    assert seal is not None
    assert (seal.text, seal.lists, seal.edition_ids) == (text, ("north", "south"), (FIRST.id,))
    assert (seal.recipients, seal.waiting, len(seal.text)) == (4, 4, 64)
    assert text.startswith(seal.short)


async def test_the_seal_stays_while_rows_are_delivered(database: Database) -> None:
    await put_up(database, 5)
    seal = await read_seal(database, ISSUE)
    await decide(database, ISSUE, APPROVED, "Ann", NOW)
    assert await read_seal(database, ISSUE) == seal
    for state in (State.SENT, State.FAILED, State.DEFERRED, State.IN_DOUBT):
        assert len(await begin(database, 1, state)) == 1
        assert await read_seal(database, ISSUE) == seal
    await begin(database, 1, None)
    assert await read_seal(database, ISSUE) == seal
    approval = await read_approval(database, ISSUE)
    assert approval is not None and approval.decision is APPROVED


async def test_the_seal_does_not_depend_on_when_and_in_what_order_rows_were_planned(database: Database) -> None:
    text = await put_up(database, 4)
    assert (await propose(database, FIRST, ["all"], NOW + HOUR, fresh=True)).seal is not None
    async with database.write() as connection:
        await connection.execute(sa.update(deliveries).values(id=10_000 - deliveries.c.id, created_at=NOW + HOUR))
    seal = await read_seal(database, ISSUE)
    assert seal is not None and seal.text == text


def copy_first_row() -> sa.Executable:
    """Somebody more in the plan, whoever put them there."""
    one = "x@example.com"
    columns = [column for column in deliveries.c if column.name != "id"]
    values = [sa.literal(one) if column.name.startswith("address") else column for column in columns]
    return sa.insert(deliveries).from_select([column.name for column in columns], sa.select(*values).where(IS_FIRST))


@pytest.mark.parametrize(
    "change",
    [
        copy_first_row(),
        sa.delete(deliveries).where(IS_FIRST),
        sa.update(deliveries).where(IS_FIRST).values(name="another"),
        sa.update(deliveries).where(IS_FIRST).values(attributes={"city": "北京"}),
    ],
    ids=["one more", "one less", "another name", "another attribute"],
)
async def test_whatever_changes_in_the_plan_voids_the_approval(database: Database, change: sa.Executable) -> None:
    text = await put_up(database)
    await decide(database, ISSUE, APPROVED, "Ann", NOW)
    async with database.write() as connection:
        await connection.execute(change)
    assert await read_approval(database, ISSUE) is None
    seal = await read_seal(database, ISSUE)
    assert seal is not None and seal.text != text


async def test_two_names_can_not_run_into_one_another(database: Database) -> None:
    await put_up(database, 1)
    seals = set()
    for name, address in (("a,b", "c"), ("a", "b,c"), ('a","b', "c")):
        async with database.write() as connection:
            await connection.execute(sa.update(deliveries).values(name=name, address=address))
        seal = await read_seal(database, ISSUE)
        seals.add(seal.text if seal else None)
    assert len(seals) == 3


async def test_an_approval_of_what_has_changed_approves_nothing(database: Database) -> None:
    shown = await put_up(database)
    await seal_now(database, MENDED)
    with pytest.raises(UsageError, match=f"has changed since '{shown[:12]}'.*pressrun approve {ISSUE}"):
        await decide(database, ISSUE, APPROVED, "Ann", NOW, seal=shown)
    assert await held(database) == {True}
    assert await count_decisions(database) == 0


@pytest.mark.parametrize("length", [64, 12])
async def test_a_seal_may_be_named_by_its_beginning(database: Database, length: int) -> None:
    shown = await put_up(database)
    await decide(database, ISSUE, APPROVED, "Ann", NOW, seal=shown[:length])
    assert await held(database) == {False}


async def test_too_little_of_a_seal_is_none(database: Database) -> None:
    shown = await put_up(database)
    for some in (shown[:11], "", shown + "0"):
        with pytest.raises(UsageError, match="nothing was decided"):
            await decide(database, ISSUE, APPROVED, "Ann", NOW, seal=some)


async def test_approving_twice_changes_nothing_and_the_first_one_stands(database: Database) -> None:
    await put_up(database)
    first = await decide(database, ISSUE, APPROVED, "Ann", NOW, note="fine", send_at=NOW + HOUR)
    assert await decide(database, ISSUE, APPROVED, "Bob", NOW + HOUR) == first
    assert await read_approval(database, ISSUE) == first
    assert await count_decisions(database) == 1


async def test_an_approval_with_another_time_takes_its_place(database: Database) -> None:
    await put_up(database)
    await decide(database, ISSUE, APPROVED, "Ann", NOW, send_at=NOW + HOUR)
    later = await decide(database, ISSUE, APPROVED, "Bob", NOW, send_at=NOW + 2 * HOUR)
    assert later.decided_by == "Bob"
    assert await read_approval(database, ISSUE) == later


async def test_many_who_approve_at_once_are_one(database: Database) -> None:
    await put_up(database)
    made = await asyncio.gather(*(decide(database, ISSUE, APPROVED, name, NOW) for name in ("Ann", "Bob", "Cy")))
    assert len(set(made)) == 1
    assert await count_decisions(database) == 1


async def test_a_rejected_plan_stays_held_until_it_is_approved(database: Database) -> None:
    text = await put_up(database)
    rejected = await decide(database, ISSUE, REJECTED, "Ann", NOW, note="typo")
    assert await decide(database, ISSUE, REJECTED, "Bob", NOW) == rejected
    assert (rejected.decision, rejected.note, rejected.seal) == (REJECTED, "typo", text)
    assert await begin(database, 9) == []
    approved = await decide(database, ISSUE, APPROVED, "Bob", NOW)
    assert await read_approval(database, ISSUE) == approved
    assert await begin(database, 9) == addresses(3)


async def test_an_approval_can_be_withdrawn_until_something_has_left(database: Database) -> None:
    await put_up(database)
    for _ in range(2):
        await decide(database, ISSUE, APPROVED, "Ann", NOW)
        await decide(database, ISSUE, REJECTED, "Bob", NOW)
        assert await begin(database, 9) == []
    await decide(database, ISSUE, APPROVED, "Ann", NOW)
    await begin(database, 1)
    with pytest.raises(UsageError, match="has begun to leave — pressrun pause"):
        await decide(database, ISSUE, REJECTED, "Bob", NOW)
    assert len(await begin(database, 9)) == 2


async def test_what_needs_no_approval_can_not_be_approved(database: Database) -> None:
    with pytest.raises(UsageError, match="was planned yet"):
        await decide(database, ISSUE, APPROVED, "Ann", NOW)
    await fill_list(database, "all", addresses(2))
    await plan(database, FIRST, "all", NOW)
    with pytest.raises(UsageError, match="waits for approval"):
        await decide(database, ISSUE, APPROVED, "Ann", NOW)
    assert await read_approval(database, ISSUE) is None
    assert await count_decisions(database) == 0


async def test_an_approval_is_about_one_issue(database: Database) -> None:
    other = make_edition(id="a" * 64, issue="spp/2025-02")
    await put_up(database)
    await propose(database, other, ["all"], NOW)
    await decide(database, ISSUE, APPROVED, "Ann", NOW)
    assert await read_approval(database, other.issue) is None
    assert {edition for _, _, edition, is_held in await rows(database) if is_held} == {other.id}


async def test_who_changes_joins_or_leaves_changes_nothing_beneath_the_approver(database: Database) -> None:
    shown = await put_up(database)
    await remove_subscriber(database, parse_address(addresses(1)[0]), "all", NOW)
    await fill_list(database, "all", addresses(2, 10))
    async with database.write() as connection:
        await connection.execute(sa.update(subscribers).values(name="another"))
    assert await seal_now(database, FIRST) == shown
    await decide(database, ISSUE, APPROVED, "Ann", NOW, seal=shown)
    assert await seal_now(database, FIRST) == shown
    assert await begin(database, 9) == addresses(2, 1)  # promise 7: who left gets nothing


async def test_a_page_of_rows_leaves_no_trace_in_the_seal(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    text = await put_up(database, 7)
    for page in (1, 2, 3, 7, 8):
        monkeypatch.setattr("pressrun.store.approval._PAGE", page)
        seal = await read_seal(database, ISSUE)
        assert seal is not None and seal.text == text


@pytest.mark.parametrize("turn", range(4))
async def test_an_approval_and_a_new_edition_at_once_release_nothing_unseen(database: Database, turn: int) -> None:
    shown = await put_up(database)
    acts = [decide(database, ISSUE, APPROVED, "Ann", NOW, seal=shown), seal_now(database, MENDED)]
    results = await asyncio.gather(*(acts if turn % 2 else reversed(acts)), return_exceptions=True)
    assert all(not isinstance(one, BaseException) or isinstance(one, UsageError) for one in results)
    assert {(edition, is_held) for _, _, edition, is_held in await rows(database)} == {(MENDED.id, True)}
    assert await begin(database, 9) == []
    assert await read_approval(database, ISSUE) is None


@pytest.mark.parametrize("turn", range(4))
async def test_a_rejection_and_a_claim_at_once_agree(database: Database, turn: int) -> None:
    await put_up(database, 4)
    await decide(database, ISSUE, APPROVED, "Ann", NOW)
    acts = [begin(database, 2, None), decide(database, ISSUE, REJECTED, "Bob", NOW)]
    results = await asyncio.gather(*(acts if turn % 2 else reversed(acts)), return_exceptions=True)
    claimed, rejected = results if turn % 2 else reversed(results)
    if isinstance(rejected, UsageError):
        assert len(claimed) == 2
        assert await held(database) == {False}
    else:
        assert claimed == []
        assert await held(database) == {True}


@pytest.mark.postgres
@pytest.mark.parametrize("act", ["reject", "mend"])
async def test_what_holds_a_send_back_waits_for_a_claim_that_has_begun(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    async with open_database(postgres_url) as database:
        await put_up(database, 3)
        await decide(database, ISSUE, APPROVED, "Ann", NOW)
        reading, going = asyncio.Event(), asyncio.Event()
        find = PostgresJournal._find

        async def find_late(*arguments: object) -> object:
            reading.set()
            await going.wait()
            return await find(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(PostgresJournal, "_find", find_late)
        claim = asyncio.create_task(begin(database, 2, None))
        await reading.wait()
        back = decide(database, ISSUE, REJECTED, "Bob", NOW) if act == "reject" else seal_now(database, MENDED)
        holding = asyncio.create_task(back)
        while not (holding.done() or await is_anyone_waiting(database)):
            await asyncio.sleep(0)
        going.set()
        claimed, held_back = await asyncio.gather(claim, holding, return_exceptions=True)
        assert len(claimed) == 2
        assert isinstance(held_back, UsageError) == (act == "reject")
        assert {(edition, is_held) for _, _, edition, is_held in await rows(database)} == {(FIRST.id, False)}


async def is_anyone_waiting(database: Database) -> bool:
    async with database.read() as connection:
        query = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'")
        return bool(await connection.scalar(query))
