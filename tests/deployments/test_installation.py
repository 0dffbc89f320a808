"""The installation of docs/installation.md on this machine: PostgreSQL, Redis, the server in two parts, a worker.

Everything is set up by the files in deployments/: the databases, the server's environment, both environment files, and
the commands of the units.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from command import free_ports, plain_environment
from faulty_relay import faulty_relay
from installation import DEPLOYMENTS
from patience import HUNG
from pressrun.starter import init
from torture.cluster import Cluster, private_cluster, why_no_cluster

pytestmark = [pytest.mark.prefect, pytest.mark.postgres, pytest.mark.wheel]

PASSWORD = "PASSWORD"
"""As the examples have it."""

ISSUE = "field-notes/2026-01"
PEOPLE = 20


@dataclass(frozen=True)
class Installation:
    """Where its parts are: `server` and `pressrun` are folders of programs, `values` what the examples' are here."""

    folder: Path
    server: Path
    pressrun: Path
    values: dict[str, str]

    def environment(self, example: str) -> dict[str, str]:
        """An example's variables, with this installation's addresses and folders."""
        text = (DEPLOYMENTS / "systemd" / example).read_text(encoding="utf-8")
        for written, here in self.values.items():
            text = text.replace(written, here)
        return plain_environment() | dict(re.findall(r"^([A-Z_]+)=(.*)$", text, re.MULTILINE))

    def command(self, unit: str, key: str = "ExecStart") -> list[str]:
        """A unit's command with its variables filled in, on this installation's programs."""
        text = (DEPLOYMENTS / "systemd" / unit).read_text(encoding="utf-8")
        found = re.search(rf"^{key}=(.*)$", text, re.MULTILINE)
        assert found
        line = found[1].replace("$WORKER_OPTIONS", "--limit 4").replace("%H-%i", "worker-1")
        for written, folder in (("/opt/prefect/bin", self.server), ("/opt/pressrun/bin", self.pressrun)):
            line = line.replace(written, str(folder))
        return line.split()

    @contextmanager
    def running(self, unit: str, example: str) -> Iterator[subprocess.Popen[bytes]]:
        """A unit's main process, ended with the block."""
        with (self.folder / f"{unit}.log").open("ab") as log:
            process = subprocess.Popen(
                self.command(unit), env=self.environment(example), cwd=self.folder, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def run(self, *command: str, example: str = "pressrun.env.example") -> str:
        """What a command said; it must end well."""
        done = subprocess.run(
            command, env=self.environment(example), cwd=self.folder, capture_output=True, text=True, timeout=HUNG,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def server_programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment made from prefect-server.txt."""
    folder = tmp_path_factory.mktemp("prefect-server") / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    command = [str(folder / "bin" / "pip"), "install", "--quiet", "-r", str(DEPLOYMENTS / "prefect-server.txt")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        pytest.skip(f"the server's environment can't be installed here: {done.stderr[-300:]}")
    return folder / "bin"


@pytest.fixture(scope="module")
def redis_port() -> Iterator[int]:
    if not shutil.which("redis-server"):
        pytest.skip("redis-server is not installed")
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="pressrun-redis-") as folder:
        command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            yield port
        finally:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    if reason := why_no_cluster():
        pytest.skip(reason)
    with private_cluster() as cluster:
        passwords = {"PREFECT_DATABASE_PASSWORD": PASSWORD, "PRESSRUN_DATABASE_PASSWORD": PASSWORD}
        command = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", cluster.url()]
        subprocess.run([*command, "-f", str(DEPLOYMENTS / "databases.sql")], env=os.environ | passwords, check=True)
        yield cluster


@pytest.fixture
def installation(cluster: Cluster, redis_port: int, server_programs: Path, tmp_path: Path) -> Installation:
    (port,) = free_ports(1)
    init(tmp_path / "workspace")
    (tmp_path / "etc" / "dkim").mkdir(parents=True)
    values = {
        "@127.0.0.1:5432": f"@127.0.0.1:{cluster.port}",
        "@10.0.0.1:5432": f"@127.0.0.1:{cluster.port}",
        "127.0.0.1:6379": f"127.0.0.1:{redis_port}",
        "10.0.0.1": "127.0.0.1",
        "4200": str(port),
        "/var/lib/pressrun": str(tmp_path / "state"),
        "/srv/pressrun": str(tmp_path / "workspace"),
        "/etc/pressrun": str(tmp_path / "etc"),
        "PRESSRUN_SECRET_KEY=": "PRESSRUN_SECRET_KEY=a key for the tests of installations",
    }
    return Installation(tmp_path, server_programs, Path(sys.executable).parent, values)


async def test_a_run_asked_for_is_delivered_by_a_worker_and_a_scheduled_one_starts_by_itself(
    installation: Installation,
) -> None:
    prefect, pressrun = "prefect-server.env.example", "pressrun.env.example"
    people = installation.folder / "people.csv"
    people.write_text("email\n" + "".join(f"reader{n}@example.com\n" for n in range(PEOPLE)))
    async with faulty_relay() as relay:
        installation.values["smtp://bulletin:PASSWORD@relay.example.com:587?starttls=always"] = (
            f"{relay.url}?starttls=never"
        )
        upgrade = installation.command("pressrun-prefect-server.service", "ExecStartPre")
        await asyncio.to_thread(installation.run, *upgrade, example=prefect)
        with (
            installation.running("pressrun-prefect-server.service", prefect),
            installation.running("pressrun-prefect-services.service", prefect),
            api(installation) as client,
        ):
            await asyncio.to_thread(wait_until_ready, client)
            assert httpx.post(f"{client.base_url}flow_runs/filter", json={}).status_code == 401
            programs, given = installation.pressrun, ("-p", f"issue={ISSUE}", "-p", "list_name=readers")
            for command in (
                (
                    f"{programs}/pressrun",
                    "subscribers",
                    "import",
                    str(people),
                    "--list",
                    "readers",
                    "--basis",
                    "written",
                ),
                (f"{programs}/pressrun", "deploy"),
                (f"{programs}/prefect", "deployment", "run", "deliver-send/deliver-send", *given),
            ):
                await asyncio.to_thread(installation.run, *command)
            with installation.running("pressrun-worker@.service", pressrun) as worker:
                runs = await asyncio.to_thread(wait_for_runs, client)
                worker.send_signal(signal.SIGTERM)
                assert await asyncio.to_thread(worker.wait, HUNG) == 0
    assert {run["state_type"] for run in runs} == {"COMPLETED"}, [
        (run["state"]["name"], run["state"]["message"]) for run in runs
    ]
    assert relay.counts == {f"reader{n}@example.com": 1 for n in range(PEOPLE)}


def api(installation: Installation) -> httpx.Client:
    """A client that is logged in to the server."""
    address = installation.environment("pressrun.env.example")["PREFECT_API_URL"]
    return httpx.Client(base_url=f"{address}/", auth=("operator", PASSWORD), trust_env=False, timeout=HUNG)


def wait_until_ready(client: httpx.Client) -> None:
    until = time.monotonic() + HUNG
    while True:
        try:
            if client.get("health").is_success:
                return
        except httpx.TransportError as error:
            assert time.monotonic() < until, error
        assert time.monotonic() < until, "the server is not well"
        time.sleep(0.3)


def wait_for_runs(client: httpx.Client) -> list[dict[str, Any]]:
    """The run that was asked for, and the first that the schedule of send-due made, once both have ended."""
    until = time.monotonic() + HUNG
    while True:
        runs = client.post("flow_runs/filter", json={}).raise_for_status().json()
        ended = [run for run in runs if run["state_type"] in ("COMPLETED", "FAILED", "CRASHED")]
        asked = [run for run in ended if not run["auto_scheduled"]]
        scheduled = [run for run in ended if run["auto_scheduled"]]
        if asked and scheduled:
            return [*asked, scheduled[0]]
        assert time.monotonic() < until, [(run["name"], run["state"]) for run in runs]
        time.sleep(0.5)
