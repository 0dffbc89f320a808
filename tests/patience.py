"""How long a test waits for what other processes do before it calls them hung: longer than a busy machine takes."""

from __future__ import annotations

import time
from collections.abc import Callable

HUNG = 180.0
"""Seconds."""


def wait_for(is_so: Callable[[], object], seconds: float = HUNG) -> None:
    """Look again and again until it is so."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"not so after {seconds:.0f} s"
        time.sleep(0.2)
