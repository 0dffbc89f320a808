"""build-site: write the web archive and the feeds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import acreate_table_artifact
from prefect.states import Failed, State

from flows.blocks import open_with_secrets
from flows.ping import tell_hubs
from pressrun.errors import PressrunError
from pressrun.site.build import SiteReport, site
from pressrun.store.outgoing import ask_store
from pressrun.workspace import Workspace


@task(task_run_name="write the site", persist_result=False)
async def write_site(workspace: Workspace, publications: list[str] | None, shown: Sequence[str] = ()) -> SiteReport:
    """Write archive pages and feeds; readers never see half of it. The issues `shown` are being published."""
    standing = await ask_store(workspace.database_url)
    report = site(workspace, workspace.site_folder, publications, ask=lambda: standing, shown=shown)
    rows = [
        {
            "publication": one.title,
            "pages": one.pages,
            "feed entries": one.entries,
            "files changed": one.changed,
            "withheld": "; ".join(f"{issue.key}: {issue.reason}" for issue in one.withheld),
            "feeds": " ".join(one.feeds.values()),
        }
        for one in report.publications
    ]
    await acreate_table_artifact(rows, key="site", description=f"Written to {workspace.site_folder}")
    log = get_run_logger()
    for issue in report.withheld:
        log.info("withheld from the site: %s, as %s", issue.key, issue.reason)
    pages, changed = (sum(getattr(one, name) for one in report.publications) for name in ("pages", "changed"))
    log.info("site: %s pages in %s, %s files changed", pages, workspace.site_folder, changed)
    return report


@flow(
    name="build-site",
    flow_run_name="build the site",
    description="""Write the web archive and the RSS, Atom and JSON feeds of the publications.

Issues whose moment has not come, or that wait for an approval, are withheld; the log names them.

**When it fails**, its state says what it could not read; the site stays as it was.""",
)
async def build_site(publications: list[str] | None = None) -> list[Path] | State[Any]:
    """Build the site of every publication, or of those named.

    Args:
        publications: The publications to build, by their folders' names; all where this is left empty.
    """
    try:
        workspace = await open_with_secrets()  # an empty store would withhold what was approved, and is out
        report = await write_site(workspace, publications)
    except PressrunError as error:
        return Failed(message=str(error))
    await tell_hubs(workspace, report)
    return [workspace.site_folder]
