"""What the flows tell the world: events that automations, and whoever else listens, go by."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from prefect.events import emit_event


class Happening(StrEnum):
    """What happened to an issue; the names stay as they are, automations are written with them."""

    DUE = "pressrun.send.due"  # its time has come, and a run was started
    LATE = "pressrun.send.late"  # its time has passed, and its publication does not want it sent by itself
    MISSING = "pressrun.send.missing"  # the calendar expects an issue that is not there, faulty or not approved
    STARTED = "pressrun.send.started"  # a delivery began
    FINISHED = "pressrun.send.finished"  # nobody is left to deliver to
    DEFERRED = "pressrun.send.deferred"  # some are to be tried again later
    FELL_SHORT = "pressrun.send.fell-short"  # somebody did not get it, or may not have
    PAUSED = "pressrun.send.paused"
    RESUMED = "pressrun.send.resumed"
    CANCELLED = "pressrun.send.cancelled"
    TRIPPED = "pressrun.send.tripped"  # the circuit breaker paused it
    ASKED = "pressrun.send.approval-asked"
    APPROVED = "pressrun.send.approved"
    REJECTED = "pressrun.send.rejected"


def emit(happening: Happening, issue: str, message: str, **details: Any) -> None:
    """Tell that something happened to `issue`; `message` is a sentence for people, with nobody's address in it.

    The run, its deployment and its tags are told along by Prefect. An event that can't be told stops nothing.
    """
    publication, _, _ = issue.partition("/")
    emit_event(
        event=happening.value,
        resource={
            "prefect.resource.id": f"pressrun.issue.{issue}",
            "prefect.resource.name": issue,
            "pressrun.publication": publication,
        },
        payload={"issue": issue, "message": message, **details},
    )
