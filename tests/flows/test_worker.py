"""The deployments on a server, run by a worker whose workspace is not where they were deployed from."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from command import plain_environment, run_here
from faulty_relay import faulty_relay
from pressrun.starter import init

pytestmark = pytest.mark.prefect

ISSUE = "field-notes/2026-01"


def prefect(folder: Path, environment: dict[str, str], *arguments: str) -> str:
    """What `prefect` printed; it must end well."""
    command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
    env = plain_environment() | environment
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def test_a_worker_runs_a_deployment_in_its_own_workspace(
    server: str, prefect_environment: dict[str, str], tmp_path: Path
) -> None:
    deployer, worker = tmp_path / "deployer", tmp_path / "worker"
    init(deployer)
    init(worker)
    added = await asyncio.to_thread(run_here, worker, "subscribers", "add", "ann@example.com", "--list", "news")
    assert added.status == 0
    there = {**prefect_environment, "PREFECT_API_URL": server}

    async def run(folder: Path, environment: dict[str, str], *arguments: str) -> str:
        return await asyncio.to_thread(prefect, folder, environment, *arguments)

    await run(deployer, there, "work-pool", "create", "--type", "process", "pressrun")
    await run(deployer, there, "deploy", "--prefect-file", "deployments/prefect.yaml", "--all")
    given = ("-p", f"issue={ISSUE}", "-p", "list_name=news")
    await run(deployer, there, "deployment", "run", "publish-issue/publish-issue", *given)
    async with faulty_relay() as relay:
        at_work = {**there, "PRESSRUN_WORKSPACE": str(worker), "PRESSRUN_SMTP_URL": relay.url}
        await run(tmp_path, at_work, "worker", "start", "--pool", "pressrun", "--run-once")
    assert relay.counts == {"ann@example.com": 1}
    assert (worker / ".pressrun" / "site" / "field-notes" / "rss.xml").is_file()
    assert not (deployer / ".pressrun").exists()

    state, pull_steps = await ended_run(server)
    assert (state["type"], state["message"]) == ("COMPLETED", "1 of 1 sent")
    assert str(deployer) not in json.dumps(pull_steps)


async def ended_run(server: str) -> tuple[dict[str, Any], Any]:
    """The state of the only run of a deployment, and that deployment's pull steps."""
    import httpx

    async with httpx.AsyncClient(base_url=f"{server.rstrip('/')}/") as client:
        runs = (await client.post("flow_runs/filter", json={})).raise_for_status().json()
        (run,) = (run for run in runs if run["deployment_id"])
        deployment = (await client.get(f"deployments/{run['deployment_id']}")).raise_for_status().json()
    return run["state"], deployment["pull_steps"]
