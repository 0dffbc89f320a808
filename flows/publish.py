"""publish-issue: check, render, ask for approval, write site and feeds, deliver."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import arun_deployment
from prefect.runtime import deployment as this_deployment
from prefect.runtime import flow_run as this_run
from prefect.states import Completed, Failed, State

from flows.accounts import show_findings, show_preview
from flows.approval import Draft, seek_approval
from flows.blocks import open_with_secrets
from flows.deliver import Workers
from flows.delivery import AT_ITS_TIME, STALE, Send, When, deliver_lists, heed
from flows.naming import name_run
from flows.ping import tell_hubs
from flows.question import can_ask
from flows.rehearsing import require_rehearsal
from flows.site import write_site
from flows.timing import Gate, Timed, time_issue, waves_of
from pressrun.check import check
from pressrun.errors import PressrunError, UsageError
from pressrun.finding import Finding, count_errors, count_of
from pressrun.render.mail import Rendering, render
from pressrun.render.sample import write_sample
from pressrun.render.source import open_issue, require_size
from pressrun.schedule.window import common_window_of
from pressrun.source.issue import Issue
from pressrun.store.approval import Approval
from pressrun.store.control import require_run
from pressrun.store.database import Database, open_database
from pressrun.store.exclusion import read_audience
from pressrun.store.start import claim_start, confirm_start
from pressrun.workspace import Workspace

Ask = Literal["as the publication says", "required"]
AS_SET: Ask = "as the publication says"


@task(task_run_name="check {issue}", cache_policy=NO_CACHE, persist_result=False)
async def check_issue(workspace: Workspace, issue: str) -> list[Finding]:
    """Find what is wrong before anyone else sees it."""
    findings = check(workspace.issue_folder(issue), workspace)
    await show_findings(issue, findings)
    return findings


@task(task_run_name="render {issue.key}", cache_policy=NO_CACHE, persist_result=False)
async def render_mail(workspace: Workspace, issue: Issue) -> Rendering:
    """Render the mail once for all, and lay a preview of it down."""
    rendering = render(issue, workspace.template_folders)
    require_size(rendering)
    folder = workspace.preview_folder / issue.key
    write_sample(rendering, issue.folder, folder)
    await show_preview(rendering, workspace.preview_address(issue.key))
    get_run_logger().info("rendered %s: %.0f KB", rendering.edition.shown_subject, rendering.octets / 1024)
    return rendering


@dataclass(frozen=True)
class Order:
    """What was asked for in the form, with the issue as it is now."""

    workspace: Workspace
    issue: Issue
    findings: Sequence[Finding]
    rendering: Rendering
    lists: Sequence[str]
    ask: bool
    when: When
    workers: int
    with_site: bool


@flow(
    name="publish-issue",
    flow_run_name="{issue}: publish",
    description="""Checks an issue, renders it, asks for approval where its publication wants that, writes archive and
feeds, and delivers it to its lists. Findings that are errors stop it before anything leaves.

It asks for nothing but the issue; all else has a default that is right on most days. Run it again at any time: it mails
nobody twice.

**Approval**: the run suspends, without a process, and shows a form under *Resume*. The run's artifacts show the mail as
picture and as text, the findings, and whom it goes to. Any change to the issue or the plan voids an approval.

**Pause, resume, cancel**: with the buttons of the run, or `pressrun pause|resume|cancel`. It takes a few seconds.

**When it fails**, its state says why in a sentence. Errors in the issue: see the artifact `findings-…`, mend them, run
it again. Some did not get it: the artifact `report-…` says who answered what, and what to do about it.""",
)
async def publish_issue(
    issue: str,
    lists: list[str] | None = None,
    with_site: bool = True,
    when: When = AT_ITS_TIME,
    approval: Ask = AS_SET,
    workers: Workers = 1,
) -> State[Any]:
    """The main job; its state says what became of the deliveries.

    Args:
        issue: The issue to publish: publication/issue, such as spp/2026-02.
        lists: The lists to deliver it to. Empty: its own, those of issue.yaml or publication.yaml.
        with_site: Whether to write the archive and the feeds too, once it goes out.
        when: Whether it waits for its send_at and the send window, or goes now whatever they say.
        approval: Whether somebody has to approve it: as publication.yaml says, or in any case.
        workers: How many runs share the delivery; the others are started by this one.
    """
    try:
        workspace = await open_with_secrets()
        folder = workspace.issue_folder(issue)
        key = f"{folder.parent.name}/{folder.name}"
        told = await heed(workspace, key)
        if told is not None:
            return told
        findings = await check_issue(workspace, key)
        if errors := count_errors(findings):
            found = count_of(errors, "error")
            return Failed(message=f"{found} in {key}: see the findings artifact; nothing was sent", name="Faulty")
        opened = open_issue(workspace, key)
        chosen = _choose_lists(opened, lists)
        rendering = await render_mail(workspace, opened)
        required = approval == "required" or opened.publication.approval == "required"
        order = Order(workspace, opened, findings, rendering, chosen, required, when, workers, with_site)
        async with open_database(workspace.database_url) as database:
            ready = await make_ready(order, database)
        if isinstance(ready, State):
            return ready
        if with_site:
            await tell_hubs(workspace, await write_site(workspace, None, [key]))
        return await deliver_lists(ready)
    except PressrunError as error:
        get_run_logger().warning("%s", error)
        return Failed(message=str(error))


def _choose_lists(issue: Issue, lists: Sequence[str] | None) -> tuple[str, ...]:
    chosen = tuple(dict.fromkeys(lists or issue.lists))
    if not chosen:
        raise UsageError(f"{issue.key} names no list", "name one, or write lists: in issue.yaml or publication.yaml")
    return chosen


async def make_ready(order: Order, database: Database) -> Send | State[Any]:
    """What is to be delivered now, approved where it must be; else the state to end in. Raises PressrunError."""
    key, now = order.issue.key, dt.datetime.now(dt.UTC)
    await name_run(order.workspace, database, key, order.lists)
    timed = Timed(Gate.GO) if order.when != AT_ITS_TIME else await _time(order, database, now)
    if timed.gate is Gate.HOLD:
        return Failed(message=f"{key} is late and held: {timed.reason}", name="Late")
    given: Approval | None = None
    if order.ask or timed.gate is Gate.ASK:
        await require_run(database, key, held_too=True)
        await require_rehearsal(order.workspace, database, order.issue, order.rendering.edition, order.lists)
        why = timed.reason if timed.gate is Gate.ASK else ""
        waves = await _waves(order, database, None)
        draft = Draft(order.workspace, order.issue, order.rendering, order.findings, order.lists, waves, why)
        found = await seek_approval(draft, database)
        if isinstance(found, State):
            return found
        given, now = found, dt.datetime.now(dt.UTC)
        timed = Timed(Gate.GO) if order.when != AT_ITS_TIME else await _time(order, database, now)
    if timed.gate is Gate.WAIT:
        return await _wait(order, timed)
    await _claim(database, key, timed.occasion, now)
    return await _make_send(order, database, given, timed.occasion, now)


async def _time(order: Order, database: Database, now: dt.datetime) -> Timed:
    return await time_issue(order.workspace, database, order.issue, order.lists, now)


async def _waves(order: Order, database: Database, given: Approval | None) -> Any:
    if order.when != AT_ITS_TIME:
        return {}
    return await waves_of(order.workspace, database, order.issue, order.lists, given)


async def _make_send(order: Order, database: Database, given: Approval | None, occasion: str, now: dt.datetime) -> Send:
    sending = Send(
        order.workspace,
        order.rendering.edition,
        order.lists,
        workers=order.workers,
        when=order.when,
        until=None if order.when != AT_ITS_TIME else common_window_of(order.issue.publication).closes(now),
        waves=await _waves(order, database, given),
        is_claimed=bool(occasion),
    )
    if given is None:
        return sending
    planned = (await read_audience(database, order.issue.key)).planned
    return replace(sending, add_new=False, lists=[name for name in order.lists if planned.get(name)])


async def _claim(database: Database, key: str, occasion: str, now: dt.datetime) -> None:
    """Tell send-due that this run is what it would start now; where it started this run, it has claimed that itself."""
    if occasion and await claim_start(database, key, occasion, f"run {this_run.id}", now, stale=STALE):
        await confirm_start(database, key, occasion, str(this_run.id), now)


async def _wait(order: Order, timed: Timed) -> State[Any]:
    """End, and see to it that somebody goes on at the right time."""
    key = order.issue.key
    if timed.is_watched:
        return Completed(message=f"{key} {timed.reason}; send-due starts it then", name="Waiting")
    if not can_ask() or timed.at is None:
        remedy = "run it again then, or now with when: now"
        return Failed(message=f"{key}: {timed.reason}; nothing was sent; {remedy}", name="Waiting")
    run = await _schedule(f"{key} {'+'.join(order.lists)} {timed.at:%Y-%m-%dT%H:%MZ}", timed.at)
    return Completed(message=f"{key}: {timed.reason}; run {run.name} is scheduled for then", name="Waiting")


async def _schedule(key: str, at: dt.datetime) -> FlowRun:
    """A run like this one at that time, one for all that wait for it: Prefect knows it by `key`, for good.

    One that is over by then, such as a cancelled one, starts nothing any more; nor does this run, if it is the one
    that was scheduled for then and somebody started it early.
    """
    run = await _run_at(key, at)
    if str(run.id) == this_run.id or (run.state and run.state.is_final()):
        run = await _run_at(f"{key} after {this_run.id} {this_run.run_count}", at)
    return run


async def _run_at(key: str, at: dt.datetime) -> FlowRun:
    return await arun_deployment(
        this_deployment.id,
        parameters=this_run.parameters,
        scheduled_time=at,
        idempotency_key=key,
        timeout=0,
        as_subflow=False,
    )
