"""Serves the preview of an issue on this machine for as long as somebody works on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from pressrun.preview.app import make_preview_app
from pressrun.preview.board import Board, keep_current
from pressrun.preview.proof import attempt
from pressrun.preview.watch import changes, stamp_files
from pressrun.serve import listen, running
from pressrun.workspace import Workspace

HOST = "127.0.0.1"
"""Where it listens: drafts are for nobody on the network."""

STOP_SECONDS = 1
"""How long answers may take to end when it ends: a browser loads a view again at any time."""


async def preview(workspace: Workspace, name: str, port: int, stop: asyncio.Event, say: Callable[[str], None]) -> None:
    """Serve the preview of the issue called `name` until `stop` is set; `say` gets its address.

    At port 0 it listens wherever it can. Raises UsageError for an unknown issue and a port that is taken.
    """
    async with previewing(workspace, name, port) as address:
        say(address)
        await stop.wait()


@asynccontextmanager
async def previewing(workspace: Workspace, name: str, port: int = 0) -> AsyncIterator[str]:
    """The address of a preview that is served while the block runs; the first proof is made before."""
    folder = workspace.issue_folder(name)
    listening = listen(HOST, port, "--port")
    board = Board()
    watching = asyncio.create_task(_watch(board, workspace, folder))
    app = make_preview_app(board, workspace, f"{folder.parent.name}/{folder.name}")
    try:
        await _first(board, watching)
        async with running(app, listening, "the preview's server", STOP_SECONDS):
            try:
                yield f"http://{HOST}:{listening.getsockname()[1]}/"
            finally:
                board.close()  # before the server ends: it waits for those who are told of changes
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        listening.close()


async def _watch(board: Board, workspace: Workspace, folder: Path) -> None:
    looks = changes(lambda: stamp_files(workspace, folder))
    await keep_current(board, looks, lambda: attempt(workspace, folder), workspace.root)


async def _first(board: Board, watching: asyncio.Task[None]) -> None:
    """Until there is something to show, or the watching itself has failed."""

    async def shown() -> None:
        async for showing in board.newer():
            if showing.version:
                return

    first = asyncio.create_task(shown())
    await asyncio.wait([first, watching], return_when=asyncio.FIRST_COMPLETED)
    first.cancel()
    if watching.done():
        watching.result()
