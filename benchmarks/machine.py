"""Describes the machine a run was made on, by what matters to the figures; no names of hosts, people or folders."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

from benchmarks.receiver import find_postfix

_PACKAGES = (
    *("pressrun", "aiosmtplib", "uvloop", "sqlalchemy", "aiosqlite", "asyncpg", "cryptography"),
    *("mjml-python", "jinja2"),
)


def describe() -> list[str]:
    """A line for each kind of thing."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    from benchmarks.store import postgres_version  # each contender's process imports this module, not all a store

    packages = ", ".join(filter(None, map(_package, _PACKAGES)))
    others = [text for text in (_postfix(), postgres_version(), _node()) if text]
    return [
        f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GB of memory",
        f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}; 4 KB made durable on the disk of the "
        f"temporary files (fsync) in {_sync_seconds() * 1e6:,.0f} µs",
        f"{platform.python_implementation()} {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {packages}",
        *([", ".join(others)] if others else []),
    ]


def _package(name: str) -> str:
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return ""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _sync_seconds() -> float:
    taken = []
    with tempfile.TemporaryFile() as file:
        for _ in range(50):
            started = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
            taken.append(time.perf_counter() - started)
    return median(taken)


def _postfix() -> str:
    program = find_postfix("postconf")
    if not program:
        return ""
    told = subprocess.run([program, "-d", "-h", "mail_version"], capture_output=True, text=True, check=False).stdout
    return f"Postfix {told.strip()}" if told.strip() else ""


def _node() -> str:
    try:
        told = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return ""
    return f"Node.js {told.strip().lstrip('v')}"
