"""The sender under test, a process of its own that may be killed at any moment.

    python -m torture.sender JOB    (a Job as JSON)

Reports on its standard output, a line of JSON each: `ready` before it touches anything, `round` after each run of
`send`. SIGTERM ends it as it ends `pressrun send`. Ends with 0 when nothing is open, 3 when rows are, 4 when pressrun
raised an error of its own; anything else is a crash.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import random
import resource
import signal
import sys
import time
from dataclasses import asdict, dataclass, field

from pressrun.delivery.outcome import Outcome
from pressrun.delivery.policy import InDoubt, Policy, Surroundings
from pressrun.delivery.relay import Relay, Starttls
from pressrun.delivery.send import SendReport, send
from pressrun.errors import PressrunError
from pressrun.render.edition import Edition
from pressrun.store.database import Database, open_database
from small_edition import KEY, make_edition

LIST = "all"
OPEN, FAILED = 3, 4


@dataclass(frozen=True)
class Job:
    """What to send through, and how.

    `clock` is added to the time of day, in seconds; so is each of `jumps` (after so many outcomes, seconds) from then
    on, instead. In each further round the clock is an hour and a tenth ahead of the last one, so that what was deferred
    is due. Rests and waits pass `haste` times as fast. `file_size` limits every file it writes, in octets.
    """

    database: str
    port: int
    connections: int = 8
    timeout: float = 5.0
    final_reply_timeout: float = 5.0
    lease: float = 1.0
    in_doubt: str = "hold"
    rounds: int = 1
    clock: float = 0.0
    jumps: tuple[tuple[int, float], ...] = field(default=())
    haste: float = 1.0
    file_size: int = 0
    seed: int = 0

    def to_json(self) -> str:
        """The job as one line."""
        return json.dumps(asdict(self))


def edition() -> Edition:
    """An edition whose message takes some 12 KB on the wire: several segments, dots at the start of lines."""
    plain = make_edition()
    filler = "\n".join(f"<p>.{n} 绿色采购让公共资金买得更好，也让供应商看得见方向。</p>" for n in range(60))
    return make_edition(html=plain.html.replace("</body>", f"{filler}\n</body>"))


def policy_of(job: Job) -> Policy:
    """The policy that the job asks for."""
    return Policy(
        connections=job.connections,
        timeout=job.timeout,
        final_reply_timeout=job.final_reply_timeout,
        lease=dt.timedelta(seconds=job.lease),
        in_doubt=InDoubt(job.in_doubt),
        breaker=None,  # it would stop at what is done to it
    )


@dataclass
class World:
    """The clock of a job, which its jumps move, and its sleep."""

    job: Job
    offset: float
    outcomes: int = 0

    def clock(self) -> dt.datetime:
        """The moment it takes for now."""
        return dt.datetime.now(dt.UTC) + dt.timedelta(seconds=self.offset)

    async def sleep(self, seconds: float) -> None:
        """A wait, shortened by the job's haste."""
        await asyncio.sleep(seconds / self.job.haste)

    def timer(self) -> float:
        """Seconds as they pass by that haste."""
        return time.monotonic() * self.job.haste

    def count(self, outcome: Outcome) -> None:
        """Move the clock when a jump is due."""
        self.outcomes += 1
        for after, offset in self.job.jumps:
            if after == self.outcomes:
                self.offset = offset


async def work(job: Job) -> int:
    """Send until nothing is open, or for so many rounds."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    world = World(job, job.clock)
    status = OPEN
    async with open_database(job.database) as database:
        for number in range(job.rounds):
            status, report = await run_once(database, job, world, stop)
            states = {str(state): count for state, count in report.counts.items() if count} if report else {}
            print(json.dumps({"event": "round", "number": number, "status": status, "states": states}), flush=True)
            if status == 0 or stop.is_set():
                break
            world.offset += 4_000
    return status


async def run_once(database: Database, job: Job, world: World, stop: asyncio.Event) -> tuple[int, SendReport | None]:
    """One run of `send`; an error of pressrun's own is said and, with rounds to come, passed over."""
    surroundings = Surroundings(world.clock, world.sleep, random.Random(job.seed), world.timer)
    relay = Relay("127.0.0.1", job.port, starttls=Starttls.NEVER)
    try:
        report = await send(
            database, edition(), LIST, [relay], KEY, policy_of(job),
            surroundings=surroundings, progress=world.count, stop=stop,
        )  # fmt: skip
    except PressrunError as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED, None
    return (0 if report.is_finished else OPEN), report


def main(text: str) -> None:
    """Do the job that `text` is, and end the process."""
    values = json.loads(text)
    job = Job(**values | {"jumps": tuple((int(after), float(offset)) for after, offset in values["jumps"])})
    if job.file_size:
        resource.setrlimit(resource.RLIMIT_FSIZE, (job.file_size, job.file_size))
    print(json.dumps({"event": "ready"}), flush=True)
    try:
        status = asyncio.run(work(job))
    except PressrunError as error:
        print(f"error: {error}", file=sys.stderr)
        status = FAILED
    sys.exit(status)


if __name__ == "__main__":
    main(sys.argv[1])
