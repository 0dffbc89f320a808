"""The automations: what they fire on, and what the deployment that tells is given by Prefect's templates."""

from __future__ import annotations

import copy
import importlib
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from pressrun.errors import UsageError

REPOSITORY = Path(__file__).parents[2]
FILE = REPOSITORY / "deployments" / "automations.yaml"
NOTIFY, RUN = "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"


@pytest.fixture
def automations(prefect_set_up: None) -> dict[str, Any]:
    """What the file holds, by name."""
    module = importlib.import_module("flows.automations")
    return {one.name: one for one in module.read_automations(FILE, {"notify/notify": NOTIFY})}


def event(name: str, *tags: str, **labels: str) -> Any:
    """An event as Prefect's server sees it."""
    from prefect.server.events.schemas.events import ReceivedEvent

    return ReceivedEvent.model_validate(
        {
            "occurred": "2026-03-31T07:00:00Z",
            "event": name,
            "resource": {"prefect.resource.id": f"prefect.flow-run.{RUN}"} | labels,
            "related": [{"prefect.resource.id": f"prefect.tag.{tag}", "prefect.resource.role": "tag"} for tag in tags],
            "payload": {"message": "12 of 100 refused"},
            "id": RUN,
        }
    )


def happening(name: str) -> Any:
    """An event that a flow emits about an issue."""
    labels = {"prefect.resource.id": "pressrun.issue.small/2026-01", "prefect.resource.name": "small/2026-01"}
    return event(name, "pressrun", "pressrun-send", **labels)


def firing(automations: dict[str, Any], one: Any) -> list[str]:
    """The names of the reactive automations that the event fires."""
    from prefect.server.events.schemas.automations import EventTrigger

    triggers = {name: EventTrigger(**each.trigger.model_dump()) for name, each in automations.items()}
    return [name for name, trigger in triggers.items() if trigger.posture == "Reactive" and trigger.covers(one)]


@pytest.mark.parametrize(
    ("state", "kind", "tags", "fires"),
    [
        ("FellShort", "FAILED", ("pressrun", "pressrun-send"), ["pressrun: a run failed"]),
        ("Crashed", "CRASHED", ("pressrun", "pressrun-send"), ["pressrun: a run failed"]),
        ("NotStarted", "FAILED", ("pressrun", "pressrun-watch"), ["pressrun: the clockwork failed"]),
        ("Completed", "COMPLETED", ("pressrun", "pressrun-send"), []),
        ("Failed", "FAILED", ("pressrun", "pressrun-notice"), []),  # or a notice that fails would tell of itself
        ("Failed", "FAILED", ("somebody-elses",), []),
    ],
)
def test_a_run_that_failed_is_told_once_whatever_its_state_is_called(
    automations: dict[str, Any], state: str, kind: str, tags: Sequence[str], fires: list[str]
) -> None:
    assert firing(automations, event(f"prefect.flow-run.{state}", *tags, **{"prefect.state-type": kind})) == fires


def test_of_what_happens_to_an_issue_only_what_a_person_must_know_is_told(automations: dict[str, Any]) -> None:
    happenings = importlib.import_module("flows.events").Happening
    told = [one.value for one in happenings if firing(automations, happening(one.value))]
    assert told == [
        "pressrun.send.late", "pressrun.send.missing", "pressrun.send.tripped", "pressrun.send.approval-asked"
    ]  # fmt: skip


def rendered(action: Any, **context: Any) -> Any:
    """The parameters that Prefect's server gives the deployment."""
    from prefect.server.events.actions import RunDeployment
    from prefect.utilities.schema_tools.hydration import HydrationContext, hydrate

    parameters = copy.deepcopy(action.parameters)
    RunDeployment.model_validate(action.model_dump())
    RunDeployment._upgrade_v1_templates(parameters)
    return hydrate(parameters, HydrationContext(raise_on_error=True, render_jinja=True, jinja_context=context))


@pytest.mark.parametrize("message", ["2 of 12 sent, 10 failed", None])
def test_what_is_told_fits_the_form_of_the_deployment_that_tells(
    automations: dict[str, Any], message: str | None
) -> None:
    from prefect.utilities.callables import parameter_schema
    from prefect.utilities.schema_tools import validate

    schema = parameter_schema(importlib.import_module("flows.notices").notify.fn).model_dump(exclude_unset=True)
    run = SimpleNamespace(id=UUID(RUN), name="small/2026-01", state=SimpleNamespace(name="FellShort", message=message))
    context = {"flow_run": run, "flow": SimpleNamespace(name="send-due"), "event": happening("pressrun.send.tripped")}
    told = [
        rendered(action, **context)
        for one in automations.values()
        for action in one.actions
        if action.type == "run-deployment"
    ]
    for parameters in told:
        validate(parameters, schema, raise_on_error=True)
    assert told[:3] == [
        {"subject": "small/2026-01: FellShort", "text": message or "", "run": RUN},
        {"subject": "send-due: FellShort", "text": message or "", "run": RUN},
        {"subject": "small/2026-01: tripped", "text": "12 of 100 refused"},
    ]


GONE, NEVER_BEGAN = "pressrun: a run whose machine is gone", "pressrun: a run that never began"


def trigger_of(automations: dict[str, Any], name: str) -> Any:
    """An automation's trigger as Prefect's server sees it."""
    from prefect.server.events.schemas.automations import EventTrigger

    return EventTrigger(**automations[name].trigger.model_dump())


def deployed() -> dict[str, Any]:
    """The deployments of the file, by name."""
    specification = importlib.import_module("flows.specification")
    return {one.name: one for one in specification.read_specifications(FILE.with_name("prefect.yaml"), 60)}


def test_a_run_that_waits_for_approval_is_never_given_up_for_dead(automations: dict[str, Any]) -> None:
    trigger = trigger_of(automations, GONE)
    assert "publish-issue" not in trigger.match_related["prefect.resource.name"]
    assert trigger.expects("prefect.flow-run.Suspended")
    assert not trigger_of(automations, NEVER_BEGAN).starts_after("prefect.flow-run.Suspended")


def test_every_other_run_is_given_up_when_its_machine_is_gone(automations: dict[str, Any]) -> None:
    named = trigger_of(automations, GONE).match_related["prefect.resource.name"]
    assert {*named} == deployed().keys() - {"publish-issue"}


@pytest.mark.parametrize("sign", ["Running", "heartbeat"])
def test_a_machine_may_be_gone_before_its_first_sign_of_life_is_told(automations: dict[str, Any], sign: str) -> None:
    trigger = trigger_of(automations, GONE)
    assert trigger.starts_after(f"prefect.flow-run.{sign}")
    assert trigger.expects(f"prefect.flow-run.{sign}")  # or it would not be waited for anew


@pytest.mark.parametrize("end", ["Completed", "NeedsAttention", "NotStarted", "NotSound", "Tripped", "Suspended"])
def test_a_run_that_ended_is_not_given_up_whatever_its_end_is_called(automations: dict[str, Any], end: str) -> None:
    for name in (GONE, NEVER_BEGAN):
        trigger = trigger_of(automations, name)
        assert trigger.expects(f"prefect.flow-run.{end}")
        assert not trigger.starts_after(f"prefect.flow-run.{end}")


@pytest.mark.parametrize("name", ["Pending", "Submitting", "InfrastructurePending"])
def test_a_run_that_never_begins_is_given_up_after_ten_minutes(automations: dict[str, Any], name: str) -> None:
    trigger = trigger_of(automations, NEVER_BEGAN)
    assert trigger.starts_after(f"prefect.flow-run.{name}")
    assert trigger.covers(event(f"prefect.flow-run.{name}", "pressrun", "pressrun-watch"))
    assert not trigger.covers(event(f"prefect.flow-run.{name}", "somebody-elses"))
    assert trigger.expects("prefect.flow-run.Running")
    assert (trigger.posture.value, trigger.within.total_seconds()) == ("Proactive", 600)
    assert all("pressrun" in one.tags for one in deployed().values())


def test_a_notice_that_the_clockwork_stands_still_does_not_wait_in_its_queue(prefect_set_up: None) -> None:
    queues = {name: one.queue for name, one in deployed().items()}
    assert queues["notify"] == "default"
    assert {name for name, queue in queues.items() if queue == "watch"} == {
        "send-due", "housekeeping", "read-inbox", "build-site"
    }  # fmt: skip


@pytest.mark.parametrize("text", ["automations: [{name: a}]", "automations: [", "{}"])
def test_a_file_that_prefect_would_not_take_is_told(prefect_set_up: None, tmp_path: Path, text: str) -> None:
    file = tmp_path / "automations.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"automations\.yaml can't be used"):
        importlib.import_module("flows.automations").read_automations(file, {})
