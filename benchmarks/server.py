"""What the PostgreSQL server itself takes: its processes' CPU, its log, its disk."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from benchmarks.measure import Meter
from benchmarks.store import POSTGRES_URL


@dataclass(frozen=True)
class ServerMeter(Meter):
    """Reads the CPU of the server's main process and of all that it started, those that have ended too."""

    def read(self) -> float | None:
        """Seconds; None where the process is not on this machine."""
        main = _read_stat(self.process)
        if main is None:
            return None
        ticks = sum(main[11:15])  # proc(5): utime, stime, and those of children that were waited for
        ticks += sum(sum(stat[11:13]) for stat in map(_read_stat, _children(self.process)) if stat)
        return ticks / os.sysconf("SC_CLK_TCK")


def find_server() -> int:
    """The main process of the server that the benchmarks use; 0 where it can't be told, or runs elsewhere."""
    try:
        return asyncio.run(_find_server())
    except asyncpg.InsufficientPrivilegeError:
        return 0


async def _find_server() -> int:
    server = await asyncpg.connect(POSTGRES_URL, timeout=10)
    try:
        noted = await server.fetchval("SELECT pg_read_file('postmaster.pid')")
        stat = _read_stat(await server.fetchval("SELECT pg_backend_pid()"))  # it lives as long as the connection
    finally:
        await server.close()
    return stat[1] if stat and str(stat[1]) == noted.partition("\n")[0] else 0


def read_log_position() -> int:
    """How many octets the server has written to its log (WAL) since it was made."""
    return int(asyncio.run(_ask("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"))[0])


def read_size(url: str, table: str) -> int:
    """The octets of a table on disk, its indexes included."""
    return int(asyncio.run(_ask(f"SELECT pg_total_relation_size('{table}')", url))[0])


async def _ask(question: str, url: str = POSTGRES_URL) -> asyncpg.Record:
    server = await asyncpg.connect(url, timeout=10)
    try:
        return await server.fetchrow(question)
    finally:
        await server.close()


def _children(process: int) -> Iterator[int]:
    for folder in Path("/proc").glob("[0-9]*"):
        stat = _read_stat(int(folder.name))
        if stat and stat[1] == process:
            yield int(folder.name)


def _read_stat(process: int) -> list[int] | None:
    """proc(5)'s fields from the third on as numbers; 0 for the third, a letter."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    return [0, *map(int, fields[1:])]
