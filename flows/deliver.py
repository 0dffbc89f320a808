"""deliver-send: deliver an issue to a list, or go on with what is planned."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Annotated, Any

from prefect import flow, get_run_logger
from prefect.states import Completed, Failed, State
from pydantic import Field

from flows.blocks import open_with_secrets
from flows.delivery import AT_ITS_TIME, Send, When, deliver_lists, heed
from flows.naming import name_run
from pressrun.errors import PressrunError, UsageError
from pressrun.render.mail import render
from pressrun.render.source import open_issue, require_size
from pressrun.schedule.window import Window, common_window_of
from pressrun.source.loader import load_publication
from pressrun.store.database import Database, open_database
from pressrun.store.delivery_log import load_editions
from pressrun.store.exclusion import read_audience
from pressrun.workspace import Workspace

Workers = Annotated[int, Field(ge=1, le=16)]


@flow(
    name="deliver-send",
    flow_run_name="{issue}: deliver",
    description="""Delivers an issue to a list: everyone on it who has no message of it yet gets one, nobody two.

It checks nothing and writes no site: **publish-issue** does all of that. Run this one to go on after an interruption,
to try deferred deliveries again, or, with `add_new` off, to deliver exactly what is planned, as it was planned.

**Pause, resume, cancel**: with the buttons of the run, or `pressrun pause|resume|cancel`. It takes a few seconds.

**When it fails**, its state says how many did not get it. The artifact `report-…` says why, reply by reply, and what to
do about each. Running it again is always safe.""",
)
async def deliver_send(
    issue: str,
    list_name: str | None = None,
    add_new: bool = True,
    workers: Workers = 1,
    when: When = AT_ITS_TIME,
) -> State[Any]:
    """Deliver what is due; the artifacts show how far it is, and in the end the account of everyone.

    Args:
        issue: The issue to deliver: publication/issue, such as spp/2026-02.
        list_name: The list to deliver it to. Empty: its own lists, those of issue.yaml or publication.yaml.
        add_new: Whether people who joined since get it too. Off: what is planned is delivered, as it was planned.
        workers: How many runs share the work; the others are started by this one.
        when: Whether to keep to the publication's send window, or to deliver now whatever it says.
    """
    try:
        workspace = await open_with_secrets()
        folder = workspace.issue_folder(issue)
        key = f"{folder.parent.name}/{folder.name}"
        told = await heed(workspace, key)
        if told is not None:
            return told
        window = None if when != AT_ITS_TIME else _window_of(workspace, key)
        now = dt.datetime.now(dt.UTC)
        if window and not window.is_open(now):
            opens = window.opens(now).astimezone(window.zone)
            message = f"outside of the send window, which opens at {opens:%Y-%m-%d %H:%M %Z}; nothing was sent"
            return Completed(message=message, name="Waiting")
        async with open_database(workspace.database_url) as database:
            sending = await prepare(workspace, database, key, list_name, add_new=add_new)
            await name_run(workspace, database, sending.issue, sending.lists)
        until = window.closes(now) if window else None
        return await deliver_lists(replace(sending, workers=workers, when=when, until=until))
    except PressrunError as error:
        get_run_logger().warning("%s", error)
        return Failed(message=str(error))


def _window_of(workspace: Workspace, key: str) -> Window | None:
    """The window that its mail keeps to; None where its publication is faulty by now, which stops no delivery."""
    publication, _ = load_publication(workspace.issues / key.partition("/")[0])
    return common_window_of(publication) if publication else None


async def prepare(workspace: Workspace, database: Database, key: str, list_name: str | None, *, add_new: bool) -> Send:
    """What is to be delivered: the issue as it is now, or else as it was planned. Raises PressrunError."""
    if not add_new:
        return await _prepare_planned(workspace, database, key, list_name)
    issue = open_issue(workspace, key)
    rendering = render(issue, workspace.template_folders)
    require_size(rendering)
    lists = (list_name,) if list_name else issue.lists
    if not lists:
        raise UsageError(f"{key} names no list", "name one, or write lists: in issue.yaml or publication.yaml")
    return Send(workspace, rendering.edition, lists, held=issue.publication.approval == "required")


async def _prepare_planned(workspace: Workspace, database: Database, key: str, list_name: str | None) -> Send:
    planned = (await read_audience(database, key)).planned
    lists = [name for name in planned if list_name in (None, name)]
    if not lists:
        to = f" for {list_name}" if list_name else ""
        raise UsageError(f"nothing of {key} was planned yet{to}", "publish it, or deliver it with add_new")
    editions = await load_editions(database, key)
    return Send(workspace, editions[max(editions)], lists, add_new=False)
