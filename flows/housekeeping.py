"""housekeeping: tidy up, look whether all is well, and bring the forms' choices up to date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from prefect import flow, get_client, get_run_logger
from prefect.artifacts import acreate_table_artifact
from prefect.states import Completed, Failed, State

from flows.blocks import open_with_secrets
from flows.deploy import Deployed, deployed_run, offer_choices, own_general
from flows.looks import forget_looks
from pressrun.choices import read_choices
from pressrun.doctor import Check, Verdict, doctor
from pressrun.errors import PressrunError
from pressrun.housekeeping import Housekeeping
from pressrun.housekeeping import housekeeping as tidy
from pressrun.store.database import open_database
from pressrun.workspace import Workspace


@flow(
    name="housekeeping",
    flow_run_name="housekeeping",
    description="""Takes back the rows of dead workers, closes over-age ones, removes old previews and old looks of
`send-due`, lets go of what settings keep only for a time, looks whether all that a send needs is there, and brings the
choices in the forms up to date.

It asks nothing, runs by itself once a night, and may be run at any time: what was sent stays as it is, but for
addresses that `retain_addresses_days` takes out of the log.

**When it fails**, a check found what would make a send fail. The artifact `doctor` says what, and how to mend it.""",
)
async def housekeeping(with_checks: bool = True, with_choices: bool = True) -> State[Any]:
    """Tidy up; the artifacts say what was done and what was found.

    Args:
        with_checks: Whether to look if the store, the relays, the keys and the publications are well.
        with_choices: Whether to bring the issues and lists in the publications' forms up to date.
    """
    logger = get_run_logger()
    now = dt.datetime.now(dt.UTC)
    try:
        workspace = await open_with_secrets()
        async with open_database(workspace.database_url) as database:
            done = await tidy(database, workspace, now)
    except PressrunError as error:
        return Failed(message=str(error))
    logger.info("tidied: %s", describe_tidying(done))
    for one in await refresh_choices(workspace) if with_choices else ():
        logger.info("form %s: %s", one.name, one.change)
    logger.info("%s old looks of send-due forgotten", await forget_looks(now))
    checks = await doctor(workspace, now) if with_checks else []
    await _show_checks(checks)
    return conclude_housekeeping(done, checks)


async def refresh_choices(workspace: Workspace) -> list[Deployed]:
    """Bring the forms of the deployments beside this run's up to date; those that did change."""
    if not deployed_run():
        return []
    async with open_database(workspace.database_url) as database:
        choices = await read_choices(workspace, database)
    async with get_client() as client:
        return [one for one in await offer_choices(client, choices, await own_general(client)) if one.is_news]


def describe_tidying(done: Housekeeping) -> str:
    """What was done, in a line."""
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in done.counts.items() if count) or "nothing"


def conclude_housekeeping(done: Housekeeping, checks: Sequence[Check]) -> State[Any]:
    """Failed where a check failed: somebody has to look before the next send does."""
    failed = [check for check in checks if check.verdict is Verdict.FAILED]
    if not failed:
        return Completed(message=describe_tidying(done))
    found = "; ".join(f"{check.name}: {check.said}" for check in failed)
    return Failed(name="NeedsAttention", message=f"{len(failed)} of {len(checks)} checks failed: {found}")


async def _show_checks(checks: Sequence[Check]) -> None:
    rows = [
        {"check": check.name, "verdict": str(check.verdict), "what was seen": check.said, "what to do": check.remedy}
        for check in checks
    ]
    if rows:
        await acreate_table_artifact(rows, key="doctor", description="Whether all that a send needs is there")
