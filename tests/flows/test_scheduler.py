"""Prefect's own scheduler makes runs of our schedules: without it nothing starts by itself."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from command import free_ports, plain_environment, run_process
from patience import HUNG, wait_for
from prefect_server import ask
from pressrun.starter import init

pytestmark = pytest.mark.prefect


@pytest.fixture
def whole_server(tmp_path: Path) -> Iterator[str]:
    """The API's address of a server with all its services, as an installation has it."""
    (port,) = free_ports(1)
    address = f"http://127.0.0.1:{port}/api"
    environment = plain_environment() | {
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PREFECT_API_URL": address,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
    command = (sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port))
    with (tmp_path / "server.log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        wait_for(lambda: is_healthy(address))
        yield address
    finally:
        server.terminate()
        server.wait(HUNG)


def is_healthy(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health", timeout=HUNG).is_success
    except httpx.HTTPError:
        return False


def scheduled(address: str) -> dict[str, list[dt.datetime]]:
    """When each schedule's runs are to begin, by its slug."""
    found: dict[str, list[dt.datetime]] = {}
    body: dict[str, Any] = {"limit": 200, "sort": "EXPECTED_START_TIME_ASC"}
    for run in ask("POST", f"{address}/flow_runs/filter", body):
        slug = (run["created_by"] or {}).get("display_value")
        found.setdefault(slug, []).append(dt.datetime.fromisoformat(run["expected_start_time"]))
    return found


def test_every_schedule_of_the_file_gets_its_runs(whole_server: str, tmp_path: Path) -> None:
    init(tmp_path / "workspace")
    env = {"PREFECT_API_URL": whole_server, "PREFECT_HOME": str(tmp_path / "home")}
    deployed = run_process(tmp_path / "workspace", "deploy", env=env)
    assert deployed.status == 0, deployed.err
    assert "send-due/send-due" in deployed.out

    wait_for(lambda: {"send-due", "nightly", "workdays"} <= scheduled(whole_server).keys())
    runs = scheduled(whole_server)
    first, second, *_ = runs["send-due"]
    assert second - first == dt.timedelta(minutes=1)
    assert {(one.hour, one.minute) for one in runs["nightly"]} == {(3, 17)}
    assert {(one.hour, one.minute) for one in runs["workdays"]} == {(4, 30)}
    assert all(one.weekday() < 5 for one in runs["workdays"])
