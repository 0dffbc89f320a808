"""`pressrun deploy` on a server: general deployments, a publication's choices, automations, and what stays as it is."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pressrun.errors import UsageError
from pressrun.store.database import open_database
from pressrun.workspace import Workspace, open_workspace
from small_edition import fill_list
from small_issue import write_small_issue

pytestmark = pytest.mark.prefect

GENERAL = (
    *("publish-issue", "deliver-send", "send-test", "rehearse-send", "import-subscribers"),
    *("send-due", "housekeeping", "read-inbox", "build-site", "notify"),
)
OF_SMALL = {f"{flow}/small" for flow in ("publish-issue", "deliver-send", "send-test", "rehearse-send")}


@pytest.fixture
async def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Workspace]:
    """A workspace with a publication, an issue and two lists; deployed to a pool of its own."""
    write_small_issue(tmp_path)
    monkeypatch.setenv("PRESSRUN_WORK_POOL", tmp_path.name)
    opened = open_workspace(tmp_path)
    async with open_database(opened.database_url) as database:
        for name in ("news", "press"):
            await fill_list(database, name, ["ann@example.com"])
    yield opened


@pytest.fixture
def deploying(server: str) -> ModuleType:
    """The module that deploys."""
    return importlib.import_module("flows.deploy")


@pytest.fixture
async def client(server: str) -> AsyncIterator[Any]:
    """A client of the server; the deployments of each test are its own."""
    from prefect import get_client

    async with get_client() as opened:
        yield opened
        for one in await opened.read_deployments():
            await opened.delete_deployment(one.id)
        for each in await opened.read_automations():
            await opened.delete_automation(each.id)


async def changes(deploying: ModuleType, workspace: Workspace) -> dict[str, set[str]]:
    """What deploying did: change to names."""
    found: dict[str, set[str]] = {}
    for one in await deploying.deploy(workspace):
        found.setdefault(one.change.value, set()).add(one.name)
    return found


async def test_it_makes_everything_once_and_then_changes_nothing(
    deploying: ModuleType, workspace: Workspace, client: Any
) -> None:
    first = await changes(deploying, workspace)
    assert first.keys() == {"made"}
    assert first["made"] >= {f"{flow}/{flow}" for flow in GENERAL} | OF_SMALL
    assert (await changes(deploying, workspace)).keys() == {"unchanged"}

    general = await client.read_deployment_by_name("publish-issue/publish-issue")
    assert (general.work_pool_name, general.work_queue_name) == (workspace.root.name, "default")
    assert general.pull_steps == [
        {"prefect.deployments.steps.set_working_directory": {"directory": "{{ $PRESSRUN_WORKSPACE }}"}}
    ]
    assert "enum" not in str(general.parameter_openapi_schema["properties"]["issue"])
    looking = await client.read_deployment_by_name("send-due/send-due")
    assert looking.work_queue_name == "watch"
    assert [one.slug for one in looking.schedules] == ["send-due"]
    queue = await client.read_work_queue_by_name("watch", work_pool_name=workspace.root.name)
    assert (queue.concurrency_limit, queue.priority) == (deploying.MOST_WATCHERS, 1)


async def test_a_publications_form_offers_its_issues_and_lists_and_refuses_others(
    deploying: ModuleType, workspace: Workspace, client: Any
) -> None:
    from prefect.exceptions import PrefectHTTPStatusError

    await deploying.deploy(workspace)
    own = await client.read_deployment_by_name("publish-issue/small")
    fields = own.parameter_openapi_schema["properties"]
    assert fields["issue"]["enum"] == ["small/2026-01"]
    assert fields["lists"]["items"]["enum"] == ["news", "press"]
    assert fields["issue"]["description"]
    assert "publication:small" in own.tags

    await client.create_flow_run_from_deployment(own.id, parameters={"issue": "small/2026-01", "lists": ["press"]})
    await client.create_flow_run_from_deployment(own.id, parameters={"issue": "small/2026-01"})
    for wrong in ({"issue": "small/2026-1"}, {"issue": "small/2026-01", "lists": ["nwes"]}):
        with pytest.raises(PrefectHTTPStatusError, match="409"):
            await client.create_flow_run_from_deployment(own.id, parameters=wrong)


async def test_a_new_issue_becomes_a_choice_and_a_gone_publication_goes(
    deploying: ModuleType, workspace: Workspace, client: Any
) -> None:
    await deploying.deploy(workspace)
    small = workspace.issues / "small"
    (small / "2026-02").mkdir()
    (small / "2026-02" / "issue.yaml").write_text("year: 2026\n")
    async with open_database(workspace.database_url) as database:
        choices = await importlib.import_module("pressrun.choices").read_choices(workspace, database)
    news = [one for one in await deploying.offer_choices(client, choices) if one.is_news]
    assert {one.name for one in news} == OF_SMALL
    own = await client.read_deployment_by_name("deliver-send/small")
    assert own.parameter_openapi_schema["properties"]["issue"]["enum"] == ["small/2026-02", "small/2026-01"]

    small.rename(workspace.issues / "tiny")
    again = await changes(deploying, workspace)
    assert again["removed"] == OF_SMALL
    assert again["made"] == {name.replace("/small", "/tiny") for name in OF_SMALL}


async def test_what_an_operator_switched_off_or_added_stays(
    deploying: ModuleType, workspace: Workspace, client: Any
) -> None:
    from prefect.client.schemas.actions import DeploymentScheduleCreate
    from prefect.client.schemas.schedules import CronSchedule

    await deploying.deploy(workspace)
    tidying = await client.read_deployment_by_name("housekeeping/housekeeping")
    await client.update_deployment_schedule(tidying.id, tidying.schedules[0].id, active=False)
    by_hand = DeploymentScheduleCreate(schedule=CronSchedule(cron="0 12 * * *"))
    await client.create_deployment_schedules(tidying.id, [by_hand])
    publishing = await client.read_deployment_by_name("publish-issue/publish-issue")
    await client.pause_deployment(publishing.id)
    failed = (await client.read_automations_by_name("pressrun: a run failed"))[0]
    await client.pause_automation(failed.id)

    (workspace.root / "pressrun.toml").write_text("send_due_seconds = 30\n")
    again = await changes(deploying, open_workspace(workspace.root))
    assert again["changed"] == {"send-due/send-due"}
    looking = await client.read_deployment_by_name("send-due/send-due")
    assert looking.schedules[0].schedule.interval.total_seconds() == 30
    tidying = await client.read_deployment_by_name("housekeeping/housekeeping")
    assert {(one.slug, one.active) for one in tidying.schedules} == {("nightly", False), (None, True)}
    assert (await client.read_deployment_by_name("publish-issue/publish-issue")).paused
    assert not (await client.read_automations_by_name("pressrun: a run failed"))[0].enabled


async def test_automations_run_the_deployment_that_tells(
    deploying: ModuleType, workspace: Workspace, client: Any
) -> None:
    await deploying.deploy(workspace)
    telling = await client.read_deployment_by_name("notify/notify")
    automations = {one.name: one for one in await client.read_automations()}
    assert len(automations) == 6
    runs = [action for one in automations.values() for action in one.actions if action.type == "run-deployment"]
    assert {action.deployment_id for action in runs} == {telling.id}
    assert "pressrun-send" not in telling.tags  # or one that fails would tell of itself, and so on


async def test_a_publication_called_as_a_deployment_is_told(deploying: ModuleType, workspace: Workspace) -> None:
    (workspace.issues / "small").rename(workspace.issues / "send-due")
    with pytest.raises(UsageError, match="rename its folder"):
        await deploying.deploy(workspace)


async def test_without_a_lasting_server_it_says_so(
    deploying: ModuleType, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings(restore_defaults={PREFECT_API_URL}), pytest.raises(UsageError, match="PREFECT_API_URL"):
        await deploying.deploy(workspace)


async def test_a_server_that_is_away_is_told_in_a_line(deploying: ModuleType, workspace: Workspace) -> None:
    from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    from pressrun.errors import PressrunError

    away = {PREFECT_API_URL: "http://127.0.0.1:9/api", PREFECT_CLIENT_MAX_RETRIES: 0}
    with temporary_settings(away), pytest.raises(PressrunError, match="no Prefect server answers"):
        await deploying.deploy(workspace)


async def test_what_up_serves_has_the_same_forms(deploying: ModuleType, workspace: Workspace, client: Any) -> None:
    serve = importlib.import_module("flows.serve")
    async with open_database(workspace.database_url) as database:
        choices = await importlib.import_module("pressrun.choices").read_choices(workspace, database)
    made = await serve.make_deployments(workspace, choices)
    assert {one.full_name for one in made} == {f"{flow}/here" for flow in GENERAL} | {
        name.replace("/small", "/here-small") for name in OF_SMALL
    }
    for one in made:
        await one.aapply()
    await deploying.offer_choices(client, choices, deploying.HERE)
    own = await client.read_deployment_by_name("publish-issue/here-small")
    assert own.parameter_openapi_schema["properties"]["issue"]["enum"] == ["small/2026-01"]
    looking = await client.read_deployment_by_name("send-due/here")
    assert [one.slug for one in looking.schedules] == ["send-due"]
