"""Keeps the looks of send-due, one every minute, from piling up: those that were missed, and those long over."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress

from prefect import get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterEndTime,
    FlowRunFilterNextScheduledStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled

from flows.start import telling_faults

KEPT = dt.timedelta(days=2)
"""How long looks at which all went well are kept: there are 1,440 a day."""

_PAGE = 200


async def cancel_missed_looks(own: FlowRun, now: dt.datetime) -> int:
    """Cancel the looks of the deployment of `own` that should have begun before `now`: this one has seen it all.

    After a night without a worker they are hundreds, and each would cost a process. Gives how many these were. Raises
    PressrunError where the server does not answer.
    """
    assert own.deployment_id is not None
    missed = FlowRunFilter(
        deployment_id=FlowRunFilterDeploymentId(any_=[own.deployment_id]),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])),
        next_scheduled_start_time=FlowRunFilterNextScheduledStartTime(before_=now),
    )
    with telling_faults("looks that were missed stay scheduled"):
        async with get_client() as client:
            runs = await client.read_flow_runs(flow_run_filter=missed, limit=_PAGE)
            others = [run.id for run in runs if run.id != own.id]
            for run_id in others:
                with suppress(ObjectNotFound):  # another look did the same, and housekeeping forgot it
                    await client.set_flow_run_state(run_id, Cancelled(message="a later look has seen it all"))
    return len(others)


async def forget_looks(now: dt.datetime) -> int:
    """Delete the runs of send-due that ended well long ago, or were cancelled: how many these were."""
    old = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.COMPLETED, StateType.CANCELLED])),
        end_time=FlowRunFilterEndTime(before_=now - KEPT),
    )
    looks = FlowFilter(name=FlowFilterName(any_=["send-due"]))
    deleted = 0
    async with get_client() as client:
        while runs := await client.read_flow_runs(flow_filter=looks, flow_run_filter=old, limit=_PAGE):
            for run in runs:
                try:
                    await client.delete_flow_run(run.id)
                except ObjectNotFound:  # another housekeeping does the same
                    continue
                deleted += 1
    return deleted
