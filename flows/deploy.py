"""Writes deployments to a Prefect server: those of prefect.yaml, and for each publication those with its choices."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import httpx
from prefect import get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import DeploymentUpdate, WorkPoolCreate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.responses import DeploymentResponse
from prefect.context import FlowRunContext
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.settings import PREFECT_API_URL
from prefect.workers.process import ProcessWorker

from flows.automations import write_automations
from flows.blocks import PressrunSecrets
from flows.specification import Specification, deployment_file, read_specifications
from pressrun.choices import Choices, offer, read_choices
from pressrun.errors import PressrunError, UsageError
from pressrun.store.database import open_database
from pressrun.workspace import Workspace

HERE = "here"
"""What `pressrun up` serves is called so; a server may have deployments for workers beside it."""

OF_A_PUBLICATION = ("publish-issue", "deliver-send", "send-test", "rehearse-send")
"""The flows that are about one issue: each publication gets deployments of them with its issues to choose from."""

MOST_WATCHERS = 3
"""How many runs of the queue of send-due and housekeeping go at once. After a night without a worker hundreds wait.

A limit of the queue counts runs by their states, running and pending: one that was lost with its machine takes a place
until an automation sets it to Crashed. One of the deployment would count by leases, which Prefect's server keeps in
memory: when it is started again, runs that hold one are ended, or hold it for ever.
"""


class Change(StrEnum):
    """What deploying did."""

    MADE = "made"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REMOVED = "removed"


@dataclass(frozen=True)
class Deployed:
    """A deployment or automation, and what was done to it."""

    name: str
    change: Change

    @property
    def is_news(self) -> bool:
        """Whether anything was done."""
        return self.change is not Change.UNCHANGED


async def deploy(workspace: Workspace) -> list[Deployed]:
    """Bring the server to what the workspace says; again, it changes nothing.

    What an operator switched off in the UI stays off: schedules, deployments and automations. Raises UsageError where
    no lasting server is set.
    """
    if not PREFECT_API_URL.value():
        raise UsageError("no Prefect server to deploy to", "start one and set PREFECT_API_URL, or run pressrun up")
    file = deployment_file(workspace)
    specifications = read_specifications(file, workspace.settings.send_due_seconds)
    async with open_database(workspace.database_url) as database:
        choices = await read_choices(workspace, database)
    _check_names(choices, specifications)
    try:
        async with get_client() as client:
            return await _write_all(client, specifications, choices, workspace.settings.work_pool, file)
    except httpx.TransportError as error:
        remedy = "start it, or set PREFECT_API_URL to where it is"
        raise PressrunError(f"no Prefect server answers at {PREFECT_API_URL.value()}", remedy) from error


async def _write_all(
    client: PrefectClient, specifications: Sequence[Specification], choices: Sequence[Choices], pool: str, file: Path
) -> list[Deployed]:
    await _make_pool(client, pool, {one.queue for one in specifications})
    done = [await _write(client, one, pool) for one in specifications]
    done += await offer_choices(client, choices)
    done += await _remove_gone(client, {one.publication for one in choices})
    await PressrunSecrets.aregister_type_and_schema(client=client)
    made = await write_automations(client, file.with_name("automations.yaml"), "notify/notify")
    return [*done, *(Deployed(name, Change.MADE if new else Change.UNCHANGED) for name, new in made.items())]


def _check_names(choices: Iterable[Choices], specifications: Iterable[Specification]) -> None:
    """A publication's deployments are called after it: its name can't be one of the general ones."""
    taken = {HERE, *(one.name for one in specifications)}
    for one in choices:
        if one.publication in taken:
            raise UsageError(f"a deployment is called {one.publication}, as a publication is", "rename its folder")


async def _make_pool(client: PrefectClient, pool: str, queues: Iterable[str]) -> None:
    """The work pool and its queues, where they are not there; what an operator set on them stays."""
    try:
        await client.read_work_pool(pool)
    except ObjectNotFound:
        template = ProcessWorker.get_default_base_job_template()
        await client.create_work_pool(WorkPoolCreate(name=pool, type="process", base_job_template=template))
    for queue in queues:
        if queue != "default":
            try:
                await client.create_work_queue(queue, work_pool_name=pool, concurrency_limit=MOST_WATCHERS, priority=1)
            except ObjectAlreadyExists:
                continue


async def _write(client: PrefectClient, one: Specification, pool: str) -> Deployed:
    wanted = {
        "description": one.flow.description,
        "tags": list(one.tags),
        "entrypoint": one.entrypoint,
        "parameters": dict(one.parameters),
        "pull_steps": [dict(step) for step in one.pull_steps],
        "parameter_openapi_schema": one.schema,
        "work_pool_name": pool,
        "work_queue_name": one.queue,
    }
    found = await find_deployment(client, one.full_name)
    if found is None:
        flow_id = await client.create_flow_from_name(one.flow.name)
        await client.create_deployment(
            flow_id, one.name, schedules=list(one.schedules), enforce_parameter_schema=True, **wanted
        )
        return Deployed(one.full_name, Change.MADE)
    changed = await _mend(client, found, wanted)
    scheduled = await _mend_schedules(client, found, one)
    return Deployed(one.full_name, Change.CHANGED if changed or scheduled else Change.UNCHANGED)


async def find_deployment(client: PrefectClient, full_name: str) -> DeploymentResponse | None:
    """The deployment `flow/name`; None where there is none."""
    try:
        return await client.read_deployment_by_name(full_name)
    except ObjectNotFound:
        return None


async def _mend(client: PrefectClient, found: DeploymentResponse, wanted: Mapping[str, Any]) -> bool:
    """Change what differs, and nothing else: each change drops the runs that are scheduled ahead."""
    changes = {name: value for name, value in wanted.items() if getattr(found, name) != value}
    if not changes:
        return False
    if changes.keys() & {"work_pool_name", "work_queue_name"}:  # the server finds a queue by both
        changes |= {name: wanted[name] for name in ("work_pool_name", "work_queue_name")}
    await client.update_deployment(found.id, DeploymentUpdate(**changes))
    return True


async def _mend_schedules(client: PrefectClient, found: DeploymentResponse, one: Specification) -> bool:
    """Schedules are told by their slugs. Whether they are switched on is the operator's; so are those without a slug.

    They are changed one by one: together, Prefect would delete all where one has no slug.
    """
    there = {schedule.slug: schedule for schedule in found.schedules if schedule.slug}
    changed = False
    for wanted in one.schedules:
        known = there.get(wanted.slug)
        if known is None:
            await client.create_deployment_schedules(found.id, [wanted])
        elif (known.schedule, known.parameters) != (wanted.schedule, wanted.parameters):
            await client.update_deployment_schedule(
                found.id, known.id, schedule=wanted.schedule, parameters=wanted.parameters
            )
        else:
            continue
        changed = True
    return changed


async def offer_choices(
    client: PrefectClient, choices: Sequence[Choices], general: str | None = None
) -> list[Deployed]:
    """Give each publication's deployments its issues and lists as choices; those that are not there are made.

    `general` is what the deployments for all publications are called; without it, as their flows. What a process serves
    it alone can make: there only the choices are changed.
    """
    done = []
    for flow in OF_A_PUBLICATION:
        model = await find_deployment(client, f"{flow}/{general or flow}")
        for one in choices if model else ():
            assert model is not None
            done += await _offer(client, f"{flow}/{name_for(one.publication, general)}", model, one)
    return done


def name_for(publication: str, general: str | None) -> str:
    """What a publication's deployments are called beside those that are called `general`."""
    return publication if general is None else f"{general}-{publication}"


async def _offer(client: PrefectClient, full_name: str, model: DeploymentResponse, one: Choices) -> list[Deployed]:
    found = await find_deployment(client, full_name)
    schema = {"parameter_openapi_schema": offer(model.parameter_openapi_schema or {}, one)}
    if model.work_pool_name is None:
        changed = found is not None and await _mend(client, found, schema)
        return [Deployed(full_name, Change.CHANGED)] if changed else []
    wanted = {
        **{name: getattr(model, name) for name in ("description", "entrypoint", "parameters", "pull_steps")},
        **{name: getattr(model, name) for name in ("work_pool_name", "work_queue_name")},
        "tags": [*model.tags, tag_of(one.publication)],
        **schema,
    }
    if found is None:
        name = full_name.partition("/")[2]
        await client.create_deployment(model.flow_id, name, enforce_parameter_schema=True, **wanted)
        return [Deployed(full_name, Change.MADE)]
    return [Deployed(full_name, Change.CHANGED if await _mend(client, found, wanted) else Change.UNCHANGED)]


def tag_of(publication: str) -> str:
    """The tag of a publication's deployments and their runs."""
    return f"publication:{publication}"


async def _remove_gone(client: PrefectClient, publications: set[str]) -> list[Deployed]:
    """Remove the deployments of publications that the workspace no longer has; their runs stay."""
    kept = {tag_of(publication) for publication in publications}
    done = []
    async for one in _deployments_tagged(client, "pressrun"):
        own = {tag for tag in one.tags if tag.startswith(tag_of(""))}
        if own and not own & kept and one.work_pool_name:
            flow = await client.read_flow(one.flow_id)
            await client.delete_deployment(one.id)
            done.append(Deployed(f"{flow.name}/{one.name}", Change.REMOVED))
    return done


async def _deployments_tagged(client: PrefectClient, tag: str, page: int = 200) -> AsyncIterator[DeploymentResponse]:
    which = DeploymentFilter(tags=DeploymentFilterTags(all_=[tag]))
    found: list[DeploymentResponse] = []
    while True:
        some = await client.read_deployments(deployment_filter=which, limit=page, offset=len(found))
        found += some
        if len(some) < page:
            break
    for one in found:
        yield one


async def own_general(client: PrefectClient) -> str | None:
    """What the general deployments are called beside the one this run is of: `here` under `pressrun up`, else None."""
    run = deployed_run()
    if run is None or run.deployment_id is None:
        return None
    own = await client.read_deployment(run.deployment_id)
    return HERE if own.work_pool_name is None else None  # what `pressrun up` serves has no pool


def deployed_run() -> FlowRun | None:
    """This run where it is of a deployment, so that others can be started beside it; else None."""
    context = FlowRunContext.get()
    run = context.flow_run if context else None
    return run if run and run.deployment_id else None
