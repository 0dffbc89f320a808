"""Writes the automations of `deployments/automations.yaml` to the server, told by their names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from prefect.client.orchestration import PrefectClient
from prefect.events.schemas.automations import AutomationCore
from prefect.exceptions import ObjectNotFound
from pydantic import ValidationError

from pressrun.errors import UsageError


async def write_automations(client: PrefectClient, file: Path, notify: str) -> dict[str, bool]:
    """Make the automations of `file`, or change those of the same names: whether each was made.

    `notify` is the deployment that actions run where the file says `deployment: notify/notify`. One that was switched
    off stays off. Raises UsageError where the file is not to Prefect's liking, or the deployment is not there.
    """
    ids = {"notify/notify": await _id_of(client, notify)}
    made = {}
    for wanted in read_automations(file, ids):
        found = await client.read_automations_by_name(wanted.name)
        if found:
            # As it is there, but for what the file says: an update leaves out what is not set.
            await client.update_automation(found[0].id, wanted.model_copy(update={"enabled": found[0].enabled}))
        else:
            await client.create_automation(wanted)
        made[wanted.name] = not found
    return made


async def _id_of(client: PrefectClient, deployment: str) -> str:
    try:
        return str((await client.read_deployment_by_name(deployment)).id)
    except ObjectNotFound:
        raise UsageError(f"there is no deployment {deployment}", "add it to deployments/prefect.yaml") from None


def read_automations(file: Path, ids: Mapping[str, str]) -> list[AutomationCore]:
    """The automations in `file`, with the ids of the deployments that they run."""
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        return [_read(one, ids) for one in content["automations"]]
    except (OSError, yaml.YAMLError, ValidationError, KeyError) as error:
        remedy = "mend it, or copy the one of a new workspace: pressrun init DIR"
        raise UsageError(f"{file} can't be used: {error}", remedy) from error


def _read(one: Mapping[str, Any], ids: Mapping[str, str]) -> AutomationCore:
    actions = [
        {**{name: value for name, value in action.items() if name != "deployment"}, **_chosen(action, ids)}
        for action in one["actions"]
    ]
    return AutomationCore.model_validate({**one, "actions": actions})


def _chosen(action: Mapping[str, Any], ids: Mapping[str, str]) -> dict[str, str]:
    name = action.get("deployment")
    return {"source": "selected", "deployment_id": ids[name]} if name else {}
