"""Tells WebSub hubs of feeds that were written: what they answer stands in the log and fails no run."""

from __future__ import annotations

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from pressrun.errors import PressrunError
from pressrun.site.build import SiteReport
from pressrun.site.hub import Pinged, ping_hub
from pressrun.source.loader import load_publication
from pressrun.workspace import Workspace


@task(task_run_name="tell the hub of {publication}", cache_policy=NO_CACHE, persist_result=False)
async def ping_feeds(workspace: Workspace, publication: str) -> list[Pinged]:
    """Tell the hub of a publication that its feeds have something new."""
    logger = get_run_logger()
    try:
        pinged = await ping_hub(workspace, publication)
    except PressrunError as error:
        logger.warning("%s", error)
        return []
    for one in pinged:
        if not one.is_taken:
            logger.warning("the hub did not take %s: %s", one.url, one.fault)
    logger.info("hub told of %s of %s feeds", sum(one.is_taken for one in pinged), len(pinged))
    return pinged


async def tell_hubs(workspace: Workspace, written: SiteReport) -> None:
    """Tell the hubs of the publications of which something changed; there is no task for those without a hub."""
    changed = {one.id for one in written.publications if one.changed}
    for folder in workspace.publication_folders():
        if folder.name in changed and (found := load_publication(folder)[0]) and found.hub:
            await ping_feeds(workspace, folder.name, return_state=True)
