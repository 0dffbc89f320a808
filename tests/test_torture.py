"""The short form of the fault plan (`make torture` is the long one), and what the harness itself must get right."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest

from pressrun.delivery.outcome import State
from torture import kill_cases, line_cases, postfix_cases, store_cases, world_cases
from torture.account import Account, Expected, LogRow, Receipt, settle_account
from torture.arena import arena
from torture.case import Case, Need, why_not
from torture.fault import Fault, FaultPlan, Kind, Step, all_faults, plan_from_json
from torture.plan import choose, list_cases
from torture.process import receiving
from torture.report import BEGIN, END, Result, as_line, as_markdown, write_into

SEED = "20260122"


def need(what: Need) -> None:
    """Skip the test, with the reason, where this machine can't offer it."""
    if reason := why_not(what):
        pytest.skip(reason)


def holds(account: Account) -> None:
    assert account.faults == ()
    assert (account.lost, account.unflagged) == (0, 0)
    assert account.received > 0


# The short form

STRIKING = [
    Fault(Step.CONNECT, Kind.CLOSING), Fault(Step.MAIL, Kind.CLOSE), Fault(Step.RCPT, Kind.TEMPORARY),
    Fault(Step.DATA, Kind.GARBAGE), Fault(Step.BODY, Kind.CLOSE), Fault(Step.DOT, Kind.CLOSE_ACCEPTED),
    Fault(Step.DOT, Kind.STALL_ACCEPTED), Fault(Step.DOT, Kind.PERMANENT), Fault(Step.DOT, Kind.BYTEWISE),
]  # fmt: skip


@pytest.mark.parametrize("fault", STRIKING, ids=str)
async def test_a_fault_on_the_line_loses_nobody(fault: Fault) -> None:
    holds(await line_cases.one_fault(FaultPlan(faults=(fault,)), f"{SEED} {fault}", 60))


@pytest.mark.parametrize("changes", [{}, {"pipelining": False}, {"takes_data_unasked": True}], ids=str)
async def test_under_every_fault_by_chance_nobody_is_lost(changes: Mapping[str, bool]) -> None:
    plan = FaultPlan(faults=tuple(all_faults()), rate=line_cases.RANDOM_RATE, **changes)
    holds(await line_cases.many_faults(plan, SEED, 200))


async def test_after_kills_nobody_is_lost_and_no_more_in_doubt_than_connections_were_open() -> None:
    account = await kill_cases.kill_often(FaultPlan(delay=0.004), SEED, 600, kills=5)
    holds(account)
    assert account.duplicated == 0
    assert account.in_doubt + account.received >= 600


async def test_with_retry_after_kills_everybody_has_it_and_each_duplicate_is_flagged() -> None:
    account = await kill_cases.kill_often(FaultPlan(delay=0.004), SEED, 400, kills=3, in_doubt="retry")
    holds(account)
    assert account.received == 400


async def test_sigterm_leaves_nothing_in_doubt() -> None:
    account = await kill_cases.terminate_often(SEED, 400)
    holds(account)
    assert account.in_doubt == 0


async def test_the_baseline_duplicates_without_a_flag_where_the_marker_does_not() -> None:
    ours, usual = [await kill_cases.cut_often(baseline, SEED, 300) for baseline in (False, True)]
    holds(ours)
    assert ours.duplicated == 0 < ours.in_doubt
    assert usual.unflagged > 0  # else this harness would see nothing


async def test_out_of_disk_space_in_the_middle_nobody_is_lost() -> None:
    account = await store_cases.limit_files((80, 300), SEED, 400)
    holds(account)
    assert all("I/O error" in said or "full" in said or "written" in said for said in account.remarks), account.remarks


@pytest.mark.parametrize("run", [world_cases.two_senders, world_cases.let_people_leave, world_cases.two_clocks])
async def test_around_a_send_things_happen_and_nobody_is_lost_or_mailed_twice(run: object) -> None:
    account = await world_cases.on("SQLite", run, SEED, 800)
    holds(account)
    assert account.duplicated == 0


@pytest.mark.postgres
async def test_postgres_torn_down_between_dot_and_commit_loses_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    need(Need.POSTGRES)
    monkeypatch.setattr(store_cases, "STOPS", 2)
    holds(await store_cases.tear_down_often(SEED, 200))


@pytest.mark.postfix
async def test_postfix_killed_in_the_middle_loses_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    need(Need.POSTFIX)
    monkeypatch.setattr(postfix_cases, "POSTFIX_KILLS", 2)
    holds(await postfix_cases.kill_postfix(SEED, 200))


@pytest.mark.postfix
async def test_recipients_that_postfix_refuses_fail_and_the_others_have_it() -> None:
    need(Need.POSTFIX)
    holds(await postfix_cases.refuse_some(SEED, 200))


# The account


def row(number: int, state: State = State.SENT, **changes: object) -> LogRow:
    return LogRow(f"r{number}@example.com", f"<{number}@example.com>", state, **changes)  # type: ignore[arg-type]


def receipt(number: int, **changes: str) -> Receipt:
    return Receipt(f"<{number}@example.com>", f"r{number}@example.com", **changes)


def settle(rows: list[LogRow], receipts: list[Receipt], bound: int = 0, **changes: object) -> Account:
    expected = Expected([one.address for one in rows], bound, **changes)  # type: ignore[arg-type]
    return settle_account(rows, receipts, expected)


def test_an_account_that_is_right_has_no_faults() -> None:
    rows = [row(1), row(2, State.FAILED), row(3, State.IN_DOUBT), row(4, State.IN_DOUBT)]
    account = settle(rows, [receipt(1), receipt(3)], bound=2)
    assert (account.recipients, account.received, account.in_doubt, account.faults) == (4, 2, 2, ())


@pytest.mark.parametrize(
    ("rows", "receipts", "changes", "fault"),
    [
        ([row(1)], [], {}, "1 lost"),
        ([row(1)], [receipt(1), receipt(1)], {}, "1 duplicated without a flag"),
        ([row(1, State.IN_DOUBT)], [], {}, "1 more in doubt than the bound"),
        ([row(1, State.IN_DOUBT, worker_id="w"), row(2, State.IN_DOUBT, worker_id="w")], [],
         {"bound": 9, "doubt_of_one": 1}, "1 more in doubt than one sender's connections"),
        ([row(1, State.QUEUED)], [], {}, "1 still open"),
        ([row(1, State.FAILED)], [receipt(1)], {}, "1 received, though the log says they were not"),
        ([row(1)], [receipt(1), receipt(2)], {}, "1 received, though in no row"),
        ([row(1)], [receipt(1)], {"unwanted": {"r1@example.com"}}, "1 received, though unwanted by then"),
        ([row(1, State.SENT, repeated=True)], [receipt(1, digest="a"), receipt(1, digest="b")], {},
         "1 repeated with other bytes"),
    ],
)  # fmt: skip
def test_each_wrong_is_seen(
    rows: list[LogRow], receipts: list[Receipt], changes: dict[str, object], fault: str
) -> None:
    assert settle(rows, receipts, **changes).faults == (fault,)  # type: ignore[arg-type]


def test_who_is_on_the_list_and_has_no_row_and_no_message_is_lost() -> None:
    expected = Expected(["r1@example.com", "r2@example.com"], 0)
    assert settle_account([row(1)], [receipt(1)], expected).lost == 1


def test_a_duplicate_that_is_repeated_or_in_doubt_is_flagged() -> None:
    rows = [row(1, repeated=True), row(2, State.IN_DOUBT)]
    account = settle(rows, [receipt(1), receipt(1), receipt(2), receipt(2)], bound=1)
    assert (account.duplicated, account.unflagged, account.faults) == (2, 0, ())


def test_postfixs_own_redelivery_is_not_the_senders_duplicate() -> None:
    assert settle([row(1)], [receipt(1, queue="A"), receipt(1, queue="A")]).duplicated == 0
    assert settle([row(1)], [receipt(1, queue="A"), receipt(1, queue="B")]).unflagged == 1


# The receiver


async def converse(plan: FaultPlan, *sent: bytes, folder: Path) -> tuple[bytes, list[str], int]:
    """What the receiver answers to what is sent piece by piece, its complaints, and how much it wrote down."""
    async with receiving(folder) as receiver:
        await receiver.follow(plan)
        reader, writer = await asyncio.open_connection("127.0.0.1", receiver.port)
        heard = await reader.readuntil(b"\r\n")
        for piece in sent:
            writer.write(piece)
            await asyncio.sleep(0.05)
        writer.write_eof()
        heard += await asyncio.wait_for(reader.read(), 5)
        writer.close()
        await receiver.stats()
        return heard, receiver.out_of_turn, receiver.journal.count()


GROUP = b"MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n"
MESSAGE = b"Message-ID: <1@example.com>\r\n\r\n..dots\r\n.\r\n"


async def test_pipelined_groups_are_answered_in_order(tmp_path: Path) -> None:
    sent = (b"EHLO x\r\n", GROUP, MESSAGE + GROUP, MESSAGE + b"QUIT\r\n")
    heard, complaints, count = await converse(FaultPlan(), *sent, folder=tmp_path)
    codes = [line[:3] for line in heard.split(b"\r\n") if line[3:4] == b" "]
    assert codes == [b"220", b"250", *[b"250", b"250", b"354", b"250"] * 2, b"221"]
    assert (complaints, count) == ([], 2)


@pytest.mark.parametrize(
    ("unasked", "codes"), [(False, [b"451", b"503"]), (True, [b"451", b"354", b"554"])], ids=["503", "354"]
)
async def test_data_behind_a_refused_recipient(tmp_path: Path, unasked: bool, codes: list[bytes]) -> None:
    plan = FaultPlan(faults=(Fault(Step.RCPT, Kind.TEMPORARY),), rate=1.0, takes_data_unasked=unasked)
    heard, _, count = await converse(plan, b"EHLO x\r\n", GROUP, b".\r\n" if unasked else b"NOOP\r\n", folder=tmp_path)
    said = [line[:3] for line in heard.split(b"\r\n") if line[3:4] == b" "]
    assert said[3 : 3 + len(codes)] == codes
    assert count == 0


async def test_a_sender_that_pipelines_unasked_is_told_on(tmp_path: Path) -> None:
    _, complaints, _ = await converse(FaultPlan(pipelining=False), b"EHLO x\r\n", GROUP, folder=tmp_path)
    assert complaints and complaints[0].startswith("spoke before the answer")


async def test_a_message_that_comes_before_354_is_told_on(tmp_path: Path) -> None:
    _, complaints, _ = await converse(FaultPlan(), b"EHLO x\r\n", GROUP + MESSAGE, folder=tmp_path)
    assert complaints and complaints[0].startswith("sent the message before 354")


async def test_a_message_is_in_the_journal_before_it_is_answered(tmp_path: Path) -> None:
    plan = FaultPlan(faults=(Fault(Step.DOT, Kind.CLOSE_ACCEPTED),), rate=1.0)
    heard, _, count = await converse(plan, b"EHLO x\r\n", GROUP, MESSAGE, folder=tmp_path)
    assert heard.endswith(b"354 go on\r\n")
    assert count == 1


# The plan


def test_a_fault_plan_survives_its_journey() -> None:
    plan = FaultPlan(7, tuple(all_faults()), 0.5, delay=0.25)
    assert plan_from_json(plan.to_json()) == plan


def test_cases_are_chosen_by_group_or_name_and_none_is_called_like_another() -> None:
    cases = list_cases()
    assert len({(case.group, case.name) for case in cases}) == len(cases)
    assert choose(cases, []) == cases
    assert {case.group for case in choose(cases, ["kill"])} == {"kill"}
    assert [case.name for case in choose(cases, ["mail: stall"])] == ["MAIL: stall"]
    assert choose(cases, ["nothing of the kind"]) == []


async def test_a_sender_that_is_killed_is_dead_and_one_that_ends_says_how() -> None:
    async with arena(SEED, 40) as place:
        sender = place.start()
        await sender.ready()
        assert await sender.kill()
        assert await place.run() == 0
        assert not await sender.kill() or sender.status == -9


def test_the_table_has_each_verdict_and_goes_between_its_marks() -> None:
    case = Case("MAIL: close", line_cases.Group.LINE, partial(line_cases.one_fault, FaultPlan()))
    good, bad = settle([row(1)], [receipt(1)]), settle([row(1)], [])
    results = [Result(case, good, 1.0), Result(case, bad, 1.0), Result(case, None, skipped="no Postfix is installed")]
    assert [result.has_failed for result in results] == [False, True, False]
    assert "FAILED: 1 lost" in as_line(results[1])
    table = as_markdown(results)
    assert "| MAIL: each fault (3 cases) | 2 | 1 | 1 | 0 | 0 | 0 | 0 | holds; FAILED: 1 lost; skipped" in table
    page = write_into(f"before\n{BEGIN}\nlast time\n{END}\nafter\n", table, "said")
    assert page.startswith("before\n") and page.endswith("\nafter\n")
    assert "last time" not in page and table in page
