"""What an operator does to a run in Prefect reaches its issue; a signal waits for the messages in flight."""

from __future__ import annotations

import asyncio
import datetime as dt
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from enum import StrEnum
from uuid import UUID

import httpx
from prefect.client.orchestration import get_client
from prefect.exceptions import Abort, Pause
from prefect.logging import get_run_logger
from prefect.runtime import flow_run as this_run
from prefect.states import State

from flows.events import Happening, emit
from pressrun.errors import UsageError
from pressrun.store.control import Wish, cancel, pause, read_reason, read_wish, resume
from pressrun.store.database import Database

LOOK = 2.0
"""Seconds between looks at the run's own state."""


class Wanted(StrEnum):
    """What the run's state in Prefect asks of its delivery."""

    RUN = "run"
    PAUSE = "pause"  # wait; the process stays
    SUSPEND = "suspend"  # end the process; a resume starts the run anew
    CANCEL = "cancel"
    YIELD = "yield"  # another process is about to take this run over


def wanted_of(state: State | None) -> Wanted:
    """What `state`, set by somebody else while the run goes on, asks for."""
    if state is None:
        return Wanted.RUN
    if state.is_cancelling() or state.is_cancelled():
        return Wanted.CANCEL
    if state.is_paused():
        return Wanted.SUSPEND if state.state_details.pause_reschedule else Wanted.PAUSE
    if state.is_scheduled() or state.is_pending():
        return Wanted.YIELD
    return Wanted.RUN


BY_HAND = "in Prefect, "
"""How the reason of a pause begins that somebody made in Prefect; every other one is a breaker's."""


def reason_of(run_id: UUID | str) -> str:
    """Why an issue is paused in the store that was paused in Prefect: by it, the run knows its own pause again."""
    return f"{BY_HAND}in the run {run_id}"


class Steering:
    """One run's delivery of an issue as its operator steers it; `stop` ends it after the messages in flight."""

    def __init__(self, database: Database, issue: str, run_id: UUID) -> None:
        self.stop = asyncio.Event()
        self.wanted = Wanted.RUN
        self.signal: int | None = None
        self.stopped: str | None = None
        """Why the issue stopped itself, where another worker's breaker found so: this run is to ask then."""
        self._database, self._issue, self._run_id = database, issue, run_id
        self._state: State | None = None
        self._logger = get_run_logger()

    async def watch(self) -> None:
        """Look at the run's own state every few seconds, and at once when a signal came: it may be a cancel."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK):  # not wait_for: up to Python 3.11 it may lose a cancel
                    await self.stop.wait()
            await self.look()
            if self.stop.is_set():
                await asyncio.sleep(LOOK)  # it is set for good; there may be more to come, such as a cancel

    async def look(self) -> None:
        """Do in the store what the run's state asks for, once for each change."""
        await self._look_at_breakers()
        state = await read_own_state(self._run_id)
        wanted = wanted_of(state)
        if wanted is Wanted.RUN and self.wanted in (Wanted.SUSPEND, Wanted.YIELD):
            wanted = Wanted.YIELD  # it was resumed meanwhile: what runs now is another process
        if state is None or wanted is self.wanted:
            return
        before, self.wanted, self._state = self.wanted, wanted, state
        done = None
        match wanted:
            case Wanted.CANCEL:
                done = await self._cancel()
            case Wanted.PAUSE | Wanted.SUSPEND:
                done = await self._pause()
            case Wanted.RUN if before is Wanted.PAUSE:
                await self.take_up()
        if wanted in (Wanted.CANCEL, Wanted.SUSPEND, Wanted.YIELD):
            self.stop.set()
        if done:
            self._say(*done)  # last: telling the server may take a while

    async def _look_at_breakers(self) -> None:
        reason = await read_reason(self._database, self._issue)
        if reason is not None and not reason.startswith(BY_HAND):
            self.stopped = reason
            self.stop.set()

    async def take_up(self) -> None:
        """Let the issue go on where it was this run that was paused, in Prefect, and is not any more."""
        if await read_reason(self._database, self._issue) == reason_of(self._run_id):
            await resume(self._database, self._issue, _now())
            self._say(Happening.RESUMED, "resumed in Prefect: the delivery goes on")

    async def give_way(self) -> bool:
        """After the delivery: whether the run is cancelled; raises what else Prefect is to end this process by."""
        await self.look()
        if self.wanted is Wanted.CANCEL:
            return True
        if self.wanted is Wanted.SUSPEND:
            raise Pause("suspended in Prefect", state=self._state)
        if self.wanted is Wanted.YIELD:
            raise Abort("another process takes this run over")
        if self.signal is not None:
            self._logger.warning("the messages in flight have their answers; a later run goes on from here")
            signal.raise_signal(self.signal)  # Prefect's own handler is back: it may have it now
        return False

    async def _cancel(self) -> tuple[Happening, str]:
        closed = 0
        with suppress(UsageError):  # no row is open any more
            closed = await cancel(self._database, self._issue, _now())
        return Happening.CANCELLED, f"cancelled in Prefect: {closed:,} deliveries were closed before they began"

    async def _pause(self) -> tuple[Happening, str] | None:
        with suppress(UsageError):  # cancelled in the store, or no row is open any more: nothing to pause
            if await read_wish(self._database, self._issue) is Wish.RUN:
                await pause(self._database, self._issue, _now(), reason=reason_of(self._run_id))
                return Happening.PAUSED, "paused in Prefect: nothing more begins until the run is resumed"
        return None

    def _say(self, happening: Happening, message: str) -> None:
        self._logger.info("%s: %s", self._issue, message)
        emit(happening, self._issue, message)


@asynccontextmanager
async def steered(database: Database, issue: str) -> AsyncIterator[Steering]:
    """Steer what goes on in the block by the state of the run it goes on in."""
    steering = Steering(database, issue, UUID(this_run.id))
    watching = asyncio.create_task(steering.watch())
    try:
        yield steering
    except Pause:  # Prefect was first to see that the run is suspended: the store has to know of it too
        await steering.look()
        raise
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


@contextmanager
def finishing(steering: Steering) -> Iterator[None]:
    """Within the block SIGTERM and Ctrl-C set `stop` instead of ending the process: nothing is left in doubt.

    Prefect's own handler raises wherever the process happens to be, between a final dot and its answer too.
    """
    loop = asyncio.get_running_loop()

    def take(number: int, frame: object) -> None:
        steering.signal = number
        loop.call_soon_threadsafe(steering.stop.set)

    try:
        before = {number: signal.signal(number, take) for number in (signal.SIGTERM, signal.SIGINT)}
    except ValueError:  # not the main thread: no signal comes here
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


async def read_own_state(run_id: UUID) -> State | None:
    """The run's state on the server; None where that can't be asked just now, which stops no delivery."""
    try:
        async with get_client() as client:
            return (await client.read_flow_run(run_id)).state
    except (httpx.HTTPError, RuntimeError):  # Prefect has no error of its own for a server that is away
        return None


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
