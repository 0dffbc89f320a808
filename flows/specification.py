"""What `deployments/prefect.yaml` says, as values: one file for `prefect deploy` and for `pressrun deploy`."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from prefect import Flow
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule
from prefect.utilities.callables import parameter_schema
from pydantic import ValidationError

from pressrun.errors import UsageError
from pressrun.orchestration import flow_folder
from pressrun.workspace import Workspace

SEND_DUE = "send-due"
"""The slug of the schedule that looks for due issues; the setting `send_due_seconds` is its interval."""

_KINDS = {"cron": CronSchedule, "interval": IntervalSchedule, "rrule": RRuleSchedule}


@dataclass(frozen=True)
class Specification:
    """A deployment as the file has it, with its flow; `pull_steps` are run on the worker before the flow."""

    flow: Flow[Any, Any]
    name: str
    entrypoint: str
    tags: tuple[str, ...]
    queue: str
    schedules: tuple[DeploymentScheduleCreate, ...]
    parameters: Mapping[str, Any]
    pull_steps: tuple[Mapping[str, Any], ...]

    @property
    def full_name(self) -> str:
        """The name Prefect finds it by."""
        return f"{self.flow.name}/{self.name}"

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of its form."""
        return parameter_schema(self.flow.fn).model_dump(mode="json", exclude_unset=True)


def deployment_file(workspace: Workspace) -> Path:
    """The prefect.yaml beside the flows that this workspace runs; automations.yaml is beside it."""
    return flow_folder(workspace).parent / "deployments" / "prefect.yaml"


def read_specifications(file: Path, send_due_seconds: float) -> list[Specification]:
    """The deployments in `file`. Raises UsageError, naming the deployment, for what Prefect would not take either."""
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        remedy = "copy the one of a new workspace: pressrun init DIR"
        raise UsageError(f"{file} can't be read: {error}", remedy) from error
    pull_steps = tuple(content.get("pull") or ())
    return [_read(one, pull_steps, send_due_seconds) for one in content["deployments"]]


def _read(one: Mapping[str, Any], pull_steps: tuple[Any, ...], send_due_seconds: float) -> Specification:
    try:
        schedules = tuple(_schedule(each, send_due_seconds) for each in one.get("schedules") or ())
    except (ValidationError, ValueError) as error:
        remedy = "write cron, interval or rrule with a timezone and a slug: docs/scheduling.md"
        raise UsageError(f"a schedule of deployment {one['name']} is wrong: {error}", remedy) from error
    return Specification(
        flow=load_entrypoint(one["entrypoint"]),
        name=one["name"],
        entrypoint=one["entrypoint"],
        tags=tuple(one.get("tags") or ()),
        queue=(one.get("work_pool") or {}).get("work_queue_name") or "default",
        schedules=schedules,
        parameters=one.get("parameters") or {},
        pull_steps=pull_steps,
    )


def _schedule(config: Mapping[str, Any], send_due_seconds: float) -> DeploymentScheduleCreate:
    """One schedule; without a slug it could not be found again, and would be made anew at each deploy."""
    (kind,) = [name for name in _KINDS if name in config] or ("",)
    if not kind or not config.get("slug"):
        raise ValueError(f"{dict(config)} has no slug, or none of cron, interval and rrule")
    fields = {name: value for name, value in config.items() if name in _KINDS[kind].model_fields}
    if config["slug"] == SEND_DUE and kind == "interval":
        fields["interval"] = send_due_seconds
    said = {name: config[name] for name in ("active", "parameters") if name in config}
    return DeploymentScheduleCreate(schedule=_KINDS[kind](**fields), slug=config["slug"], **said)


def load_entrypoint(entrypoint: str) -> Flow[Any, Any]:
    """The flow at `flows/publish.py:publish_issue`, from the folder that this module was loaded from."""
    file, _, name = entrypoint.partition(":")
    loaded: Flow[Any, Any] = getattr(importlib.import_module(file.removesuffix(".py").replace("/", ".")), name)
    return loaded
