"""Names of runs, as a person reads them in a list: `spp/2026-02 → spp list, 12,431 people`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from contextlib import suppress

import httpx
from prefect.client.orchestration import get_client
from prefect.runtime import flow_run as this_run

from pressrun.segment import segments_for
from pressrun.store.database import Database
from pressrun.store.delivery_log import preview_plan
from pressrun.workspace import Workspace


def tell_run(issue: str, lists: Sequence[str], people: int) -> str:
    """The name of a run that sends an issue to these lists."""
    named = f"{lists[0]} list" if len(lists) == 1 else f"{' and '.join(lists)} lists"
    return f"{issue} → {named}, {people:,} {'person' if people == 1 else 'people'}"


async def name_run(workspace: Workspace, database: Database, issue: str, lists: Sequence[str]) -> None:
    """Name this run by its audience; the flow's own name for it knows of no numbers. Raises UsageError."""
    now, segments = dt.datetime.now(dt.UTC), segments_for(workspace, lists)
    people = sum([(await preview_plan(database, issue, name, now, segments)).audience for name in lists])
    with suppress(httpx.HTTPError, RuntimeError):  # a name is not worth a failure
        async with get_client() as client:
            await client.set_flow_run_name(this_run.id, tell_run(issue, lists, people))
