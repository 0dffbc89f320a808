"""`pressrun up` as a process: what it starts can be looked at, and nothing of it is left when it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from command import free_ports, plain_environment, run_here, run_process
from pressrun.sink import read_maildir
from pressrun.starter import init

REPOSITORY = Path(__file__).parents[1]
ISSUE = "field-notes/2026-01"
PEOPLE = 5


@dataclass
class Up:
    """A running `pressrun up` and its addresses."""

    folder: Path
    process: subprocess.Popen[bytes]
    server: int
    site: int
    sink: int

    @property
    def environment(self) -> dict[str, str]:
        """What a person sets who works with the running server."""
        return {
            "PREFECT_API_URL": f"http://127.0.0.1:{self.server}/api",
            "PREFECT_HOME": str(self.folder / ".pressrun" / "prefect"),
            "PRESSRUN_SMTP_URL": f"smtp://127.0.0.1:{self.sink}",
        }

    def find(self, what: str) -> list[dict[str, Any]]:
        """What the server has of deployments, flow_runs …"""
        found = httpx.post(f"http://127.0.0.1:{self.server}/api/{what}/filter", json={}, timeout=20)
        rows: list[dict[str, Any]] = found.raise_for_status().json()
        return rows

    @property
    def said(self) -> str:
        return (self.folder / "up.out").read_text()


def start(folder: Path, ports: list[int]) -> Up:
    """Start `pressrun up` and come back at once."""
    names = ("PRESSRUN_SERVER_PORT", "PRESSRUN_SITE_PORT", "PRESSRUN_SINK_PORT")
    environment = plain_environment() | {name: str(port) for name, port in zip(names, ports, strict=True)}
    with (folder / "up.out").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "pressrun", "up"], cwd=folder, env=environment, stdout=out, stderr=out
        )
    return Up(folder, process, *ports)


@contextmanager
def running(folder: Path, ports: list[int]) -> Iterator[Up]:
    """`pressrun up`, ready: the flows are registered."""
    up = start(folder, ports)
    try:
        wait_for(lambda: up.process.poll() is not None or "Ctrl-C" in up.said)
        assert up.process.poll() is None, up.said
        wait_for(lambda: sum(not one["paused"] for one in up.find("deployments")) >= 3)
        yield up
    finally:
        if up.process.poll() is None:
            up.process.send_signal(signal.SIGINT)
            up.process.wait(30)


def wait_for(is_so: Callable[[], object], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"not so after {seconds} s"
        time.sleep(0.2)


def processes_of(folder: Path) -> list[int]:
    """The processes that carry this workspace in their environment."""
    mark = f"PRESSRUN_WORKSPACE={folder}".encode()
    return [int(file.parent.name) for file in Path("/proc").glob("[0-9]*/environ") if mark in _read(file)]


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:  # ended meanwhile, or somebody else's
        return b""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace as `pressrun init` lays it down, with its list in the store."""
    folder = tmp_path_factory.mktemp("up") / "workspace"
    init(folder)
    file = folder / "subscribers" / "field-notes.csv"
    assert run_here(folder, "subscribers", "import", file, "--list", "news").status == 0
    return folder


@pytest.fixture(scope="module")
def ports() -> list[int]:
    return free_ports(3)


@pytest.mark.prefect
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="no /proc to look for processes in")
def test_a_day_with_it(folder: Path, ports: list[int]) -> None:
    """One after another, because a server takes its time to start."""
    with running(folder, ports) as up:
        check_addresses(up)
        check_served_flow_delivers_to_the_receiver(up)
        check_publishing_again_by_this_server_mails_nobody(up)
        check_a_worker_runs_what_was_deployed_from_elsewhere(up)
        check_interrupt_ends_it_all(up)
    runs = len(up.find_offline)
    with running(folder, ports) as up:
        check_history_is_kept(up, runs)
        check_a_kill_leaves_nothing_behind(up)
