"""Starts a run by its deployment: asked twice for one occasion, Prefect gives the same run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import httpx
from prefect.deployments import arun_deployment
from prefect.exceptions import ObjectNotFound

from pressrun.errors import PressrunError


class Step(StrEnum):
    """What is started for an issue: the name of a flow."""

    PUBLISH = "publish-issue"
    DELIVER = "deliver-send"


@dataclass(frozen=True)
class Start:
    """A step for an issue with its lists, and the occasion that it is claimed by."""

    step: Step
    issue: str
    lists: Sequence[str]
    occasion: str

    @property
    def parameters(self) -> dict[str, Any]:
        """What the flow is given. What goes on plans nobody new: who joined since was not in the plan."""
        if self.step is Step.PUBLISH:
            return {"issue": self.issue, "lists": list(self.lists)}
        return {"issue": self.issue, "list_name": self.lists[0] if len(self.lists) == 1 else None, "add_new": False}


def key_of(start: Start) -> str:
    """The run's idempotency key; Prefect keeps it apart for each flow."""
    return f"pressrun {start.issue} {start.occasion}"


async def start_deployment(start: Start, general: str | None) -> str:
    """Start the general deployment, called `general` or as its flow: the run's id.

    The run is nobody's child: it asks for approval by itself, and outlives the look that started it. Raises
    PressrunError where there is no such deployment, or the server does not take it.
    """
    name = f"{start.step}/{general or start.step}"
    try:
        with telling_faults(f"the server did not start {name}"):
            run = await arun_deployment(
                name, parameters=start.parameters, timeout=0, as_subflow=False, idempotency_key=key_of(start)
            )
    except ObjectNotFound as error:
        raise PressrunError(f"there is no deployment {name}", "run pressrun deploy") from error
    return str(run.id)


@contextmanager
def telling_faults(failed: str) -> Iterator[None]:
    """Raise PressrunError, which begins with what `failed`, where the server is away or refuses what it is asked.

    Prefect's client has no error of its own for that: it raises RuntimeError where it can't begin to talk.
    """
    try:
        yield
    except (httpx.HTTPError, RuntimeError) as error:
        raise PressrunError(f"{failed}: {_why(error)}", "the next look tries again; see the server's log") from error


def _why(error: Exception) -> str:
    if isinstance(error, httpx.HTTPStatusError):
        return f"it answered {error.response.status_code}"
    return str(error) if isinstance(error, RuntimeError) else f"it does not answer ({type(error).__name__})"
