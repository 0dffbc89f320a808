"""Hosts of one's own on this machine: network namespaces, each with a cable to here that can be pulled out."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from command import plain_environment

NETWORK = "198.18.0.0/15"
"""RFC 2544: addresses for tests of devices, which nobody has."""


@dataclass(frozen=True)
class Host:
    """A network namespace with its own address; `here` is this machine's at the other end of its cable."""

    name: str
    number: int

    @property
    def here(self) -> str:
        return f"198.18.{self.number}.1"

    @property
    def address(self) -> str:
        return f"198.18.{self.number}.2"

    @property
    def cable(self) -> str:
        """This end's interface."""
        return f"{self.name}h"

    async def start(self, *command: str, env: Mapping[str, str], pipe: int = -3) -> asyncio.subprocess.Process:
        """Start a process on the host; `pipe` is its standard input and output, else they go nowhere."""
        return await asyncio.create_subprocess_exec(
            *("ip", "netns", "exec", self.name, *command),
            env=plain_environment() | dict(env), stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip

    async def run_pressrun(self, *arguments: str, env: Mapping[str, str]) -> asyncio.subprocess.Process:
        """Start the command on the host."""
        return await self.start(sys.executable, "-m", "pressrun", *arguments, env=env)

    def pull_out(self) -> None:
        """Cut the host off: nobody is told, packets are lost in both directions."""
        _ip("link", "set", self.cable, "down")

    def plug_in(self) -> None:
        """Mend the line."""
        _ip("link", "set", self.cable, "up")

    def build(self) -> None:
        there = f"{self.name}g"
        _ip("netns", "add", self.name)
        _ip("link", "add", self.cable, "type", "veth", "peer", "name", there, "netns", self.name)
        _ip("addr", "add", f"{self.here}/30", "dev", self.cable)
        _ip("link", "set", self.cable, "up")
        _ip("-n", self.name, "addr", "add", f"{self.address}/30", "dev", there)
        _ip("-n", self.name, "link", "set", there, "up")
        _ip("-n", self.name, "link", "set", "lo", "up")

    def remove(self) -> None:
        """Take the host away, and end what still runs on it."""
        running = subprocess.run(["ip", "netns", "pids", self.name], capture_output=True, text=True, check=False).stdout
        for process in running.split():
            with suppress(ProcessLookupError):
                os.kill(int(process), signal.SIGKILL)
        for command in (("link", "del", self.cable), ("netns", "del", self.name)):
            subprocess.run(["ip", *command], capture_output=True, check=False)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def why_no_hosts() -> str:
    """Why there can be none on this machine, or nothing."""
    if not shutil.which("ip"):
        return "ip (iproute2) is not installed"
    if os.geteuid() != 0:
        return "only root makes network namespaces"
    probe = Host(f"pr{os.getpid()}x", 250)
    try:
        probe.build()
    except subprocess.CalledProcessError as error:
        return f"no network namespace can be made: {error.stderr.decode().strip()}"
    finally:
        probe.remove()
    return ""


@contextmanager
def hosts(count: int) -> Iterator[list[Host]]:
    """So many hosts; gone at the end, with all that still runs on them."""
    made = [
        Host(f"pr{os.getpid()}{letter}", number) for number, letter in zip(range(1, count + 1), "abcdef", strict=False)
    ]
    try:
        for host in made:
            host.build()
        yield made
    finally:
        for host in made:
            host.remove()
