"""The sending process of a rehearsal: the real engine on the replica, and nowhere to send but the receiver.

python -m pressrun.leash pressrun.rehearsal.sender JOB    (a Job as JSON)

Tells each round on its standard output, a line of JSON; ends with 0 when it has done what it can, or with 1 after a
line that holds the `error`.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import random
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from pressrun.delivery.deliver import deliver
from pressrun.delivery.event_loop import run
from pressrun.delivery.keyring import signing_keys
from pressrun.delivery.policy import InDoubt, Policy, Surroundings
from pressrun.delivery.relay import Relay, Starttls
from pressrun.errors import PressrunError, RelayError
from pressrun.rehearsal.receiver import HOST
from pressrun.settings import Settings
from pressrun.store.database import Database, open_database
from pressrun.store.delivery_log import count_open, count_states, next_due
from pressrun.workspace import open_workspace

ROUNDS = 100
"""How often it looks for rows that have come due, at most."""

STEP = 4_000.0
"""Seconds the clock moves on between rounds: longer than a deferred row waits (delivery.backoff)."""

_HASTE = 20
"""How many times as fast a resting relay's time passes: the receiver that cut a connection is well at once."""


@dataclass(frozen=True)
class Job:
    """What to deliver: the workspace's root, the replica's file, the receiver's port, the issue and its lists.

    `ahead` is how many seconds the clock is ahead of the time of day: after a kill, past the lease of the one killed.
    """

    root: str
    database: str
    port: int
    issue: str
    lists: tuple[str, ...]
    ahead: float = 0.0
    seed: int = 0

    def to_json(self) -> str:
        """The job as one line."""
        return json.dumps(asdict(self))


def job_from_json(text: str) -> Job:
    """The job that `to_json` wrote."""
    values = json.loads(text)
    return Job(**{**values, "lists": tuple(values["lists"])})


class _World:
    """Time as the rehearsal has it: it jumps from one round to the next, and rests pass in haste."""

    def __init__(self, ahead: float) -> None:
        self.ahead = ahead

    def clock(self) -> dt.datetime:
        """The moment it takes for now."""
        return dt.datetime.now(dt.UTC) + dt.timedelta(seconds=self.ahead)

    def wait_until(self, due: dt.datetime | None) -> None:
        """Move on by a step, or further, to what is due."""
        seconds = (due - self.clock()).total_seconds() + 60 if due else 0.0
        self.ahead += max(STEP, seconds)

    async def sleep(self, seconds: float) -> None:
        """A wait, shortened."""
        await asyncio.sleep(seconds / _HASTE)

    def timer(self) -> float:
        """Seconds as they pass in haste."""
        return time.monotonic() * _HASTE


async def send_all(job: Job) -> None:
    """Deliver until no row of the lists is open, or `ROUNDS` are over; tells of each round."""
    workspace = open_workspace(Path(job.root))
    world, policy = _World(job.ahead), rehearsal_policy(workspace.settings)
    surroundings = Surroundings(world.clock, world.sleep, random.Random(job.seed), world.timer)
    # The only relay there is: the settings' own are never read here.
    relay = Relay(HOST, job.port, starttls=Starttls.NEVER, name="rehearsal")
    keys, signing = workspace.link_keys(), signing_keys(workspace)
    async with open_database(f"sqlite:///{job.database}") as database:
        for number in range(1, ROUNDS + 1):
            for list_name in job.lists:
                try:
                    await deliver(
                        database, job.issue, [relay], keys, policy,
                        signing=signing, list_name=list_name, surroundings=surroundings,
                    )  # fmt: skip
                except RelayError as error:  # connections were cut again and again: the next round goes on
                    _tell(failed=str(error))
            open_rows, due = await _look(database, job)
            _tell(round=number, open=open_rows)
            if not open_rows:
                return
            world.wait_until(due)


def rehearsal_policy(settings: Settings) -> Policy:
    """How the settings say to try; without a breaker, since what goes wrong was asked for, and with a short lease."""
    return Policy(
        connections=settings.connections,
        timeout=settings.smtp_timeout,
        final_reply_timeout=settings.final_reply_timeout,
        expiry=dt.timedelta(days=settings.expire_days),
        in_doubt=InDoubt(settings.in_doubt),
        breaker=None,
    )


async def _look(database: Database, job: Job) -> tuple[int, dt.datetime | None]:
    """How many rows of the lists are open, and when the first of those deferred is due."""
    counts = [await count_states(database, job.issue, name) for name in job.lists]
    due = [await next_due(database, job.issue, name) for name in job.lists]
    return sum(map(count_open, counts)), min(filter(None, due), default=None)


def _tell(**event: object) -> None:
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def main(text: str) -> int:
    """Do the job that `text` is; gives the exit status."""
    try:
        run(send_all(job_from_json(text)))
    except PressrunError as error:
        _tell(error=error.message, remedy=error.remedy)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
