"""What approval does to a run of publish-issue: it asks, waits without a process, and does what it is told."""

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

from deployed_run import DeployedRun, deploy_run
from faulty_relay import FaultyRelay, faulty_relay
from pressrun.address import parse_address
from pressrun.approve import approve, reject
from pressrun.store.database import Database, open_database
from pressrun.store.delivery_log import count_states
from pressrun.store.subscribers import suppress_address
from pressrun.workspace import Workspace, open_workspace
from run_artifacts import artifacts_of
from small_edition import NOW, addresses, fill_list
from small_issue import FIRST, ISSUE, PUBLICATION, SECOND, write_small_issue

pytestmark = pytest.mark.prefect

KEY = "small/2026-01"
REQUIRED = PUBLICATION + "lists: [news]\napproval: required\ntesters: [ed@example.com]\n"
APPROVE = {"decision": "approve", "name": "Ann"}
TESTER = {"ed@example.com": 1}


@pytest.fixture
async def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with an issue that needs approval and goes to three people; in each test it is another one."""
    write_small_issue(tmp_path, publication=REQUIRED, second=f"{SECOND}\n{tmp_path.name}\n")
    monkeypatch.setenv("PRESSRUN_WORKSPACE", str(tmp_path))
    async with open_database(open_workspace(tmp_path).database_url) as database:
        await fill_list(database, "news", addresses(3))
    return tmp_path


@pytest.fixture
async def relay(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FaultyRelay]:
    async with faulty_relay() as opened:
        monkeypatch.setenv("PRESSRUN_SMTP_URL", opened.url)
        yield opened


@pytest.fixture
def approval(publish: ModuleType, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module, where nothing draws pictures."""
    module = importlib.import_module("flows.approval")
    monkeypatch.setattr(module, "find_chromium", lambda: None)
    return module


async def asked(publish: ModuleType, **parameters: Any) -> DeployedRun:
    """A run that has asked."""
    run = await deploy_run(publish.publish_issue, issue=KEY, with_site=False, **parameters)
    state = await run.carry_out()
    assert (state.type, state.name) == ("PAUSED", "Suspended"), state
    return run


async def take_answers_along(workspace: Workspace, database: Database) -> list[str]:
    """What a look of send-due does; the server may have runs of other tests, too."""
    from prefect.logging import disable_run_logger

    with disable_run_logger():
        taken: list[str] = await importlib.import_module("flows.answers").take_answers_along(workspace, database)
    return taken


async def sent(folder: Path) -> int:
    async with open_database(open_workspace(folder).database_url) as database:
        return (await count_states(database, KEY))["sent"]


async def test_nothing_but_test_copies_leaves_before_approval_and_all_does_after_it(
    publish: ModuleType, approval: ModuleType, folder: Path, relay: FaultyRelay
) -> None:
    run = await asked(publish)
    assert dict(relay.counts) == TESTER
    question = await run.question()
    assert "**3 people** on news (3)" in question
    assert "nobody is left out" in question
    assert "as soon as it is approved" in question

    state = await run.answer(**APPROVE, note="well done")
    assert (state.type, state.message) == ("COMPLETED", "3 of 3 sent")
    assert dict(relay.counts) == dict.fromkeys(addresses(3), 1) | TESTER


async def test_a_change_voids_the_approval_and_asks_again(
    publish: ModuleType, approval: ModuleType, folder: Path, relay: FaultyRelay
) -> None:
    run = await asked(publish)
    write_small_issue(folder, publication=REQUIRED, first=FIRST.replace("The end.", "Another end."))
    state = await run.answer(**APPROVE)
    assert state.name == "Suspended"
    assert await sent(folder) == 0
    assert "It has changed since Ann looked at it" in await run.question()

    state = await run.answer(**APPROVE)
    assert state.message == "3 of 3 sent"
    mails = [one.message for one in relay.accepted if one.recipient in addresses(3)]
    assert all("Another end." in mail.get_body(("plain",)).get_content() for mail in mails)  # type: ignore[union-attr]


async def test_a_rejected_issue_is_sent_to_nobody_and_asked_for_again_by_a_new_run(
    publish: ModuleType, approval: ModuleType, folder: Path, relay: FaultyRelay
) -> None:
    run = await asked(publish)
    state = await run.answer(decision="reject", name="Ann", note="the cover is old")
    assert (state.type, state.name) == ("FAILED", "Rejected")
    assert state.message == f"{KEY} was rejected by Ann: the cover is old; nothing was sent"
    assert dict(relay.counts) == TESTER

    again = await asked(publish)
    assert "It was rejected before, by Ann: the cover is old." in await again.question()


async def test_test_copies_are_sent_once_each_time_they_are_asked_for(
    publish: ModuleType, approval: ModuleType, folder: Path, relay: FaultyRelay
) -> None:
    run = await asked(publish)
    state = await run.answer(decision="send test copies", name="Ann", test_to="ann@example.com, bob@example.com")
    assert state.name == "Suspended"
    assert "Test copies: 2 sent." in await run.question()
    state = await run.answer(decision="send test copies", name="Ann", test_to="nobody")
    assert "No test copies: 'nobody' is no mail address" in await run.question()
    state = await run.answer(**APPROVE)
    assert state.message == "3 of 3 sent"
    assert dict(relay.counts) == dict.fromkeys([*addresses(3), "ann@example.com", "bob@example.com"], 1) | TESTER


async def test_a_form_that_says_too_little_is_refused_by_the_server(
    publish: ModuleType, approval: ModuleType, folder: Path, relay: FaultyRelay
) -> None:
    run = await asked(publish)
    for form in ({"decision": "approve"}, {"decision": "approve", "name": " "}, {"decision": "perhaps", "name": "Ann"}):
        assert (await run.resume(**form)).status == "REJECT"
    assert (await run.read()).state.name == "Suspended"


async def test_without_a_deployment_the_run_ends_and_says_how_to_approve(
    publish: ModuleType, approval: ModuleType, folder: Path, relay: FaultyRelay
) -> None:
    state = await publish.publish_issue(issue=KEY, with_site=False, return_state=True)
    assert (state.type, state.name) == ("COMPLETED", "WaitsForApproval")
    assert f"pressrun approve {KEY} --by NAME" in state.message
    assert dict(relay.counts) == {}

    async with open_database(open_workspace(folder).database_url) as database:
        await approve(database, KEY, "Ann", dt.datetime.now(dt.UTC))
    state = await publish.publish_issue(issue=KEY, with_site=False, return_state=True)
    assert state.message == "3 of 3 sent"


async def test_an_approval_from_a_terminal_reaches_the_run_that_waits(
    publish: ModuleType, approval: ModuleType, folder: Path, relay: FaultyRelay
) -> None:
    run = await asked(publish)
    workspace = open_workspace(folder)
    async with open_database(workspace.database_url) as database:
        assert await take_answers_along(workspace, database) == []
        await approve(database, KEY, "Ann", dt.datetime.now(dt.UTC))
        assert KEY in await take_answers_along(workspace, database)
        assert await take_answers_along(workspace, database) == []
    state = await run.carry_out()
    assert state.message == "3 of 3 sent"


async def test_an_issue_that_was_rejected_and_not_changed_is_asked_about_again_until_it_is_decided_anew(
    publish: ModuleType, approval: ModuleType, folder: Path, relay: FaultyRelay
) -> None:
    await (await asked(publish)).answer(decision="reject", name="Ann", note="not today")
    again = await asked(publish)
    workspace = open_workspace(folder)
    async with open_database(workspace.database_url) as database:
        await take_answers_along(workspace, database)
        assert (await again.read()).state.name == "Suspended"
        await approve(database, KEY, "Bob", dt.datetime.now(dt.UTC) - dt.timedelta(days=1))  # his clock is wrong
        assert KEY in await take_answers_along(workspace, database)
    assert (await again.carry_out()).message == "3 of 3 sent"


async def test_a_rejection_in_a_terminal_of_what_changed_since_the_run_asked_ends_it(
    publish: ModuleType, approval: ModuleType, folder: Path, relay: FaultyRelay
) -> None:
    first = await asked(publish)
    write_small_issue(folder, publication=REQUIRED, first=FIRST.replace("The end.", "Another end."))
    await asked(publish)
    workspace = open_workspace(folder)
    async with open_database(workspace.database_url) as database:
        await reject(database, KEY, "Ann", dt.datetime.now(dt.UTC))
        assert KEY in await take_answers_along(workspace, database)
    assert (await first.carry_out()).name == "Rejected"


async def test_what_is_approved_before_its_time_waits_for_it(
    publish: ModuleType, approval: ModuleType, folder: Path, relay: FaultyRelay
) -> None:
    write_small_issue(folder, publication=REQUIRED, issue=ISSUE + 'send_at: "2999-03-31 09:00"\n')
    run = await asked(publish)
    assert "at 2999-03-31 09:00 CEST" in await run.question()
    state = await run.answer(**APPROVE)
    assert (state.type, state.name) == ("COMPLETED", "Waiting")
    assert "2999-03-31 09:00" in state.message
    assert await sent(folder) == 0

    now = await deploy_run(publish.publish_issue, issue=KEY, with_site=False, when="now")
    assert (await now.carry_out()).message == "3 of 3 sent"


async def test_a_time_that_the_approver_sets_counts_instead_of_the_issues(
    publish: ModuleType, approval: ModuleType, folder: Path, relay: FaultyRelay
) -> None:
    write_small_issue(folder, publication=REQUIRED, issue=ISSUE + 'send_at: "2999-03-31 09:00"\n')
    run = await asked(publish)
    state = await run.answer(**APPROVE, send_at="2020-01-01T00:00:00Z")
    assert state.name == "Suspended"
    assert "is past" in await run.question()
    state = await run.answer(**APPROVE, send_at="2999-04-01T08:00:00Z")
    assert state.name == "Waiting"
    assert "2999-04-01 10:00" in state.message


async def test_a_run_that_nobody_answers_and_that_is_tried_again_asks_again(
    publish: ModuleType, approval: ModuleType, folder: Path, relay: FaultyRelay
) -> None:
    from prefect.client.orchestration import get_client
    from prefect.states import Failed, Scheduled

    run = await asked(publish)
    async with get_client() as client:
        await client.set_flow_run_state(run.run_id, Failed(message="paused and never resumed"), force=True)
        await client.set_flow_run_state(run.run_id, Scheduled())
    assert (await run.carry_out()).name == "Suspended"
    assert dict(relay.counts) == TESTER  # of the same plan there is one test copy
    assert (await run.answer(**APPROVE)).message == "3 of 3 sent"


async def test_what_the_approver_is_shown_is_among_the_runs_artifacts(
    publish: ModuleType, approval: ModuleType, folder: Path, relay: FaultyRelay
) -> None:
    async with open_database(open_workspace(folder).database_url) as database:
        await suppress_address(database, parse_address(addresses(3)[0]), "complained", NOW)
    run = await asked(publish)
    found = await artifacts_of(run.run_id)
    kinds = ("audience", "findings", "preview", "size", "text", "tests")
    assert found.keys() == {f"{kind}-small-2026-01" for kind in kinds}
    assert json.loads(found["tests-small-2026-01"].data) == [
        {"to": "ed@example.com", "sent": "yes", "reply": "250 2.0.0 taken"}
    ]
    assert "The end." in found["text-small-2026-01"].data
    assert json.loads(found["audience-small-2026-01"].data) == [
        {"people": 3, "who": "on the list news"},
        {"people": -1, "who": "left out: complained"},
        {"people": 2, "who": "are to get it"},
    ]
    assert "left out: 1 complained (the artifact audience-small-2026-01)" in await run.question()


def late_since(hours: int, then: str) -> dict[str, str]:
    """An issue whose time was so long ago, in a publication that says what to do then."""
    moment = dt.datetime.now(ZoneInfo("Europe/Vienna")) - dt.timedelta(hours=hours)
    return {
        "publication": f"{PUBLICATION}lists: [news]\nlate:\n  after_minutes: 60\n  then: {then}\n",
        "issue": f'{ISSUE}send_at: "{moment:%Y-%m-%d %H:%M}"\n',
    }


async def test_a_late_issue_is_asked_for_where_its_publication_wants_that(
    publish: ModuleType, approval: ModuleType, folder: Path, relay: FaultyRelay
) -> None:
    write_small_issue(folder, **late_since(3, "ask"))
    run = await asked(publish)
    assert "it is late: " in await run.question()
    assert (await run.answer(**APPROVE)).message == "3 of 3 sent"


async def test_a_late_issue_is_held_where_its_publication_wants_that(
    publish: ModuleType, approval: ModuleType, folder: Path, relay: FaultyRelay
) -> None:
    write_small_issue(folder, **late_since(3, "hold"))
    state = await publish.publish_issue(issue=KEY, with_site=False, return_state=True)
    assert (state.type, state.name) == ("FAILED", "Late")
    assert relay.connections == 0
    state = await publish.publish_issue(issue=KEY, with_site=False, when="now", return_state=True)
    assert state.message == "3 of 3 sent"


async def test_where_a_rehearsal_is_required_it_comes_before_the_question_and_once_for_an_edition(
    publish: ModuleType, approval: ModuleType, folder: Path, relay: FaultyRelay
) -> None:
    text = f"{SECOND}\n{folder.name}\n"
    write_small_issue(folder, publication=REQUIRED + "rehearsal: required\n", second=text)
    runs = {(await asked(publish)).run_id for _ in range(2)}
    found = [await artifacts_of(run) for run in runs]
    (report,) = (each["rehearsal-small-2026-01"] for each in found if "rehearsal-small-2026-01" in each)
    assert (report.description or "").endswith("all is well")
    assert dict(relay.counts) == TESTER
