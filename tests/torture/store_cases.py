"""The store gives way: PostgreSQL is torn down between dot and commit, the disk is full."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from torture.account import Account
from torture.arena import Arena, arena, lay_down, readers
from torture.case import Case, Group, Need
from torture.cluster import Cluster, private_cluster
from torture.fault import FaultPlan

STOPS = 5
_MIB = 1 << 20


def list_cases() -> Iterator[Case]:
    """All cases of this group."""
    name = f"PostgreSQL stopped -m immediate, {STOPS} times"
    yield Case(name, Group.STORE, tear_down_often, 0.3, frozenset({Need.POSTGRES}))
    yield Case("disk full (a small file system)", Group.STORE, fill_disk, 0.5, frozenset({Need.TMPFS}))
    yield Case("disk full (a limit on files)", Group.STORE, partial(limit_files, (80, 200, 400, 900)), 0.5)


async def tear_down_often(seed: str, recipients: int) -> Account:
    """Each time the receiver has a message and has not answered yet, PostgreSQL goes, and the answer comes after."""
    with private_cluster() as cluster:
        await lay_down(cluster.url(), readers(recipients))
        plan = FaultPlan(hold_every=max(2, recipients // (STOPS + 3)))
        async with arena(seed, recipients, database=cluster.url(), plan=plan) as place:
            stops = sum([await tear_down_once(place, cluster) for _ in range(STOPS)])
            if stops < STOPS:
                place.faults.append(f"PostgreSQL was stopped only {stops} times")
            await place.receiver.follow(FaultPlan())
            await place.finish()
            return await place.settle(stops * place.job.connections, of_one=place.job.connections)


async def tear_down_once(place: Arena, cluster: Cluster) -> bool:
    """Whether it came to it: a dot was held, PostgreSQL went, the sender ended by itself with an error."""
    sender = place.start()
    held = asyncio.create_task(place.receiver.held.get())
    ended = asyncio.create_task(sender.wait(60))
    await asyncio.wait((held, ended), return_when=asyncio.FIRST_COMPLETED, timeout=60)
    if not held.done():
        held.cancel()
        return False
    await asyncio.to_thread(cluster.stop, "immediate")
    place.receiver.go_on()
    if await place.ended(sender) == 0:
        place.faults.append("a sender whose store was gone ended as if all were well")
    place.receiver.go_on()
    await asyncio.to_thread(cluster.start)
    return True


async def fill_disk(seed: str, recipients: int) -> Account:
    """The store's file system is full in the middle of a send; space is made, and the send goes on."""
    with small_disk(12 * _MIB + recipients * 4_000) as folder:
        async with arena(seed, recipients, folder=folder) as place:
            await place.plan()
            for spare in (96, 256, 640, 1_500):
                ballast = folder / "ballast"
                ballast.write_bytes(bytes(max(0, shutil.disk_usage(folder).free - spare * 1024)))
                await run_out_of_space(place)
                ballast.unlink()
            await place.finish()
            return await place.settle(len(place.remarks) * place.job.connections)


async def limit_files(limits: tuple[int, ...], seed: str, recipients: int) -> Account:
    """No file may grow beyond a limit (KiB), which the store's log of changes soon reaches."""
    async with arena(seed, recipients) as place:
        await place.plan()
        for limit in limits:
            await run_out_of_space(place, file_size=limit * 1024)
        await place.finish()
        return await place.settle(len(limits) * place.job.connections)


async def run_out_of_space(place: Arena, **changes: object) -> None:
    """One run that can't be finished; it must not say that it was."""
    before = place.receiver.journal.count()
    sender = place.start(**changes)
    status = await place.ended(sender)
    taken = place.receiver.journal.count() - before
    if status == 0 and taken:
        place.faults.append("a run for which there was no space ended as if all were well")
    said = next(reversed(sender.errors), "").removeprefix("error: ")
    place.remarks.append(f"after {taken}: {(sender.crash or said)[:110]}")


@contextmanager
def small_disk(size: int) -> Iterator[Path]:
    """A file system of `size` octets."""
    folder = Path(tempfile.mkdtemp(prefix="pressrun-disk-"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "pressrun", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)
        folder.rmdir()
