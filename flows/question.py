"""Questions to a person: the run suspends, without a process, until somebody fills in a form, and then starts anew."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, NoReturn, TypeVar

from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.flow_runs import asuspend_flow_run
from prefect.input import RunInput
from pydantic import ValidationError

Form = TypeVar("Form", bound=RunInput)

_KEY = re.compile(r"(?P<kind>[a-z]+)-(?P<number>\d+)-(?P<about>[^-]+)-\d+")


@dataclass(frozen=True)
class Asked:
    """A question that this run has asked: its number among those of its kind, and what it was about."""

    key: str
    number: int
    about: str


@dataclass(frozen=True)
class Answer(Generic[Form]):
    """The newest answer that this run was given to a kind of question."""

    asked: Asked
    form: Form


def newest(keys: Iterable[str], kind: str) -> Asked | None:
    """The last question of its kind among the keys of the run's suspensions."""
    found = [match for key in keys if (match := _KEY.fullmatch(key)) and match["kind"] == kind]
    asked = [Asked(match[0], int(match["number"]), match["about"]) for match in found]
    return max(asked, key=lambda one: one.number, default=None)


def key_for(kind: str, about: str, after: Asked | None, now: dt.datetime) -> str:
    """The key of the next question. The moment is in it: a run tried again asks anew, and Prefect keeps old answers."""
    return f"{kind}-{after.number + 1 if after else 1}-{about}-{now.astimezone(dt.UTC):%Y%m%d%H%M%S%f}"


def can_ask() -> bool:
    """Whether this run can suspend: it has a deployment to start it anew, and no other run waits for it."""
    context = FlowRunContext.get()
    run = context.flow_run if context else None
    return run is not None and run.deployment_id is not None and run.parent_task_run_id is None


async def read_answer(kind: str, form: type[Form]) -> Answer[Form] | None:
    """The newest answer to this kind of question; None where this run has not asked, or was resumed without one."""
    asked = newest(await _read_keys(), kind)
    if asked is None:
        return None
    try:
        # It was asked before: Prefect does not suspend again, and gives the answer.
        return Answer(asked, await asuspend_flow_run(wait_for_input=form, key=asked.key))
    except ValidationError:
        return None


async def ask(kind: str, about: str, form: type[Form], text: str, hours: float, now: dt.datetime) -> NoReturn:
    """Suspend this run until `form` is filled in; `text` stands above it. The run fails after so many hours.

    `about` tells questions of a kind apart: a word without a hyphen, such as the hash of what is asked about.
    """
    key = key_for(kind, about, newest(await _read_keys(), kind), now)
    shown = form.with_initial_data(description=text)
    await asuspend_flow_run(wait_for_input=shown, key=key, timeout=round(hours * 3600))
    raise AssertionError("a run that was suspended does not go on")


async def _read_keys() -> set[str]:
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        return set()
    async with get_client() as client:
        run = await client.read_flow_run(context.flow_run.id)
    return run.empirical_policy.pause_keys or set()
