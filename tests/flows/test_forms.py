"""What Prefect's form shows of each flow, and what the deployments say of them."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
DEPLOYMENTS = yaml.safe_load((REPOSITORY / "deployments" / "prefect.yaml").read_text(encoding="utf-8"))


def flow_of(entrypoint: str) -> Any:
    """The flow at `flows/publish.py:publish_issue`."""
    file, _, name = entrypoint.partition(":")
    assert (REPOSITORY / file).is_file()
    return getattr(importlib.import_module(file.removesuffix(".py").replace("/", ".")), name)


@pytest.fixture(params=DEPLOYMENTS["deployments"], ids=lambda deployment: deployment["name"])
def deployment(request: pytest.FixtureRequest, prefect_set_up: None) -> dict[str, Any]:
    """Each deployment of prefect.yaml."""
    found: dict[str, Any] = request.param
    return found


def test_an_entrypoint_is_a_flow_of_the_deployments_name(deployment: dict[str, Any]) -> None:
    from prefect import Flow

    flow = flow_of(deployment["entrypoint"])
    assert isinstance(flow, Flow)
    assert flow.name == deployment["name"]
    assert inspect.iscoroutinefunction(flow.fn)  # a synchronous one takes a second more


def test_every_parameter_is_described_for_the_form(deployment: dict[str, Any]) -> None:
    from prefect.utilities.callables import parameter_schema

    flow = flow_of(deployment["entrypoint"])
    schema = parameter_schema(flow.fn)
    assert schema.properties
    for name, of in schema.properties.items():
        assert of.get("description"), name
    assert flow.description


def test_the_file_keeps_to_what_prefect_reads(deployment: dict[str, Any]) -> None:
    from prefect.cli.deploy._models import PrefectYamlModel

    PrefectYamlModel.model_validate(DEPLOYMENTS)
    known = {"name", "entrypoint", "tags", "work_pool", "concurrency_limit", "schedules", "parameters", "description"}
    assert deployment.keys() <= known


def test_no_path_of_the_deploying_machine_is_baked_in() -> None:
    (step,) = DEPLOYMENTS["pull"]
    assert step == {"prefect.deployments.steps.set_working_directory": {"directory": "{{ $PRESSRUN_WORKSPACE }}"}}


def test_every_flow_file_is_deployed_or_carries_none() -> None:
    deployed = {deployment["entrypoint"].partition(":")[0] for deployment in DEPLOYMENTS["deployments"]}
    with_flows = {
        f"flows/{file.name}"
        for file in (REPOSITORY / "flows").glob("*.py")
        if "\n@flow(" in file.read_text(encoding="utf-8")
    }
    assert deployed == with_flows
