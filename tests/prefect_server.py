"""A Prefect server and its workers as processes of their own, which a test kills and starts again as it likes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from command import free_ports, plain_environment, run_process
from patience import HUNG

LOCKED = 503
"""What a server says whose SQLite another request holds: Prefect's own client asks again, too."""


def ask(method: str, address: str, content: Mapping[str, Any] | None = None) -> Any:
    """What a server's API answers."""
    until = time.monotonic() + HUNG
    with httpx.Client(trust_env=False, timeout=HUNG) as client:
        while (answer := client.request(method, address, json=content)).status_code == LOCKED:
            assert time.monotonic() < until, f"{method} {address}: {answer.text}"
            time.sleep(0.5)
    assert answer.is_success, f"{method} {address}: {answer.status_code} {answer.text}"
    return answer.json()


class PrefectServer:
    """A server with its database in `home`; what it knows it knows again when it is started anew."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        (self.port,) = free_ports(1)
        self.api = f"http://127.0.0.1:{self.port}/api"
        self.environment = plain_environment() | dict(environment) | {"PREFECT_HOME": str(home)}
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        command = ["server", "start", "--host", "127.0.0.1", "--port", str(self.port)]
        self._process = self._run(command, self.environment)
        async with asyncio.timeout(HUNG), httpx.AsyncClient(trust_env=False) as client:
            while True:
                try:
                    if (await client.get(f"{self.api}/health")).is_success:
                        return
                except httpx.HTTPError:
                    assert self._process.poll() is None, "the server ended by itself"
                await asyncio.sleep(0.1)

    def kill(self) -> None:
        """kill -9: nothing is tidied up."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    @contextmanager
    def working(self, workspace: Path, *, once: bool = False, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
        """A worker in the workspace, ended with all that it began; with `once` it ends when what there is is done.

        It is killed: asked to end, it may wait for ever for a run that was cancelled.
        """
        worker = self._start_worker(workspace, once, environment)
        try:
            yield worker
        finally:
            with suppress(ProcessLookupError):
                os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()

    def _start_worker(self, workspace: Path, once: bool, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        at_work = {
            "PREFECT_API_URL": self.api,
            "PRESSRUN_WORKSPACE": str(workspace),
            "PREFECT_WORKER_QUERY_SECONDS": "1",
        }
        command = ["worker", "start", "--pool", "pressrun", *(["--run-once"] if once else [])]
        return self._run(command, self.environment | at_work | environment)

    async def work_once(self, workspace: Path, **environment: str) -> None:
        """Let a worker do what there is to do."""
        with self.working(workspace, once=True, **environment) as worker:
            assert await asyncio.to_thread(worker.wait, HUNG) == 0

    async def deploy(self, workspace: Path) -> None:
        env = {name: value for name, value in self.environment.items() if name.startswith("PREFECT_")}
        ended = await asyncio.to_thread(run_process, workspace, "deploy", env=env | {"PREFECT_API_URL": self.api})
        assert ended.status == 0, ended.err

    async def run(self, deployment: str, **parameters: Any) -> str:
        """Start a run of `flow/deployment`, as the form does: its id."""
        found = await self.call("GET", f"deployments/name/{deployment}")
        made = await self.call("POST", f"deployments/{found['id']}/create_flow_run", {"parameters": parameters})
        return str(made["id"])

    async def state_of(self, run_id: str) -> dict[str, Any]:
        state: dict[str, Any] = (await self.call("GET", f"flow_runs/{run_id}"))["state"]
        return state

    async def wait_for_state(self, run_id: str, *names: str) -> dict[str, Any]:
        """Until the run is in one of these states."""
        async with asyncio.timeout(HUNG):
            while (state := await self.state_of(run_id))["name"] not in names:
                await asyncio.sleep(0.1)
        return state

    async def resume(self, run_id: str, **form: Any) -> None:
        """What the form under Resume does."""
        answer = await self.call("POST", f"flow_runs/{run_id}/resume", {"run_input": form} if form else {})
        assert answer["status"] == "ACCEPT", answer

    async def set_state(self, run_id: str, **state: Any) -> None:
        """What the buttons of a run do."""
        answer = await self.call("POST", f"flow_runs/{run_id}/set_state", {"state": state, "force": True})
        assert answer["status"] == "ACCEPT", answer

    async def call(self, method: str, path: str, content: Mapping[str, Any] | None = None) -> Any:
        return await asyncio.to_thread(ask, method, f"{self.api}/{path}", content)

    def _run(self, arguments: list[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        home = Path(environment["PREFECT_HOME"])
        command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
        with (home / f"{arguments[0]}.log").open("ab") as log:
            return subprocess.Popen(
                command, env=dict(environment), stdout=log, stderr=log, cwd=home, start_new_session=True
            )


@asynccontextmanager
async def prefect_server(home: Path, environment: Mapping[str, str]) -> AsyncIterator[PrefectServer]:
    """A server that runs when the block begins, and is gone after it."""
    home.mkdir(parents=True, exist_ok=True)
    server = PrefectServer(home, environment)
    await server.start()
    try:
        yield server
    finally:
        server.kill()
