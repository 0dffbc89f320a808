"""Serves every flow from this process, so that an operator can start them in Prefect's UI."""

from __future__ import annotations

from prefect import get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.deployments.runner import RunnerDeployment
from prefect.runner import Runner

from flows.automations import write_automations
from flows.blocks import PressrunSecrets
from flows.deploy import HERE, OF_A_PUBLICATION, name_for, offer_choices, tag_of
from flows.specification import Specification, deployment_file, read_specifications
from pressrun.choices import Choices, read_choices
from pressrun.store.database import open_database
from pressrun.workspace import Workspace, open_workspace

MOST_RUNS = 8
"""How many runs go at once: a publication with four workers, and what looks after it."""


async def serve_flows() -> None:
    """Serve until stopped, as deployments called `here`: a server may have others, for workers, beside them."""
    workspace = open_workspace()
    async with open_database(workspace.database_url) as database:
        choices = await read_choices(workspace, database)
    runner = Runner(limit=MOST_RUNS)
    for deployment in await make_deployments(workspace, choices):
        await runner.aadd_deployment(deployment)
    async with get_client() as client:
        await offer_choices(client, choices, HERE)
        await PressrunSecrets.aregister_type_and_schema(client=client)
        if workspace.settings.notify_url.get_secret_value() or workspace.settings.notify_mail:
            file = deployment_file(workspace).with_name("automations.yaml")
            await write_automations(client, file, f"notify/{HERE}")
    await runner.start()


async def make_deployments(workspace: Workspace, choices: list[Choices]) -> list[RunnerDeployment]:
    """What is served: the deployments of prefect.yaml under this process's name, and those of each publication."""
    made = []
    for one in read_specifications(deployment_file(workspace), workspace.settings.send_due_seconds):
        made.append(await _make(one, HERE, one.tags, one.schedules))
        for offered in choices if one.flow.name in OF_A_PUBLICATION else ():
            tags = (*one.tags, tag_of(offered.publication))
            made.append(await _make(one, name_for(offered.publication, HERE), tags, ()))
    return made


async def _make(
    one: Specification, name: str, tags: tuple[str, ...], schedules: tuple[DeploymentScheduleCreate, ...]
) -> RunnerDeployment:
    return await one.flow.ato_deployment(
        name, tags=list(tags), parameters=dict(one.parameters), schedules=list(schedules) or None
    )


if __name__ == "__main__":
    import asyncio

    asyncio.run(serve_flows())
