"""deliver-send: plan an issue's rows for a list and deliver what is due."""

from __future__ import annotations

from typing import Any

from prefect import flow, get_run_logger, task
from prefect.states import Completed, Failed, State

from flows.accounts import describe, show_outcomes
from pressrun.delivery.deliver import policy_from
from pressrun.delivery.relay import parse_relay
from pressrun.delivery.send import SendReport, send
from pressrun.delivery.session import RelayError
from pressrun.errors import PressrunError
from pressrun.render.edition import Edition
from pressrun.render.source import render_issue, require_size
from pressrun.store.database import open_database
from pressrun.workspace import Workspace, open_workspace

RELAY_AWAY = "RelayAway"


async def _is_relay_away(task: Any, run: Any, state: State[Any]) -> bool:
    """Only a relay that can't be reached is worth another try: the log knows who is done."""
    return state.name == RELAY_AWAY


@task(
    task_run_name="deliver {edition.issue} to {list_name}",
    retries=2,
    retry_delay_seconds=[10, 60],
    retry_condition_fn=_is_relay_away,
    persist_result=False,
)
async def send_edition(workspace: Workspace, edition: Edition, list_name: str) -> SendReport | State[Any]:
    """Deliver to everyone on the list who has no message of this issue yet; an expected failure is a state."""
    logger = get_run_logger()
    settings = workspace.settings
    relay = parse_relay(settings.smtp_url.get_secret_value())
    try:
        async with open_database(workspace.database_url) as database:
            return await send(
                database,
                edition,
                list_name,
                relay,
                workspace.secret_key(),
                policy_from(settings),
                planned=lambda plan, open_rows: logger.info(
                    "%s: %s on the list, %s newly planned, %s to deliver by %s",
                    list_name,
                    plan.audience,
                    plan.added,
                    open_rows,
                    relay,
                ),
            )
    except PressrunError as error:
        logger.warning("%s", error)
        return Failed(message=str(error), name=RELAY_AWAY if isinstance(error, RelayError) else "Failed")


async def deliver_edition(workspace: Workspace, edition: Edition, list_name: str) -> State[Any]:
    """Deliver, and give the state the run ends in."""
    ended = await send_edition(workspace, edition, list_name, return_state=True)
    if ended.is_failed():
        return Failed(message=ended.message)
    return await conclude(await ended.aresult())


async def conclude(report: SendReport) -> State[Any]:
    """The state a run ends in: its message counts, and Failed means that a person has to look."""
    await show_outcomes(report)
    get_run_logger().info("%s: %s", report.issue, describe(report))
    if report.has_losses:
        return Failed(message=describe(report), name="FellShort")
    name = "Completed" if report.is_finished else "Deferred"
    return Completed(message=describe(report), name=name)


@flow(
    name="deliver-send",
    flow_run_name="{issue} → {list_name}",
    description="""Deliver an issue to a list: everyone on it who has no message of this issue yet gets one.

Run it again after an interruption, or when deferred deliveries are due: nobody is mailed twice.""",
)
async def deliver_send(issue: str, list_name: str) -> State[Any]:
    """Render the issue and deliver it; see the outcomes artifact for the account.

    Args:
        issue: The issue to deliver: publication/issue, such as spp/2026-02.
        list_name: The list to deliver it to; `pressrun subscribers list` shows them.
    """
    try:
        workspace = open_workspace()
        rendering = render_issue(workspace, issue)
        require_size(rendering)
    except PressrunError as error:
        return Failed(message=str(error))
    return await deliver_edition(workspace, rendering.edition, list_name)
