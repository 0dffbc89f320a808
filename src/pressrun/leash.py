"""Runs a module that ends when its standard input does: nothing `pressrun up` began outlives it, not even a kill -9.

python -m pressrun.leash MODULE ARGUMENT...
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

_STOP_SECONDS = 10.0


def _end_with_parent() -> None:
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_STOP_SECONDS)
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    del sys.argv[0]
    threading.Thread(target=_end_with_parent, daemon=True).start()
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
