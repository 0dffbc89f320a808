"""What deliver-send and send-test do with what they are asked, and what they say where they can't."""

from __future__ import annotations

import datetime as dt
import importlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from deployed_run import deploy_run
from faulty_relay import FaultyRelay, Script, Step, faulty_relay, say
from pressrun.store.control import Wish, pause, read_wish, resume
from pressrun.store.database import open_database
from pressrun.workspace import open_workspace
from run_artifacts import artifacts_of
from small_edition import NOW, addresses, fill_list
from small_issue import PUBLICATION, write_small_issue

pytestmark = pytest.mark.prefect

KEY = "small/2026-01"
LISTED = PUBLICATION + "lists: [news, board]\n"
BUSY: Script = {Step.RCPT: say(b"451 4.3.0 try again later")}
BLOCKED: Script = {Step.RCPT: say(b"554 5.7.1 your address is on a blocking list")}


@pytest.fixture
async def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with an issue, three people on the list `news` and two on `board`."""
    write_small_issue(tmp_path, publication=LISTED)
    monkeypatch.setenv("PRESSRUN_WORKSPACE", str(tmp_path))
    monkeypatch.setenv("PRESSRUN_CONNECTIONS", "1")
    async with open_database(open_workspace(tmp_path).database_url) as database:
        await fill_list(database, "news", addresses(3))
        await fill_list(database, "board", addresses(2, start=3))
    return tmp_path


@pytest.fixture
def script() -> list[Script]:
    """What goes wrong, one message after another; a test adds to it."""
    return []


@pytest.fixture
async def relay(script: list[Script], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FaultyRelay]:
    async with faulty_relay() as opened:
        opened.script = _pop(script)
        monkeypatch.setenv("PRESSRUN_SMTP_URL", opened.url)
        yield opened


def _pop(script: list[Script]) -> Any:
    while True:
        yield script.pop(0) if script else {}


async def test_without_a_list_it_goes_to_the_issues_own(deliver: ModuleType, folder: Path, relay: FaultyRelay) -> None:
    state = await deliver.deliver_send(issue="2026-01", return_state=True)
    assert (state.type, state.message) == ("COMPLETED", "5 of 5 sent")
    assert relay.counts == dict.fromkeys(addresses(5), 1)
    from prefect.client.orchestration import get_client

    async with get_client() as client:
        run = await client.read_flow_run(state.state_details.flow_run_id)
    assert run.name == f"{KEY} → news and board lists, 5 people"


async def test_what_is_planned_goes_on_whatever_became_of_its_source(
    deliver: ModuleType, folder: Path, relay: FaultyRelay, script: list[Script]
) -> None:
    script.append(BUSY)
    first = await deliver.deliver_send(issue=KEY, list_name="news", return_state=True)
    assert first.name == "Deferred"
    assert "next try at 20" in first.message
    (folder / "issues" / "small" / "2026-01" / "first.md").write_text("no front matter", encoding="utf-8")
    async with open_database(open_workspace(folder).database_url) as database:
        await fill_list(database, "news", ["new@example.com"])
        async with database.write() as connection:
            await connection.exec_driver_sql("UPDATE deliveries SET due_at = '2026-01-01 00:00:00'")
    again = await deliver.deliver_send(issue=KEY, add_new=False, return_state=True)
    assert again.message == "3 of 3 sent"
    assert relay.counts == dict.fromkeys(addresses(3), 1)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"issue": "small/2026-10"}, "did you mean small/2026-01"),
        ({"issue": KEY, "list_name": "nwes"}, "there is no list 'nwes'"),
        ({"issue": KEY, "add_new": False}, "nothing of small/2026-01 was planned yet"),
        ({"issue": KEY, "list_name": "board", "add_new": False}, "was planned yet for board"),
    ],
)
async def test_what_it_can_not_do_it_says_with_the_remedy(
    deliver: ModuleType, folder: Path, relay: FaultyRelay, parameters: dict[str, Any], said: str
) -> None:
    state = await deliver.deliver_send(**parameters, return_state=True)
    assert state.type == "FAILED"
    assert said in state.message
    assert " — " in state.message or "did you mean" in state.message
    assert relay.connections == 0


async def test_an_issue_without_lists_needs_one_named(deliver: ModuleType, folder: Path, relay: FaultyRelay) -> None:
    write_small_issue(folder)
    state = await deliver.deliver_send(issue=KEY, return_state=True)
    assert "names no list" in state.message
    assert state.type == "FAILED"


async def test_it_plans_nobody_past_an_approval(deliver: ModuleType, folder: Path, relay: FaultyRelay) -> None:
    write_small_issue(folder, publication=LISTED + "approval: required\n")
    state = await deliver.deliver_send(issue=KEY, return_state=True)
    assert state.type == "FAILED"
    assert "waits for approval" in state.message
    assert relay.connections == 0


def shut() -> str:
    """A send window that is shut just now."""
    hour = dt.datetime.now(ZoneInfo("Europe/Vienna")).hour
    return f"send_window:\n  quiet:\n    - start: '{hour:02}:00'\n      end: '{(hour + 2) % 24:02}:00'\n"


async def test_outside_of_the_send_window_nothing_leaves_unless_it_is_wanted_now(
    deliver: ModuleType, folder: Path, relay: FaultyRelay
) -> None:
    write_small_issue(folder, publication=LISTED + shut())
    state = await deliver.deliver_send(issue=KEY, return_state=True)
    assert (state.type, state.name) == ("COMPLETED", "Waiting")
    assert "which opens at" in state.message
    assert relay.connections == 0
    state = await deliver.deliver_send(issue=KEY, when="now", return_state=True)
    assert state.message == "5 of 5 sent"


async def test_rows_that_wait_by_their_readers_clocks_leave_outside_of_the_publications_window(
    deliver: ModuleType, folder: Path, relay: FaultyRelay
) -> None:
    write_small_issue(folder, publication=LISTED + "recipient_local: true\n" + shut())
    state = await deliver.deliver_send(issue=KEY, return_state=True)
    assert state.message == "5 of 5 sent"


async def test_a_paused_issue_is_left_alone(deliver: ModuleType, folder: Path, relay: FaultyRelay, script: Any) -> None:
    script.append(BUSY)
    await deliver.deliver_send(issue=KEY, list_name="news", return_state=True)
    async with open_database(open_workspace(folder).database_url) as database:
        await pause(database, KEY, NOW)
    state = await deliver.deliver_send(issue=KEY, return_state=True)
    assert (state.type, "is paused" in state.message) == ("FAILED", True)


@pytest.fixture
def touchy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A breaker that a single refusal trips."""
    monkeypatch.setenv("PRESSRUN_BREAKER_AFTER", "1")


async def tripped(deliver: ModuleType, script: list[Script]) -> Any:
    script.append(BLOCKED)
    run = await deploy_run(deliver.deliver_send, issue=KEY, list_name="news")
    state = await run.carry_out()
    assert state.name == "Suspended", state
    return run


async def wish(folder: Path) -> Wish:
    async with open_database(open_workspace(folder).database_url) as database:
        return await read_wish(database, KEY)


async def test_a_send_that_stopped_itself_asks_and_goes_on_when_told_so(
    deliver: ModuleType, folder: Path, relay: FaultyRelay, script: list[Script], touchy: None
) -> None:
    run = await tripped(deliver, script)
    assert "stopped itself: 1 of the last 1 tries (100%) were turned away" in await run.question()
    assert await wish(folder) is Wish.PAUSE
    assert relay.counts == {}

    assert "554 5.7.1" in (await artifacts_of(run.run_id))["stopped-small-2026-01"].data

    state = await run.answer(decision="go on", name="Ann")
    assert (state.type, state.message) == ("FAILED", "2 of 3 sent, 1 failed")
    assert len(relay.counts) == 2


async def test_a_send_that_stopped_itself_can_be_cancelled_or_left(
    deliver: ModuleType, folder: Path, relay: FaultyRelay, script: list[Script], touchy: None
) -> None:
    run = await tripped(deliver, script)
    state = await run.answer(decision="leave it paused", name="Ann")
    assert (state.type, state.name) == ("FAILED", "Tripped")
    assert await wish(folder) is Wish.PAUSE

    script.clear()
    async with open_database(open_workspace(folder).database_url) as database:
        await resume(database, KEY, NOW)
        async with database.write() as connection:
            await connection.exec_driver_sql("UPDATE deliveries SET state = 'queued', attempts = 0")
    run = await tripped(deliver, script)
    state = await run.answer(decision="cancel the rest", name="Bob")
    assert (state.type, state.message) == (
        "CANCELLED",
        f"Bob cancelled 2 deliveries of {KEY}, which had stopped itself",
    )
    assert await wish(folder) is Wish.CANCEL


async def test_where_it_can_not_ask_a_send_that_stopped_itself_fails(
    deliver: ModuleType, folder: Path, relay: FaultyRelay, script: list[Script], touchy: None
) -> None:
    script.append(BLOCKED)
    state = await deliver.deliver_send(issue=KEY, list_name="news", return_state=True)
    assert (state.type, state.name) == ("FAILED", "Tripped")
    assert f"pressrun resume {KEY} lets it go on" in state.message


async def test_a_report_stays_true_when_a_later_run_delivers_the_rest(
    deliver: ModuleType, folder: Path, relay: FaultyRelay, script: list[Script]
) -> None:
    script.append(BUSY)
    first = await deliver.deliver_send(issue=KEY, list_name="news", return_state=True)
    async with open_database(open_workspace(folder).database_url) as database, database.write() as connection:
        await connection.exec_driver_sql("UPDATE deliveries SET due_at = '2026-01-01 00:00:00'")
    await deliver.deliver_send(issue=KEY, add_new=False, return_state=True)
    found = await artifacts_of(first.state_details.flow_run_id)
    assert "**3 of 3 sent**: finished." in found["report-small-2026-01"].data


async def test_test_copies_go_to_those_named_and_nothing_stands_in_the_log(
    server: str, folder: Path, relay: FaultyRelay, script: list[Script]
) -> None:
    send_test = importlib.import_module("flows.send_test").send_test
    state = await send_test(issue=KEY, to=["ann@example.com", "bob@example.com"], return_state=True)
    assert (state.type, state.message) == ("COMPLETED", "2 sent")
    assert all(one.message["Subject"].startswith("[test] ") for one in relay.accepted)

    script.append({Step.RCPT: say(b"550 5.1.1 nobody of that name")})
    state = await send_test(issue=KEY, to=["nobody@example.com"], return_state=True)
    assert (state.type, state.message) == ("FAILED", "0 sent, 1 not")
    found = await artifacts_of(state.state_details.flow_run_id)
    (row,) = json.loads(found["tests-small-2026-01"].data)
    assert (row["sent"], row["reply"]) == ("no", "550 5.1.1 nobody of that name")

    state = await send_test(issue=KEY, return_state=True)
    assert (state.type, "name addresses" in state.message) == ("FAILED", True)
