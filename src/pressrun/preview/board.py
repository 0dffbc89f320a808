"""What a preview shows now: the last sound proof beside what is wrong with the files as they are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from pressrun.finding import Finding
from pressrun.preview.fault import Fault, faults_of
from pressrun.preview.proof import Attempt, Proof


@dataclass(frozen=True)
class Showing:
    """`version` counts the attempts, `made` the sound proofs; with faults `proof` is the last sound one, if any was."""

    version: int = 0
    made: int = 0
    proof: Proof | None = None
    faults: tuple[Fault, ...] = ()
    findings: tuple[Finding, ...] = ()

    def after(self, tried: Attempt) -> Showing:
        """What is shown after another attempt."""
        made = self.made + (tried.proof is not None)
        return Showing(self.version + 1, made, tried.proof or self.proof, tried.faults, tried.findings)


class Board:
    """Holds what is shown, and wakes those who wait for something newer."""

    def __init__(self) -> None:
        self.now = Showing()
        self._changed = asyncio.Event()
        self._closed = False

    def show(self, tried: Attempt) -> None:
        """Show what came of an attempt."""
        self.now = self.now.after(tried)
        self._wake()

    def close(self) -> None:
        """Let everybody go who waits."""
        self._closed = True
        self._wake()

    async def newer(self) -> AsyncIterator[Showing]:
        """What is shown, and then whatever comes, until the board is closed; what is overtaken is left out."""
        told = -1
        while not self._closed:
            changed = self._changed
            if self.now.version == told:
                await changed.wait()
            else:
                told = self.now.version
                yield self.now

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


async def keep_current(board: Board, changes: AsyncIterable[object], make: Callable[[], Attempt], root: Path) -> None:
    """Make a proof at every change, beside the event loop, and show it. Whatever fails is shown and ends nothing."""
    async for _ in changes:
        making = asyncio.create_task(asyncio.to_thread(make))
        try:
            await asyncio.wait([making])
        finally:
            making.cancel()
        error = making.exception()
        board.show(Attempt(None, faults_of(error, root)) if error else making.result())
