"""The receiver and the senders as processes, seen from the harness: started, told, watched, killed."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

from command import plain_environment
from torture.fault import FaultPlan
from torture.journal import Journal
from torture.sender import FAILED, OPEN, Job

TESTS = Path(__file__).parents[1]
_LINE = 1 << 20
HUNG = -1000
_EXCEPTION = re.compile(r"[\w.]*(?:Error|Exception|Interrupt)\b")


def _python_path() -> str:
    return os.pathsep.join(filter(None, (str(TESTS), os.environ.get("PYTHONPATH"))))


async def _start(module: str, *arguments: str) -> asyncio.subprocess.Process:
    environment = plain_environment() | {"PYTHONPATH": _python_path()}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, cwd=TESTS.parent, env=environment,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=_LINE,
    )  # fmt: skip


class ReceiverProcess:
    """A running receiver."""

    def __init__(self, process: asyncio.subprocess.Process, journal: Journal) -> None:
        self.process, self.journal = process, journal
        self.port = 0
        self.out_of_turn: list[str] = []
        self.held: asyncio.Queue[None] = asyncio.Queue()
        self._answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def listen(self) -> None:
        """Take its reports until it ends."""
        assert self.process.stdout
        while line := await self.process.stdout.readline():
            event = json.loads(line)
            match event.pop("event"):
                case "held":
                    self.held.put_nowait(None)
                case "out of turn":
                    self.out_of_turn.append(f"{event['fault']}: {event['sent']!r}")
                case _:
                    self._answers.put_nowait(event)

    async def answer(self) -> dict[str, Any]:
        """Its next report that answers something."""
        async with asyncio.timeout(20):
            return await self._answers.get()

    async def follow(self, plan: FaultPlan) -> None:
        """Behave like this from now on."""
        self._say(f"plan {plan.to_json()}")
        await self.answer()

    async def stats(self) -> dict[str, int]:
        """What it has counted."""
        self._say("stats")
        return await self.answer()

    def go_on(self) -> None:
        """Answer the dots that were held."""
        self._say("go")

    def _say(self, order: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{order}\n".encode())


@asynccontextmanager
async def receiving(folder: Path) -> AsyncIterator[ReceiverProcess]:
    """A receiver that runs while the block does."""
    journal = Journal(folder / "journal")
    process = await _start("torture.receiver", str(journal.file), "0")
    receiver = ReceiverProcess(process, journal)
    listening = asyncio.create_task(receiver.listen())
    try:
        receiver.port = (await receiver.answer())["port"]
        yield receiver
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await listening


_SERVER = multiprocessing.get_context("forkserver")
# All that a sender imports, also late: each one is there at once, and a run is on one state of the code.
_SERVER.set_forkserver_preload(
    [
        *("torture.sender", "torture.baseline", "torture.plan"),
        *("pressrun.store.journal_sqlite", "pressrun.store.journal_postgres"),
        *("sqlalchemy.dialects.sqlite.aiosqlite", "sqlalchemy.dialects.postgresql.asyncpg", "asyncpg"),
    ]
)


def _warm_up() -> None:
    """Start the process that senders are forked from, once; it finds these modules wherever it was started from."""
    path = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = _python_path()
    try:
        forkserver.ensure_running()
    finally:
        os.environ.pop("PYTHONPATH")
        if path is not None:
            os.environ["PYTHONPATH"] = path


def _become(module: str, job: str, folder: Path) -> None:
    """What the new process does: its outputs go to files in `folder`, which a kill -9 can't take back."""
    for number, name in ((1, "out"), (2, "errors")):
        os.dup2(os.open(folder / name, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o644), number)
    import_module(module).main(job)


class SenderProcess:
    """A sender in a process of its own, forked from one that has imported everything: it is there in milliseconds."""

    def __init__(self, job: Job, module: str, folder: Path) -> None:
        _warm_up()
        self._folder = Path(tempfile.mkdtemp(prefix="sender-", dir=folder))
        self._process = _SERVER.Process(target=_become, args=(module, job.to_json(), self._folder), daemon=True)
        self._process.start()

    @property
    def status(self) -> int | None:
        """Its exit status, once it has ended; -9 for a kill."""
        return self._process.exitcode

    @property
    def has_ended(self) -> bool:
        """Whether it is gone, for whatever reason."""
        return self.status is not None

    @property
    def errors(self) -> list[str]:
        """The lines on its standard error."""
        return self._read("errors").strip().splitlines()

    def _read(self, name: str) -> str:
        file = self._folder / name
        return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""

    async def ready(self) -> None:
        """Return when it begins, or has ended."""
        while "ready" not in self._read("out") and not self.has_ended:
            await asyncio.sleep(0.002)

    async def kill(self) -> bool:
        """Kill -9; whether it was still there to be killed."""
        self._process.kill()
        return await self.wait(30) == -signal.SIGKILL

    def terminate(self) -> None:
        """SIGTERM."""
        self._process.terminate()

    async def wait(self, patience: float) -> int:
        """Its exit status; `HUNG`, and it is killed, where it takes longer than `patience` seconds."""
        until = time.monotonic() + patience
        while self.status is None:
            if time.monotonic() > until:
                self._process.kill()
                self._process.join()
                return HUNG
            await asyncio.sleep(0.002)
        return self.status

    @property
    def crash(self) -> str:
        """What it said last, where it ended neither well nor by an error of pressrun's nor by our hand."""
        if self.status in (None, 0, OPEN, FAILED, -signal.SIGKILL):
            return ""
        named = [line for line in self.errors if _EXCEPTION.match(line)]
        return next(reversed(named or self.errors), f"status {self.status}")[:160]
