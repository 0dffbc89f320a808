"""A relay in a thread of its own, for tests of commands, which run a loop of theirs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from faulty_relay import FaultyRelay, Script, faulty_relay


@contextmanager
def relaying(*script: Script) -> Iterator[FaultyRelay]:
    """A relay in a thread of its own, for commands that run a loop of theirs."""
    ready, loop, found = threading.Event(), asyncio.new_event_loop(), []
    stop = asyncio.Event()

    async def hold() -> None:
        async with faulty_relay(script) as relay:
            found.append(relay)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(hold(),))
    thread.start()
    assert ready.wait(5)
    try:
        yield found[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
