"""Takes a mail's picture as a phone and as a desktop show it, where Chromium is there to draw it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pressrun.render.chromium import ChromiumError, Tab, find_chromium, open_chromium

__all__ = ["HEIGHT", "SCREENS", "Picture", "find_chromium", "take_pictures"]

SCREENS = {"phone": 390, "desktop": 760}
"""What a picture is of, and how wide that is in CSS pixels."""

HEIGHT = 2_600
"""CSS pixels from the top that a picture shows."""

SECONDS = 30.0
"""How long the browser, and then each picture, may take: nothing waits for pictures."""


@dataclass(frozen=True)
class Picture:
    """A picture of the mail, as JPEG; `screen` says on what."""

    screen: str
    file: Path


async def take_pictures(page: Path, chromium: str | None, out: Path | None = None) -> list[Picture]:
    """Draw `page` for each screen into `out`, or beside it; a picture that can't be taken is left out."""
    taken: list[Picture] = []
    if chromium is None:
        return taken
    folder, address = out or page.parent, page.absolute().as_uri()  # noqa: ASYNC240 - on this disk
    with suppress(ChromiumError, OSError):
        async with open_chromium(chromium, SECONDS) as tab:
            for screen, width in SCREENS.items():
                with suppress(TimeoutError):
                    taken.append(await _take(tab, address, screen, width, folder / f"{screen}.jpeg"))
    return taken


async def _take(tab: Tab, address: str, screen: str, width: int, file: Path) -> Picture:
    async with asyncio.timeout(SECONDS):
        await tab.show(address, width)
        picture = await tab.draw(width, HEIGHT)
    picture.save(file, quality=80, optimize=True)
    return Picture(screen, file)
