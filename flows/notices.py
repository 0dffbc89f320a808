"""notify: tell operators what happened, by webhook and mail; automations run it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from prefect import flow
from prefect.states import Completed, Failed, State
from prefect.utilities.urls import url_for

from flows.blocks import open_with_secrets
from pressrun.errors import PressrunError
from pressrun.notify import Notified
from pressrun.notify import notify as tell


@flow(
    name="notify",
    flow_run_name="tell: {subject}",
    description="""Tells operators something, by the webhook `notify_url` and by mail to `notify_mail`.

Automations run it: see `deployments/automations.yaml`. Run it by hand to try the two settings out.

**When it fails**, its state says which of them was not reached. It is not tried again: what it was to tell is in the
UI.""",
)
async def notify(subject: str, text: str = "", run: UUID | None = None) -> State[Any]:
    """Tell all whom the settings name.

    Args:
        subject: What happened, in a line.
        text: The rest of it.
        run: The id of the run it is about, if any; the notice links to it.
    """
    try:
        workspace = await open_with_secrets()
    except PressrunError as error:
        return Failed(message=str(error))
    return conclude_notice(await tell(workspace.settings, subject, with_link(text, run)))


def with_link(text: str, run: UUID | None) -> str:
    """The text with the run's page in the UI, where that is known."""
    link = url_for("flow-run", obj_id=run) if run else None
    return f"{text}\n\n{link}" if link else text


def conclude_notice(told: list[Notified]) -> State[Any]:
    """The state that says who was reached; addresses are counted, not named."""
    if not told:
        return Completed(name="NobodyToTell", message="set notify_url or notify_mail to be told")
    missed = [one for one in told if not one.is_reached]
    reached = f"{len(told) - len(missed)} of {len(told)} told"
    if not missed:
        return Completed(message=reached)
    faults = "; ".join(f"{'a mail address' if '@' in one.where else one.where}: {one.fault}" for one in missed)
    return Failed(message=f"{reached}; {faults}")
