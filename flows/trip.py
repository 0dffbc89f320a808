"""What happens when a send has stopped itself: a person is asked whether it goes on."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any, Literal

from prefect.input import RunInput
from prefect.logging import get_run_logger
from prefect.states import Cancelled, Failed, State
from pydantic import Field

from flows.accounts import artifact_key
from flows.events import Happening, emit
from flows.question import ask, can_ask, read_answer
from pressrun.store.control import cancel, read_reason, resume
from pressrun.store.database import Database
from pressrun.workspace import Workspace

KIND = "stopped"
GO_ON, LEAVE, CANCEL = "go on", "leave it paused", "cancel the rest"


class TripForm(RunInput):
    """What an operator fills in when a send has stopped itself."""

    decision: Literal["go on", "leave it paused", "cancel the rest"] = Field(
        title="Decision",
        description="Going on, it judges anew from here; what is cancelled is not sent",
        json_schema_extra={"position": 0},
    )
    name: str = Field(title="Your name", description="For the log", pattern=r"\S", json_schema_extra={"position": 1})


async def follow_answer(database: Database, issue: str) -> State[Any] | None:
    """Do what this run was told when it asked; the state to end in where that is not to go on."""
    answer, reason = await read_answer(KIND, TripForm), await read_reason(database, issue)
    if answer is None or reason is None or answer.asked.about != mark_of(reason):
        return None
    form, now = answer.form, dt.datetime.now(dt.UTC)
    get_run_logger().info("%s: %s says: %s", issue, form.name, form.decision)
    if form.decision == GO_ON:
        await resume(database, issue, now)
        emit(Happening.RESUMED, issue, f"{form.name} let {issue} go on, which had stopped itself")
        return None
    if form.decision == CANCEL:
        closed = await cancel(database, issue, now)
        message = f"{form.name} cancelled {closed:,} deliveries of {issue}, which had stopped itself"
        emit(Happening.CANCELLED, issue, message)
        return Cancelled(message=message)
    return Failed(message=f"{issue} stopped itself: {reason}; {form.name} left it paused", name="Tripped")


async def ask_what_to_do(workspace: Workspace, issue: str, reason: str, message: str) -> State[Any]:
    """Ask whether a send that stopped itself goes on, or end where this run can't ask."""
    said = f"{issue} stopped itself: {reason}"
    emit(Happening.TRIPPED, issue, f"{said}; {message}")
    if not can_ask():
        return Failed(message=f"{said}; {message}; pressrun resume {issue} lets it go on", name="Tripped")
    lines = [
        f"## {said}",
        f"{message}. Nothing more leaves until you decide.",
        f"What servers said is in the artifact {artifact_key('stopped', issue)}.",
    ]
    hours = workspace.settings.approval_hours
    await ask(KIND, mark_of(reason), TripForm, "\n\n".join(lines), hours, dt.datetime.now(dt.UTC))


def mark_of(reason: str) -> str:
    """A word for the reason, by which the question about it is known again."""
    return hashlib.sha256(reason.encode()).hexdigest()[:12]
