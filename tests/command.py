"""Runs `pressrun` for tests: in this process where that is enough, else as a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest

from patience import HUNG
from pressrun.cli import main


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str


def run_here(workspace: Path, *arguments: object) -> Ended:
    """Run the command in this process, where it takes milliseconds."""
    out, err = StringIO(), StringIO()
    argv = ["pressrun", "--workspace", str(workspace), *map(str, arguments)]
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name in plain_environment().keys() ^ os.environ.keys():
            patch.delenv(name)
        patch.setattr(sys, "argv", argv)
        with pytest.raises(SystemExit) as ended:
            main()
    return Ended(ended.value.code if isinstance(ended.value.code, int) else 0, out.getvalue(), err.getvalue())


def run_process(folder: Path, *arguments: object, env: Mapping[str, str] | None = None, timeout: float = HUNG) -> Ended:
    """Run the command as a process in `folder`, with nothing set but `env`."""
    command = [sys.executable, "-m", "pressrun", *map(str, arguments)]
    environment = plain_environment() | dict(env or {})
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=timeout, check=False
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def plain_environment() -> dict[str, str]:
    """This environment without anything set for pressrun or Prefect."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PRESSRUN_", "PREFECT_"))}


def free_ports(count: int) -> list[int]:
    """Ports nobody listens at just now, each given once; the system deals none of them out to who wants just any.

    A server may take long until it listens: a port that the system deals out may be another's by then.
    """
    return [port for _, port in zip(range(count), _free, strict=False)]


def _find_free() -> Iterator[int]:
    # Linux deals out 32768 and up (net.ipv4.ip_local_port_range); each process begins somewhere else.
    begin = os.getpid() * 64
    for number in range(22_000):
        port = 10_000 + (begin + number) % 22_000
        with suppress(OSError):
            socket.create_server(("127.0.0.1", port)).close()
            yield port


_free = _find_free()
