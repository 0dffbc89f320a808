"""Sees to it that a process ends when its work is done, also where a library's threads would keep it for ever."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

SECONDS = 120.0
"""How long a process may take to end: Prefect sends its last logs and events meanwhile, and asks again for a while."""

_status = 0


def note_status(status: int) -> None:
    """Remember what the process is about to end with."""
    global _status
    _status = status


@cache
def end_in_time(seconds: float = SECONDS) -> None:
    """Once the main thread has ended, give the process `seconds`; then end it, and the children it would leave behind.

    At its end Prefect waits without limit for threads that send logs and events: once in some hundred runs that was for
    ever, with the flow long done (see docs/decisions.md).
    """
    threading.Thread(target=_watch, args=(seconds,), name="last-minute", daemon=True).start()


def _watch(seconds: float) -> None:
    threading.main_thread().join()
    time.sleep(seconds)  # whoever ends meanwhile takes this thread along
    sys.stderr.write(f"pressrun: all is done, but {_names()} did not end within {seconds:g} s: ended without them\n")
    sys.stderr.flush()
    for child in _children():
        _terminate(child)
    os._exit(_status)


def _names() -> str:
    own = (threading.main_thread(), threading.current_thread())
    return ", ".join(sorted(thread.name for thread in threading.enumerate() if thread not in own)) or "its threads"


def _children() -> list[int]:
    """The processes this one began, on Linux; elsewhere nobody tells, and they stay."""
    lists = Path("/proc/self/task").glob("*/children")
    return [int(number) for file in lists for number in file.read_text(encoding="ascii").split()]


def _terminate(process: int) -> None:
    with suppress(ProcessLookupError):  # it ended by itself
        os.kill(process, signal.SIGTERM)
