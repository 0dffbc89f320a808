"""The event loop a command runs in: uvloop's where it is there, which halves what a message costs."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` to its end in a loop of its own."""
    # What is loaded by now stays; looking at it again and again for garbage would cost a twentieth of a delivery.
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(main)


def _loop_factory() -> Any:
    try:
        import uvloop
    except ImportError:  # not built for this system
        return None
    return uvloop.new_event_loop
