"""The delivery of a rehearsal: sending processes started, watched, killed in the middle if asked, started again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pressrun.errors import PressrunError
from pressrun.rehearsal.receiver import HOST, Receiver
from pressrun.rehearsal.sender import STEP, Job

_LINE = 1 << 20


@dataclass
class Ran:
    """What the sending processes did: how many were killed, and how many rounds they took."""

    kills: int = 0
    rounds: int = 0


async def run_senders(
    job: Job, receiver: Receiver, log: Path, *, kill_at: int | None, say: Callable[[str], None]
) -> Ran:
    """Run the job to its end. With `kill_at`, the process is killed when the receiver has that many messages.

    That message is in the box and its answer never leaves. Raises PressrunError where a process fails.
    """
    ran = Ran()
    if kill_at is not None:
        receiver.halt_at = kill_at
        if await _run(job, receiver, log, ran, say) == 0:  # too few messages came, as most were refused
            return ran
        ran.kills += 1
        say(f"killed the sending process at {receiver.kept:,} messages; another one goes on")
        job = replace(job, ahead=job.ahead + STEP)
        receiver.halt_at = None
    await _run(job, receiver, log, ran, say)
    return ran


async def _run(job: Job, receiver: Receiver, log: Path, ran: Ran, say: Callable[[str], None]) -> int:
    """One process; gives the status it ended with: 0, or that of the kill."""
    async with _process(job, log) as process:
        receiver.halted = process.kill
        assert process.stdout is not None
        while line := await process.stdout.readline():
            _take_event(json.loads(line), ran, say)
        status = await process.wait()
    was_killed = status == -signal.SIGKILL and receiver.halt_at is not None and receiver.kept >= receiver.halt_at
    if status and not was_killed:
        raise _failed(status, log)
    return status


def _take_event(event: dict[str, Any], ran: Ran, say: Callable[[str], None]) -> None:
    if "error" in event:
        raise PressrunError(f"the rehearsal could not send: {event['error']}", str(event["remedy"]))
    ran.rounds += "round" in event
    if "failed" in event:
        say(f"a round ended early: {event['failed']}")


def _failed(status: int, log: Path) -> PressrunError:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    last = f": {lines[-1][:300]}" if lines else ""
    return PressrunError(f"the rehearsal's sending process ended with status {status}{last}", "report it")


@asynccontextmanager
async def _process(job: Job, log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """The sender as a process of its own session, on a leash: it outlives neither the block nor this process."""
    # Whatever reads these settings there, by mistake, finds no other store and no other relay.
    own = {"PRESSRUN_DATABASE_URL": f"sqlite:///{job.database}", "PRESSRUN_SMTP_URL": f"smtp://{HOST}:{job.port}"}
    with log.open("ab") as stream:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "pressrun.leash", "pressrun.rehearsal.sender", job.to_json()),
            env={**os.environ, **own, "PRESSRUN_WORKSPACE": job.root},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=stream,
            limit=_LINE,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
