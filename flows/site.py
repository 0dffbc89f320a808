"""build-site: write the web archive and the feeds."""

from __future__ import annotations

from pathlib import Path

from prefect import flow, get_run_logger, task
from prefect.artifacts import acreate_table_artifact

from pressrun.site.build import SiteReport, site
from pressrun.workspace import Workspace, open_workspace


@task(task_run_name="write the site", persist_result=False)
async def write_site(workspace: Workspace, publications: list[str] | None) -> SiteReport:
    """Write archive pages and feeds; readers never see half of it."""
    report = site(workspace, workspace.site_folder, publications)
    rows = [
        {
            "publication": one.title,
            "pages": one.pages,
            "feed entries": one.entries,
            "feeds": " ".join(one.feeds.values()),
        }
        for one in report.publications
    ]
    await acreate_table_artifact(rows, key="site", description=f"Written to {workspace.site_folder}")
    get_run_logger().info("site: %s pages in %s", sum(one.pages for one in report.publications), workspace.site_folder)
    return report


@flow(
    name="build-site",
    flow_run_name="build the site",
    description="Write the web archive and the RSS, Atom and JSON feeds of the publications.",
)
async def build_site(publications: list[str] | None = None) -> list[Path]:
    """Build the site of every publication, or of those named.

    Args:
        publications: The publications to build, by their folders' names; all where this is left empty.
    """
    workspace = open_workspace()
    await write_site(workspace, publications)
    return [workspace.site_folder]
