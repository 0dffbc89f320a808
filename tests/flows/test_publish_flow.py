from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from faulty_relay import FaultyRelay, Script, Step, faulty_relay, say
from pressrun.store.database import open_database
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
    return await flow(issue=ISSUE, list_name="news", return_state=True, **parameters)


async def artifacts_of(state: Any) -> dict[str, Any]:
    """The run's artifacts by key."""
    from prefect.client.orchestration import get_client

    async with get_client() as client:
        found = await client.read_artifacts()
    return {one.key: one for one in found if one.flow_run_id == state.state_details.flow_run_id}


async def task_names_of(state: Any) -> list[str]:
    """The names of the run's tasks; the server hears of them by its event queue, a moment later."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

    which = FlowRunFilter(id=FlowRunFilterId(any_=[state.state_details.flow_run_id]))
    async with get_client() as client:
        for _ in range(50):
            runs = await client.read_task_runs(flow_run_filter=which)
            if len(runs) >= 4:
                break
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
        "outcomes-small-2026-01",
    }
    assert "site" not in await artifacts_of(again)
    preview = (workspace.preview_folder / ISSUE / "preview.html").resolve()
    assert preview.is_file()
    assert preview.as_uri() in str(artifacts["preview-small-2026-01"].data)
    outcomes = artifacts["outcomes-small-2026-01"]
    assert json.loads(outcomes.data) == [{"state": "sent", "deliveries": 3}, {"state": "planned", "deliveries": 3}]
    assert outcomes.description == "3 of 3 sent"
    assert "reader0000" not in "".join(str(one.data) for one in artifacts.values())

    from prefect.client.orchestration import get_client

    async with get_client() as client:
        flow_run = await client.read_flow_run(state.state_details.flow_run_id)
    assert flow_run.name == "small/2026-01 → news"
    assert flow_run.parameters == {"issue": ISSUE, "list_name": "news", "with_site": True}


async def test_an_issue_with_errors_is_sent_to_nobody(publish: ModuleType, folder: Path, mail_to: Any) -> None:
    write_small_issue(folder, first=FIRST.replace("chart.png", "none.png"), second="---\n---\nNo title\n")
    async with faulty_relay() as relay:
        mail_to(relay)
        state = await run(publish.publish_issue)
    assert state.type == "FAILED"
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
    assert (state.type, state.message) == ("FAILED", "2 of 3 sent, 1 failed")
    assert len(relay.accepted) == 2
    outcomes = json.loads((await artifacts_of(state))["outcomes-small-2026-01"].data)
    assert {"state": "failed", "deliveries": 1} in outcomes


async def test_a_busy_relay_leaves_the_run_deferred_and_says_when_to_go_on(
    publish: ModuleType, folder: Path, mail_to: Any
) -> None:
    async with faulty_relay([BUSY]) as relay:
        mail_to(relay)
        state = await run(publish.publish_issue, with_site=False)
    assert (state.type, state.name) == ("COMPLETED", "Deferred")
    assert state.message.startswith("2 of 3 sent, 1 deferred, next try at 20")


async def test_an_unknown_list_fails_the_run_and_says_so(publish: ModuleType, folder: Path) -> None:
    state = await publish.publish_issue(issue=ISSUE, list_name="nwes", with_site=False, return_state=True)
    assert state.type == "FAILED"
    assert "there is no list 'nwes'" in state.message


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
    publish: ModuleType, deliver: ModuleType, folder: Path, mail_to: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pressrun.delivery.session import RelayError

    async with faulty_relay() as relay:
        mail_to(relay)
        sent, tries = deliver.send, []

        async def send_at_second_try(*arguments: Any, **named: Any) -> Any:
            tries.append(1)
            if len(tries) == 1:
                raise RelayError("no relay answers")
            return await sent(*arguments, **named)

        monkeypatch.setattr(deliver, "send", send_at_second_try)
        monkeypatch.setattr(deliver, "send_edition", deliver.send_edition.with_options(retry_delay_seconds=0))
        state = await run(publish.publish_issue, with_site=False)
    assert (state.type, state.message) == ("COMPLETED", "3 of 3 sent")
    assert len(tries) == 2


async def test_what_another_try_can_not_mend_is_not_tried_again(
    publish: ModuleType, deliver: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pressrun.errors import StoreError

    tries = []

    async def fail(*arguments: Any, **named: Any) -> None:
        tries.append(1)
        raise StoreError("the store is of another version")

    monkeypatch.setattr(deliver, "send", fail)
    state = await run(publish.publish_issue, with_site=False)
    assert (state.type, len(tries)) == ("FAILED", 1)
    assert "the store is of another version" in state.message
