"""publish-issue: check, render, site and feeds, delivery."""

from __future__ import annotations

from typing import Any

from prefect import flow, get_run_logger, task
from prefect.states import Failed, State

from flows.accounts import show_findings, show_preview
from flows.deliver import deliver_edition
from flows.site import write_site
from pressrun.check import check
from pressrun.errors import PressrunError
from pressrun.finding import Finding, count_errors, count_of
from pressrun.render.mail import Rendering
from pressrun.render.sample import write_sample
from pressrun.render.source import render_issue, require_size
from pressrun.workspace import Workspace, open_workspace


@task(task_run_name="check {issue}", persist_result=False)
async def check_issue(workspace: Workspace, issue: str) -> list[Finding]:
    """Find what is wrong before anyone else sees it."""
    findings = check(workspace.issue_folder(issue), workspace)
    await show_findings(issue, findings)
    return findings


@task(task_run_name="render {issue}", persist_result=False)
async def render_mail(workspace: Workspace, issue: str) -> Rendering:
    """Render the mail once for all, and lay a preview of it down."""
    rendering = render_issue(workspace, issue)
    require_size(rendering)
    folder = workspace.preview_folder / rendering.edition.issue
    write_sample(rendering, workspace.issue_folder(issue), folder)
    await show_preview(rendering, workspace.preview_address(rendering.edition.issue))
    get_run_logger().info("rendered %s: %.0f KB", rendering.edition.subject, rendering.octets / 1024)
    return rendering


@flow(
    name="publish-issue",
    flow_run_name="{issue} → {list_name}",
    description="""Check an issue, render it, write archive and feeds, and deliver it to a list.

Findings that are errors stop it before anything leaves. Run it again at any time: it mails nobody twice.""",
)
async def publish_issue(issue: str, list_name: str, with_site: bool = True) -> State[Any]:
    """The main job; its state says what became of the deliveries.

    Args:
        issue: The issue to publish: publication/issue, such as spp/2026-02.
        list_name: The list to deliver it to; `pressrun subscribers list` shows them.
        with_site: Whether to write the archive and the feeds too.
    """
    try:
        workspace = open_workspace()
        findings = await check_issue(workspace, issue)
        if errors := count_errors(findings):
            found = count_of(errors, "error")
            return Failed(message=f"{found} in {issue}: see the findings artifact; nothing was sent")
        rendering = await render_mail(workspace, issue)
        if with_site:
            await write_site(workspace, None)
    except PressrunError as error:
        return Failed(message=str(error))
    return await deliver_edition(workspace, rendering.edition, list_name)
