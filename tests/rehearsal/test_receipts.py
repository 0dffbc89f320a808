from __future__ import annotations

import pytest
import sqlalchemy as sa

from pressrun.delivery.outcome import State
from pressrun.rehearsal.receipts import Receipt, draw_account, open_account, write_receipts
from pressrun.store.database import Database
from pressrun.store.delivery_log import plan
from pressrun.store.tables import deliveries
from small_edition import NOW, addresses, fill_list, make_edition

ISSUE = "spp/2026-02"


async def prepare(replica: Database, count: int = 4) -> list[int]:
    """Plan for `count` people on the list a: the ids of their rows."""
    await fill_list(replica, "a", addresses(count))
    await plan(replica, make_edition(), "a", NOW)
    async with replica.read() as connection:
        return list((await connection.scalars(sa.select(deliveries.c.id).order_by(deliveries.c.id))).all())


async def become(replica: Database, row: int, state: State, *, repeated: bool = False) -> None:
    async with replica.write() as connection:
        change = sa.update(deliveries).where(deliveries.c.id == row)
        await connection.execute(change.values(state=state.value, repeated=repeated))


def of(number: int, row: int | None, token: str = "", digest: str = "d") -> Receipt:
    return Receipt(number, row, token or f"token {row}", digest)


async def test_everybody_sent_and_received_once(replica: Database) -> None:
    rows = await prepare(replica)
    await open_account(replica, ISSUE, repeats=False)
    for row in rows:
        await become(replica, row, State.SENT)
    await write_receipts(replica, [of(number, row) for number, row in enumerate(rows, 1)])
    account = await draw_account(replica, ISSUE, ["a"])
    assert (account.planned, account.received, account.states[State.SENT]) == (4, 4, 4)
    for name in ("lost", "twice", "flagged", "contradicted", "strangers", "altered", "shared_links", "open", "before"):
        assert getattr(account, name) == 0, name


async def test_sent_and_not_received_is_lost_and_failed_is_not(replica: Database) -> None:
    sent, failed, in_doubt, _ = await prepare(replica)
    await open_account(replica, ISSUE, repeats=False)
    await become(replica, sent, State.SENT)
    await become(replica, failed, State.FAILED)
    await become(replica, in_doubt, State.IN_DOUBT)
    account = await draw_account(replica, ISSUE, ["a"])
    assert (account.lost, account.received, account.open) == (1, 0, 1)
    assert account.states[State.IN_DOUBT] == account.states[State.FAILED] == 1


@pytest.mark.parametrize(
    ("state", "repeated", "flagged"),
    [(State.SENT, False, 0), (State.SENT, True, 1), (State.IN_DOUBT, False, 1)],
)
async def test_who_got_it_twice_is_flagged_by_the_rows_word(
    replica: Database, state: State, repeated: bool, flagged: int
) -> None:
    first, *_ = await prepare(replica)
    await open_account(replica, ISSUE, repeats=False)
    await become(replica, first, state, repeated=repeated)
    await write_receipts(replica, [of(1, first), of(2, first)])
    account = await draw_account(replica, ISSUE, ["a"])
    assert (account.twice, account.flagged, account.altered, account.shared_links) == (1, flagged, 0, 0)


async def test_copies_that_differ_are_told(replica: Database) -> None:
    first, *_ = await prepare(replica)
    await open_account(replica, ISSUE, repeats=False)
    await write_receipts(replica, [of(1, first, digest="one"), of(2, first, digest="two")])
    assert (await draw_account(replica, ISSUE, ["a"])).altered == 1


@pytest.mark.parametrize("state", [State.FAILED, State.EXPIRED, State.CANCELLED, State.SUPPRESSED])
async def test_a_message_that_the_log_says_never_left_is_told(replica: Database, state: State) -> None:
    first, *_ = await prepare(replica)
    await open_account(replica, ISSUE, repeats=False)
    await become(replica, first, state)
    await write_receipts(replica, [of(1, first)])
    assert (await draw_account(replica, ISSUE, ["a"])).contradicted == 1


async def test_a_first_copy_may_have_come_where_the_second_was_refused(replica: Database) -> None:
    first, *_ = await prepare(replica)
    await open_account(replica, ISSUE, repeats=False)
    await become(replica, first, State.FAILED, repeated=True)
    await write_receipts(replica, [of(1, first)])
    assert (await draw_account(replica, ISSUE, ["a"])).contradicted == 0


async def test_what_was_settled_before_counts_apart_and_may_get_nothing(replica: Database) -> None:
    first, second, *_ = await prepare(replica)
    await become(replica, first, State.SENT)
    await open_account(replica, ISSUE, repeats=False)
    await write_receipts(replica, [of(1, first), of(2, None, "x"), of(3, second)])
    account = await draw_account(replica, ISSUE, ["a"])
    assert (account.before, account.planned, account.strangers, account.lost) == (1, 3, 2, 0)


@pytest.mark.parametrize(("repeats", "before"), [(False, 2), (True, 1)])
async def test_rows_in_doubt_are_rehearsed_where_the_policy_repeats_them(
    replica: Database, repeats: bool, before: int
) -> None:
    first, second, *_ = await prepare(replica)
    await become(replica, first, State.IN_DOUBT)
    await become(replica, second, State.IN_DOUBT, repeated=True)
    await open_account(replica, ISSUE, repeats=repeats)
    assert (await draw_account(replica, ISSUE, ["a"])).before == before


async def test_a_link_for_two_people_is_told(replica: Database) -> None:
    first, second, third, fourth = await prepare(replica)
    await open_account(replica, ISSUE, repeats=False)
    receipts = [of(1, first, "same"), of(2, second, "same"), of(3, third), of(4, third), of(5, fourth, " ")]
    await write_receipts(replica, receipts)
    assert (await draw_account(replica, ISSUE, ["a"])).shared_links == 1


async def test_rows_of_other_lists_are_not_counted(replica: Database) -> None:
    await fill_list(replica, "b", addresses(2))
    await plan(replica, make_edition(), "b", NOW)
    await prepare(replica)
    await open_account(replica, ISSUE, repeats=False)
    assert (await draw_account(replica, ISSUE, ["a"])).planned == 2
    assert (await draw_account(replica, ISSUE, ["a", "b"])).planned == 4


async def test_who_was_suppressed_when_planned_belongs_to_the_plan(replica: Database) -> None:
    first, *_ = await prepare(replica)
    await become(replica, first, State.SUPPRESSED)
    await open_account(replica, ISSUE, repeats=False)
    account = await draw_account(replica, ISSUE, ["a"])
    assert (account.planned, account.before, account.states[State.SUPPRESSED]) == (4, 0, 1)
