"""The automations at work on a whole server: a run whose worker is gone crashes, and leaves its place in the queue."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from patience import wait_for
from prefect_server import ask, prefect_server

pytestmark = pytest.mark.prefect

FILE = Path(__file__).parents[2] / "deployments" / "automations.yaml"
NOBODY = "00000000-0000-0000-0000-000000000001"
SHORTEST = 10
"""Seconds that an automation waits for an event at least, as Prefect has it."""

QUICK = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EVENTS_PROACTIVE_GRANULARITY": "PT1S",
    "PREFECT_SERVER_EVENTS_EXPIRED_BUCKET_BUFFER": "PT1S",
}
"""The server looks at its automations every second, and waits for no event that comes late."""


@pytest.fixture
async def api(prefect_set_up: None, tmp_path: Path) -> AsyncIterator[str]:
    """The API of a server with all its services, and with our automations that say what was lost, at their quickest."""
    async with prefect_server(tmp_path, QUICK) as server:
        for one in importlib.import_module("flows.automations").read_automations(FILE, {"notify/notify": NOBODY}):
            content = one.model_dump(mode="json")
            if content["actions"][0]["type"] == "change-flow-run-state":
                content["trigger"]["within"] = SHORTEST
                ask("POST", f"{server.api}/automations/", content)
        yield server.api


def begin(api: str, *states: dict[str, Any]) -> str:
    """A run that has gone through these states: its id."""
    flow = ask("POST", f"{api}/flows/", {"name": "send-due"})["id"]
    run = ask("POST", f"{api}/flow_runs/", {"flow_id": flow, "tags": ["pressrun"], "state": {"type": "SCHEDULED"}})
    for state in states:
        ask("POST", f"{api}/flow_runs/{run['id']}/set_state", {"state": state, "force": True})
    return str(run["id"])


def state_of(api: str, run: str) -> str:
    return str(ask("GET", f"{api}/flow_runs/{run}")["state"]["type"])


async def test_a_run_that_was_lost_before_it_began_or_before_it_gave_a_sign_of_life_crashes(api: str) -> None:
    taken, running = {"type": "PENDING"}, {"type": "RUNNING"}
    done = begin(api, taken, running, {"type": "FAILED", "name": "NotStarted"})
    lost = [begin(api, taken), begin(api, taken, {"type": "PENDING", "name": "Submitting"}), begin(api, taken, running)]
    wait_for(lambda: {state_of(api, run) for run in lost} == {"CRASHED"})
    assert state_of(api, done) == "FAILED"
