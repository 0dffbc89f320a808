from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import sqlalchemy as sa

import run_artifacts
from faulty_relay import FaultyRelay, Script, Step, faulty_relay, say
from patience import HUNG
from pressrun.delivery.leave_link import read_leave_token
from pressrun.store.database import open_database
from pressrun.store.tables import sends
from pressrun.workspace import open_workspace
from small_edition import addresses, fill_list
from small_issue import FIRST, write_small_issue

pytestmark = pytest.mark.prefect

ISSUE = "small/2026-01"
REFUSED: Script = {Step.RCPT: say(b"550 5.1.1 nobody of that name")}
BUSY: Script = {Step.RCPT: say(b"451 4.3.0 try again later")}


@pytest.fixture
async def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Path]:
    """A workspace with an issue and three people on the list `news`."""
    write_small_issue(tmp_path)
    monkeypatch.setenv("PRESSRUN_WORKSPACE", str(tmp_path))
    monkeypatch.setenv("PRESSRUN_CONNECTIONS", "2")
    async with open_database(open_workspace(tmp_path).database_url) as database:
        await fill_list(database, "news", addresses(3))
    yield tmp_path


@pytest.fixture
def mail_to(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Tell the flows which relay to use."""

    def point(relay: FaultyRelay) -> None:
        monkeypatch.setenv("PRESSRUN_SMTP_URL", relay.url)

    return point


async def run(flow: Any, **parameters: Any) -> Any:
    named = {"list_name": "news"} if flow.name == "deliver-send" else {"lists": ["news"]}
    return await flow(issue=ISSUE, return_state=True, **named, **parameters)


async def artifacts_of(state: Any) -> dict[str, Any]:
    """The run's artifacts by key."""
    return await run_artifacts.artifacts_of(state.state_details.flow_run_id)


async def task_names_of(state: Any) -> list[str]:
    """The names of the run's tasks; the server hears of them by its event queue, a moment later."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

    which = FlowRunFilter(id=FlowRunFilterId(any_=[state.state_details.flow_run_id]))
    async with get_client() as client, asyncio.timeout(HUNG):
        while len(runs := await client.read_task_runs(flow_run_filter=which)) < 4:
            await asyncio.sleep(0.1)
    return sorted(one.name for one in runs)


async def test_an_issue_is_published_once_with_a_full_account(publish: ModuleType, folder: Path, mail_to: Any) -> None:
    async with faulty_relay() as relay:
        mail_to(relay)
        state = await run(publish.publish_issue)
        again = await run(publish.publish_issue, with_site=False)
    assert (state.type, state.name, state.message) == ("COMPLETED", "Completed", "3 of 3 sent")
    assert (again.type, again.name, again.message) == ("COMPLETED", "Completed", "3 of 3 sent")
    assert relay.counts == dict.fromkeys(addresses(3), 1)

    workspace = open_workspace(folder)
    assert (workspace.site_folder / "small" / "rss.xml").is_file()
    artifacts = await artifacts_of(state)
    assert artifacts.keys() == {
        "findings-small-2026-01",
        "preview-small-2026-01",
        "size-small-2026-01",
        "site",
        "progress-small-2026-01",
        "outcomes-small-2026-01",
        "report-small-2026-01",
    }
    assert "site" not in await artifacts_of(again)
    preview = (workspace.preview_folder / ISSUE / "preview.html").resolve()
    assert preview.is_file()
    assert preview.as_uri() in str(artifacts["preview-small-2026-01"].data)
    assert json.loads(artifacts["outcomes-small-2026-01"].data) == [
        {"domain": "all", "planned": 3, "sent": 3},
        {"domain": "example.com", "planned": 3, "sent": 3},
    ]
    assert artifacts["progress-small-2026-01"].data == 100.0
    assert "**3 of 3 sent**: finished." in artifacts["report-small-2026-01"].data
    assert "reader0000" not in "".join(str(one.data) for one in artifacts.values())

    from prefect.client.orchestration import get_client

    async with get_client() as client:
        flow_run = await client.read_flow_run(state.state_details.flow_run_id)
    assert flow_run.name == "small/2026-01 → news list, 3 people"


async def test_an_issue_with_errors_is_sent_to_nobody(publish: ModuleType, folder: Path, mail_to: Any) -> None:
    write_small_issue(folder, first=FIRST.replace("chart.png", "none.png"), second="---\n---\nNo title\n")
    async with faulty_relay() as relay:
        mail_to(relay)
        state = await run(publish.publish_issue)
    assert (state.type, state.name) == ("FAILED", "Faulty")
    assert state.message.startswith("2 errors in small/2026-01")
    assert relay.connections == 0
    assert not open_workspace(folder).site_folder.exists()
    artifacts = await artifacts_of(state)
    assert artifacts.keys() == {"findings-small-2026-01"}
    findings = artifacts["findings-small-2026-01"].data
    assert "issues/small/2026-01/first.md:10:8" in findings
    assert "issues/small/2026-01/second.md:2:1" in findings
    assert str(folder) not in findings


@pytest.mark.parametrize("flow", ["publish.publish_issue", "deliver.deliver_send"])
async def test_a_refused_recipient_fails_the_run_with_a_count(
    publish: ModuleType, deliver: ModuleType, folder: Path, mail_to: Any, flow: str
) -> None:
    module, _, name = flow.partition(".")
    async with faulty_relay([REFUSED]) as relay:
        mail_to(relay)
        state = await run(getattr({"publish": publish, "deliver": deliver}[module], name))
    assert (state.type, state.name, state.message) == ("FAILED", "FellShort", "2 of 3 sent, 1 failed")
    assert len(relay.accepted) == 2
    artifacts = await artifacts_of(state)
    outcomes = json.loads(artifacts["outcomes-small-2026-01"].data)
    assert outcomes[0] == {"domain": "all", "planned": 3, "sent": 2, "failed": 1}
    assert "550 5.1.1" in artifacts["report-small-2026-01"].data


async def test_a_busy_relay_leaves_the_run_deferred_and_says_when_to_go_on(
    publish: ModuleType, folder: Path, mail_to: Any
) -> None:
    async with faulty_relay([BUSY]) as relay:
        mail_to(relay)
        state = await run(publish.publish_issue, with_site=False)
    assert (state.type, state.name) == ("COMPLETED", "Deferred")
    assert state.message.startswith("2 of 3 sent, 1 deferred, next try at 20")


async def test_an_unknown_list_fails_the_run_and_says_so(publish: ModuleType, folder: Path) -> None:
    state = await publish.publish_issue(issue=ISSUE, lists=["nwes"], with_site=False, return_state=True)
    assert state.type == "FAILED"
    assert "there is no list 'nwes'" in state.message


async def test_an_issue_goes_to_a_segment_and_its_readers_leave_the_list(
    publish: ModuleType, folder: Path, mail_to: Any
) -> None:
    (folder / "subscribers").mkdir(exist_ok=True)
    (folder / "subscribers" / "segments.yaml").write_text('first: address contains "0000" or address contains "0001"\n')
    async with faulty_relay() as relay:
        mail_to(relay)
        state = await publish.publish_issue(issue=ISSUE, lists=["news:first"], with_site=False, return_state=True)
        mistyped = await publish.publish_issue(issue=ISSUE, lists=["news:frist"], with_site=False, return_state=True)
        resumed = await publish.publish_issue(issue=ISSUE, lists=["news"], with_site=False, return_state=True)
    assert (state.name, state.message) == ("Completed", "2 of 2 sent")
    assert (mistyped.type, "there is no segment 'frist'" in mistyped.message) == ("FAILED", True)
    assert (resumed.name, relay.counts) == ("Completed", dict.fromkeys(addresses(3), 1))
    workspace = open_workspace(folder)
    for accepted in relay.accepted:
        token = re.search(r"<https?://[^>]*/unsubscribe/([^>]+)>", accepted.message["List-Unsubscribe"])
        assert token is not None
        leave = read_leave_token(token[1], workspace.link_keys())
        assert leave is not None
        assert leave.list_name == "news"
    async with open_database(workspace.database_url) as database, database.read() as connection:
        rows = await connection.execute(sa.select(sends.c.list, sends.c.of_list).order_by(sends.c.id))
        assert [tuple(row) for row in rows] == [("news:first", "news"), ("news", None)]


async def test_task_runs_have_names_a_person_can_read(publish: ModuleType, folder: Path, mail_to: Any) -> None:
    async with faulty_relay() as relay:
        mail_to(relay)
        state = await run(publish.publish_issue)
    assert await task_names_of(state) == [
        "check small/2026-01",
        "deliver small/2026-01 to news",
        "render small/2026-01",
        "write the site",
    ]


async def test_a_relay_that_is_away_for_a_moment_is_tried_again(
    publish: ModuleType, delivery: ModuleType, folder: Path, mail_to: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pressrun.errors import RelayError

    async with faulty_relay() as relay:
        mail_to(relay)
        sent, tries = delivery.send, []

        async def send_at_second_try(*arguments: Any, **named: Any) -> Any:
            tries.append(1)
            if len(tries) == 1:
                raise RelayError("no relay answers")
            return await sent(*arguments, **named)

        monkeypatch.setattr(delivery, "send", send_at_second_try)
        monkeypatch.setattr(delivery, "send_edition", delivery.send_edition.with_options(retry_delay_seconds=0))
        state = await run(publish.publish_issue, with_site=False)
    assert (state.type, state.message) == ("COMPLETED", "3 of 3 sent")
    assert len(tries) == 2


async def test_what_another_try_can_not_mend_is_not_tried_again(
    publish: ModuleType, delivery: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pressrun.errors import StoreError

    tries = []

    async def fail(*arguments: Any, **named: Any) -> None:
        tries.append(1)
        raise StoreError("the store is of another version")

    monkeypatch.setattr(delivery, "send", fail)
    state = await run(publish.publish_issue, with_site=False)
    assert (state.type, len(tries)) == ("FAILED", 1)
    assert "the store is of another version" in state.message
