"""Draws an issue as its readers will see it into PNG files: `pressrun screenshot`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from pressrun.errors import PressrunError, UsageError
from pressrun.preview.look import Look, View
from pressrun.preview.preview import previewing
from pressrun.preview.scheme import Scheme
from pressrun.render.chromium import Tab, find_chromium, open_chromium
from pressrun.workspace import Workspace

START_SECONDS = 60.0
"""How long Chromium may take to start."""

PICTURE_SECONDS = 120.0
"""How long one picture may take."""

_MAIL_WIDTHS, _ARCHIVE_WIDTHS = (375, 640), (375, 1280)
_REMEDY = "install it (Debian: apt install chromium fonts-noto-cjk), or look at pressrun preview in your own browser"


@dataclass(frozen=True)
class Shot:
    """A picture to take: its file's name, the address of the view, its width in CSS pixels, and the scheme."""

    name: str
    path: str
    width: int
    scheme: Scheme = Scheme.LIGHT


def shots_of(issue: str) -> Iterator[Shot]:
    """The pictures that are taken of the issue called `issue`, without its publication."""
    for scheme in Scheme:
        look = Look(scheme=scheme)
        for width in _MAIL_WIDTHS:
            yield Shot(f"mail-{width}-{scheme}.png", f"view/{View.MAIL}?{look.query}", width, scheme)
        for width in _ARCHIVE_WIDTHS:
            path = f"view/{View.ARCHIVE}/{scheme}/{quote(issue)}/"
            yield Shot(f"archive-{width}-{scheme}.png", path, width, scheme)
    yield Shot("mail-640-images-off.png", f"view/{View.MAIL}?{Look(images=False).query}", 640)
    yield Shot("text.png", f"view/{View.TEXT}?{Look().query}", 640)
    yield Shot("feed.png", f"view/{View.FEED}?{Look().query}", 640)


async def screenshot(workspace: Workspace, name: str, out: Path, chromium: str | None = None) -> list[Path]:
    """Draw the issue called `name` into PNG files in `out`, each as high as its view; gives the files.

    Raises UsageError where Chromium (the program `chromium`, or one that is found) is not there, and PressrunError
    for an issue that can't be rendered.
    """
    program = chromium or find_chromium()
    if program is None:
        raise UsageError("Chromium is not here to draw the pictures", _REMEDY)
    folder = workspace.issue_folder(name)
    out.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - on this disk
    async with previewing(workspace, name) as address, open_chromium(program, START_SECONDS) as tab:
        return [await _take(tab, address, shot, out / shot.name) for shot in shots_of(folder.name)]


async def _take(tab: Tab, address: str, shot: Shot, file: Path) -> Path:
    try:
        async with asyncio.timeout(PICTURE_SECONDS):
            await tab.show(address + shot.path, shot.width, shot.scheme)
            picture = await tab.draw(shot.width)
    except TimeoutError:
        what = f"Chromium has not drawn {shot.name} within {PICTURE_SECONDS:g} s"
        raise PressrunError(what, "run it again") from None
    picture.save(file)
    return file
