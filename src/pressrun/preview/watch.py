"""Tells when the files that an issue is made of have changed, by looking at them again and again."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from pressrun.attribute import ATTRIBUTES_FILE
from pressrun.segment import SEGMENTS_FILE
from pressrun.source.loader import PUBLICATION_FILE
from pressrun.workspace import Workspace

LOOK_SECONDS = 0.1
"""How long after a look the next one follows."""

SETTLE_SECONDS = 0.05
"""How long files have to stay as they are before they are read: editors write a file in several steps."""

MOST_LOOKS = 20
"""After so many looks at files that do not settle they are read all the same."""

Sleep = Callable[[float], Awaitable[None]]


class Stamp(NamedTuple):
    """What changes when a file does; an editor that puts a new file in an old one's place changes the number."""

    modified: int
    octets: int
    number: int


Stamps = Mapping[str, Stamp]


def stamp_files(workspace: Workspace, folder: Path) -> Stamps:
    """The stamps of all files that the issue in `folder` is made of.

    They are its own, its publication's, the templates, and what conditions and fields are spelled out by.
    """
    stamps: dict[str, Stamp] = {}
    for top in (folder, *workspace.template_folders):
        _stamp_below(str(top), stamps)
    beside = (folder.parent / PUBLICATION_FILE, workspace.root / SEGMENTS_FILE, workspace.root / ATTRIBUTES_FILE)
    _stamp(map(str, beside), stamps)
    return stamps


async def changes(look: Callable[[], Stamps], sleep: Sleep = asyncio.sleep) -> AsyncIterator[Stamps]:
    """The stamps at first, and again whenever they have changed and settled."""
    known = look()
    yield known
    while True:
        await sleep(LOOK_SECONDS)
        if (now := look()) != known:
            known = await _settled(now, look, sleep)
            yield known


async def _settled(now: Stamps, look: Callable[[], Stamps], sleep: Sleep) -> Stamps:
    for _ in range(MOST_LOOKS):
        await sleep(SETTLE_SECONDS)
        before, now = now, look()
        if now == before:
            break
    return now


def _stamp_below(top: str, stamps: dict[str, Stamp]) -> None:
    for folder, folders, files in os.walk(top):
        folders[:] = [name for name in folders if not name.startswith((".", "__pycache__"))]
        _stamp((os.path.join(folder, file) for file in files), stamps)  # noqa: PTH118 - ten times a second


def _stamp(files: Iterable[str], stamps: dict[str, Stamp]) -> None:
    for file in files:
        try:
            found = os.stat(file)  # noqa: PTH116 - as above
        except OSError:  # gone since the folder was listed: that is a change too
            continue
        stamps[file] = Stamp(found.st_mtime_ns, found.st_size, found.st_ino)
