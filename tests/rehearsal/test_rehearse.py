"""Rehearsals as they are run: the sending processes are real ones, and so is the kill."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from pressrun.address import parse_address
from pressrun.delivery.dkim_key import Algorithm, make_key
from pressrun.delivery.keyring import write_keys
from pressrun.delivery.outcome import State
from pressrun.errors import PressrunError, UsageError
from pressrun.rehearsal import rehearse as module
from pressrun.rehearsal.box import read_box
from pressrun.rehearsal.expectation import Bound
from pressrun.rehearsal.rehearse import Faults, Rehearsal, rehearse_send, write_rehearsal
from pressrun.render.source import FaultyIssueError, render_issue
from pressrun.store.database import open_database
from pressrun.store.delivery_log import count_states, plan
from pressrun.store.subscribers import add_subscriber, suppress_address
from pressrun.workspace import Workspace, open_workspace
from small_edition import NOW, addresses, fill_list
from small_issue import FIRST, write_small_issue

ISSUE = "small/2026-01"
CITY = FIRST.replace("The end.", "To readers in {{ city | your city }}, from {{ name | us }}.")


class Trap:
    """Where the workspace's settings say that the relay is; nobody is ever to come."""

    def __init__(self) -> None:
        self.visits = 0

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        writer.close()


@pytest.fixture
async def trap(tmp_path: Path) -> AsyncIterator[Trap]:
    """A trap, named as the relay by the settings of `workspace`."""
    trap = Trap()
    server = await asyncio.start_server(trap.take, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    settings = f'smtp_url = "smtp://127.0.0.1:{port}?rate=20/s"\nconnections = 4\n'
    (tmp_path / "pressrun.toml").write_text(settings)
    yield trap
    server.close()
    assert trap.visits == 0


@pytest.fixture
async def workspace(tmp_path: Path, trap: Trap) -> Workspace:
    """A workspace with a small issue, and 120 people on the list all."""
    write_small_issue(tmp_path, first=CITY)
    workspace = open_workspace(tmp_path)
    async with open_database(workspace.database_url) as database:
        await fill_list(database, "all", addresses(120))
    return workspace


async def rehearse(workspace: Workspace, faults: Faults | None = None, **options: object) -> Rehearsal:
    chance = random.Random(5)
    return await rehearse_send(workspace, ISSUE, ["all"], faults or Faults(), chance=chance, **options)  # type: ignore[arg-type]


async def test_through_all_faults_everybody_is_accounted_for(workspace: Workspace) -> None:
    write_keys(workspace.dkim_folder / "key.pem", [make_key("small.example.com", "a", Algorithm.ED25519_SHA256)])
    said: list[str] = []
    faults = Faults(temporary=0.1, permanent=0.05, dropped=0.03, slow=1, slow_seconds=0.01, kill=True)
    rehearsal = await rehearse(workspace, faults, say=said.append)
    account, report = rehearsal.account, write_rehearsal(rehearsal)
    assert rehearsal.is_sound, report
    assert (rehearsal.audience, account.planned, rehearsal.kills) == (120, 120, 1)
    assert {state for state, count in account.states.items() if count} == {State.SENT, State.FAILED, State.IN_DOUBT}
    # Who was refused just when the process was killed was tried again.
    assert 0 < account.states[State.FAILED] <= rehearsal.struck["permanent"]
    assert 1 <= account.states[State.IN_DOUBT] <= 4 + rehearsal.struck["cut after"]
    assert account.received >= account.states[State.SENT]
    assert (account.lost, account.twice, account.open) == (0, 0, 0)
    assert min(rehearsal.struck[kind] for kind in ("temporary", "cut before", "cut after", "slow")) > 0
    assert rehearsal.is_signed
    assert rehearsal.sizes.count == account.received
    assert "example.com" not in report + "".join(said)
    assert "reader" not in "".join(said)


async def test_the_real_store_is_not_changed_and_nothing_stays_behind(workspace: Workspace) -> None:
    before = {file.name for file in workspace.state.iterdir()}
    async with open_database(workspace.database_url) as database:
        await rehearse(workspace, sample=3)
        assert sum((await count_states(database, ISSUE)).values()) == 0
    assert {file.name for file in workspace.state.iterdir()} - before <= {"secret-key"}


async def test_without_faults_everybody_gets_one_message_of_their_own(workspace: Workspace, tmp_path: Path) -> None:
    async with open_database(workspace.database_url) as database:
        await add_subscriber(database, parse_address("lin@example.com"), "林晓", {"city": "北京 <&>"}, "all", NOW)
        await suppress_address(database, parse_address(addresses(1)[0]), "bounced", NOW)
    rehearsal = await rehearse(workspace, keep=tmp_path / "out")
    assert rehearsal.is_sound
    assert rehearsal.expectation.bound in (Bound.RATE, Bound.PACE)
    assert rehearsal.expectation.seconds >= 6 - 0.01  # type: ignore[operator] # 120 through a relay that takes 20 in a second
    assert rehearsal.account.states[State.SENT] == rehearsal.account.received == 120
    assert rehearsal.account.states[State.SUPPRESSED] == 1
    messages = {one.recipient: one.content for one in read_box(tmp_path / "out" / "messages")}
    assert set(messages) == {*addresses(119, start=1), "lin@example.com"}
    body = message_from_bytes(messages["lin@example.com"], policy=policy.default).get_body(("plain",))
    assert body is not None
    assert "To readers in 北京 <&>, from 林晓." in body.get_content()
    async with open_database(f"sqlite:///{tmp_path}/out/pressrun.db") as replica:
        assert (await count_states(replica, ISSUE))[State.SENT] == 120


async def test_an_empty_slot_is_found_with_how_many_people_read_it(workspace: Workspace, tmp_path: Path) -> None:
    write_small_issue(tmp_path, first=CITY.replace("| your city", ""), publication=None)
    async with open_database(workspace.database_url) as database:
        await add_subscriber(database, parse_address("lin@example.com"), "林晓", {"city": "北京"}, "few", NOW)
        for address in addresses(2):
            await add_subscriber(database, parse_address(address), None, {}, "few", NOW)
    rehearsal = await rehearse_send(workspace, ISSUE, ["few"], Faults(), keep=tmp_path / "out")
    assert not rehearsal.is_sound
    assert [(defect.count, "empty" in defect.what) for defect in rehearsal.findings] == [(2, True)]
    assert len(list((tmp_path / "out" / "faulty").iterdir())) == 2


async def test_who_had_it_gets_it_no_more_in_a_rehearsal(workspace: Workspace) -> None:
    async with open_database(workspace.database_url) as database:
        await fill_list(database, "few", addresses(5))
        await plan(database, render_issue(workspace, ISSUE).edition, "few", NOW)
    rehearsal = await rehearse(workspace)
    assert (rehearsal.account.planned, rehearsal.account.received) == (115, 115)


async def test_several_lists_are_rehearsed_together_and_nobody_twice(workspace: Workspace) -> None:
    async with open_database(workspace.database_url) as database:
        await fill_list(database, "more", addresses(30, start=110))
    rehearsal = await rehearse_send(workspace, ISSUE, ["all", "more", "all"], Faults())
    assert rehearsal.lists == ("all", "more")
    assert rehearsal.is_sound
    assert (rehearsal.audience, rehearsal.account.planned) == (140, 140)


async def test_a_rehearsal_with_nobody_is_not_sound(workspace: Workspace) -> None:
    async with open_database(workspace.database_url) as database:
        await fill_list(database, "none", addresses(1))
        await suppress_address(database, parse_address(addresses(1)[0]), "bounced", NOW)
    rehearsal = await rehearse_send(workspace, ISSUE, ["none"], Faults(kill=True))
    assert not rehearsal.is_sound
    assert (rehearsal.account.planned, rehearsal.account.received, rehearsal.kills) == (1, 0, 0)


async def test_where_all_is_refused_for_good_all_have_failed(workspace: Workspace) -> None:
    rehearsal = await rehearse(workspace, Faults(permanent=1, kill=True), sample=10)
    assert rehearsal.is_sound
    assert (rehearsal.account.states[State.FAILED], rehearsal.account.received, rehearsal.kills) == (10, 0, 0)


@pytest.mark.parametrize(
    ("lists", "options", "told"),
    [
        ([], {}, "no list is named"),
        (["nowhere"], {}, "nowhere"),
        (["all"], {"sample": 0}, "a sample of 0"),
    ],
)
async def test_what_is_wrong_is_told_before_anything_is_sent(
    workspace: Workspace, lists: list[str], options: dict[str, int], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        await rehearse_send(workspace, ISSUE, lists, **options)


async def test_an_issue_with_errors_is_not_rehearsed(workspace: Workspace, tmp_path: Path) -> None:
    write_small_issue(tmp_path, first=FIRST + "\n[nowhere](http:www.example.com)\n")
    with pytest.raises(FaultyIssueError):
        await rehearse(workspace)


async def test_a_disk_without_room_is_told_with_what_it_takes(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SPARE", 1 << 62)
    with pytest.raises(UsageError, match=r"120 messages of this issue take .* GB.*--sample"):
        await rehearse(workspace)


async def test_a_sending_process_that_fails_is_told(workspace: Workspace, tmp_path: Path) -> None:
    key = workspace.dkim_folder / "key.pem"
    write_keys(key, [make_key("small.example.com", "a", Algorithm.ED25519_SHA256)])

    def spoil(text: str) -> None:
        key.write_text("no key")  # after this process read it, and before the sending one does

    with pytest.raises(PressrunError, match=r"could not send: .*holds no DKIM key"):
        await rehearse(workspace, say=spoil)


async def test_a_sending_process_that_crashes_is_told_with_its_last_words(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "aiosmtplib.py").write_text('raise RuntimeError("last words")')
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "broken"))
    with pytest.raises(PressrunError, match=r"ended with status 1: RuntimeError: last words"):
        await rehearse(workspace)


async def test_a_rehearsal_that_is_cancelled_leaves_nothing_behind(workspace: Workspace) -> None:
    async def give_up() -> None:
        task = asyncio.current_task()
        assert task is not None
        await rehearse(workspace, Faults(kill=True), say=lambda text: "killed" in text and task.cancel())

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(give_up())
    assert not list(workspace.state.glob("rehearsal-*"))


async def test_rows_in_doubt_are_sent_once_more_and_flagged_where_the_policy_says_so(
    workspace: Workspace, tmp_path: Path
) -> None:
    settings = tmp_path / "pressrun.toml"
    settings.write_text(settings.read_text() + 'in_doubt = "retry"\n')
    rehearsal = await rehearse(open_workspace(tmp_path), Faults(dropped=0.1))
    account = rehearsal.account
    assert rehearsal.is_sound, write_rehearsal(rehearsal)
    assert account.states[State.SENT] + account.states[State.IN_DOUBT] == account.received == 120
    assert account.twice == account.flagged > 0
