"""Start-up: how long a person waits before the command line does anything."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.measure import Contender, Contest, Result, Sample, Scale, begin, hold


def measure(root: Path, scale: Scale) -> list[Result]:
    """Hold the contest; each sample is of a few starts."""
    note = "A whole process, with compiled files kept. The budget for `pressrun --help` is 0.3 s."
    contest = Contest("Start-up", "start", note, max(scale.repeats // 4, 1), CONTENDERS)
    return [hold(contest, scale.rounds)]


def _start(command: list[str], times: int) -> Sample:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)  # compiles, fills caches
    started = begin()
    for _ in range(times):
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    return started.until_now(times)


def print_help(times: int) -> Sample:
    """`pressrun --help`."""
    script = Path(sys.executable).with_name("pressrun")
    return _start([str(script), "--help"] if script.exists() else [sys.executable, "-m", "pressrun", "--help"], times)


def import_package(times: int) -> Sample:
    """The library's front door alone."""
    return _start([sys.executable, "-c", "import pressrun"], times)


def do_nothing(times: int) -> Sample:
    """Python itself."""
    return _start([sys.executable, "-c", "pass"], times)


CONTENDERS = (
    Contender("`pressrun --help`", print_help),
    Contender('`python -c "import pressrun"`', import_package),
    Contender("`python -c pass`", do_nothing),
)
