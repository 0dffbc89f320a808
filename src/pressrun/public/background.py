"""Background work of the doors: it goes on while the application runs, and begins again where it failed."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

from pressrun.errors import PressrunError

SHORTEST, LONGEST = 1.0, 60.0
"""Seconds before work that failed begins again: doubled each time it fails, from the first to at most the second."""

WELL = 600.0
"""Seconds after which work that goes on is well again: should it fail then, the pauses begin anew."""

_log = logging.getLogger(__name__)


@asynccontextmanager
async def in_background(name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Do `work`, called `name` to people, until the block ends; see `keep_on`."""
    task = asyncio.create_task(keep_on(name, work))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def keep_on(
    name: str,
    work: Callable[[], Coroutine[Any, Any, None]],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    seconds: Callable[[], float] = time.monotonic,
) -> None:
    """Do `work` without end. Where it fails, say so in the log and begin again after a pause.

    The pause grows from failure to failure, and is the shortest again once the work went on for a while.

    The log names the kind of failure and, of our own errors only, what they say: others may quote what people wrote.
    """
    pause = SHORTEST
    while True:
        begun = seconds()
        task = asyncio.create_task(work())
        try:
            await asyncio.wait([task])
        finally:
            task.cancel()
            await asyncio.wait([task])  # it may have to give a connection back before the store is closed
        pause = SHORTEST if seconds() - begun >= WELL else pause
        error = None if task.cancelled() else task.exception()
        said = f": {error}" if isinstance(error, PressrunError) else ""
        why = f"failed with {type(error).__name__}{said}" if error else "ended"
        _log.error("%s %s; it begins again in %.0f s", name, why, pause)
        await sleep(pause)
        pause = min(LONGEST, pause * 2)
