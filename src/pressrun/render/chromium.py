"""Drives headless Chromium over its remote protocol: opens a page, and gives its picture."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import re
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from PIL import Image

from pressrun.errors import PressrunError

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_OPTIONS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-background-networking", "--hide-scrollbars", "--allow-file-access-from-files"),
    *("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--no-proxy-server", "--remote-debugging-port=0"),
)
_WINDOW_HEIGHT = 900
_STRIP = 8_000  # CSS pixels drawn at once: above 16,384 Chromium repeats what it has drawn
_LOOK_SECONDS = 0.02
# Looked at again and again: on a page whose scripts are forbidden no event would tell it.
_LOADED = """(() => {
  for (const image of document.images) image.loading = 'eager';
  return document.readyState === 'complete' && [...document.images].every(image => image.complete);
})()"""


class ChromiumError(PressrunError):
    """Chromium did not start, ended, or could not do what it was asked."""


def find_chromium() -> str | None:
    """The program that draws; None where there is none."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


class Tab:
    """One page of a browser; what it asks of the network is not fetched, but for this machine's own servers."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._number = 0

    async def show(self, address: str, width: int, scheme: str = "light") -> None:
        """Open `address` in a window `width` CSS pixels wide for a reader who prefers `scheme`, pictures and all."""
        await self.resize(width, _WINDOW_HEIGHT)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        await self.call("Emulation.setEmulatedMedia", features=features)
        gone = await self.call("Page.navigate", url=address)
        if "errorText" in gone:
            raise ChromiumError(f"Chromium can't open {address}: {gone['errorText']}", "look whether it is there")
        while not (await self.call("Runtime.evaluate", expression=_LOADED))["result"].get("value"):  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_SECONDS)

    async def resize(self, width: int, height: int) -> None:
        """Make the window so many CSS pixels wide and high."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        await self.call("Emulation.setDeviceMetricsOverride", **size)

    async def draw(self, width: int, height: int | None = None) -> Image.Image:
        """What is shown, `height` CSS pixels from the top; without, the whole page, however long."""
        if height is None:
            height = int((await self.call("Page.getLayoutMetrics"))["cssContentSize"]["height"])
        whole = Image.new("RGB", (width, height), "white")
        for top in range(0, height, _STRIP):
            strip = {"x": 0, "y": top, "width": width, "height": min(_STRIP, height - top), "scale": 1}
            drawn = await self.call("Page.captureScreenshot", format="png", clip=strip, captureBeyondViewport=True)
            with Image.open(io.BytesIO(base64.b64decode(drawn["data"]))) as picture:
                whole.paste(picture.convert("RGB"), (0, top))
        return whole

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Chromium's answer to one call of its DevTools protocol."""
        self._number += 1
        await self._connection.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        async for message in self._connection:
            answer: dict[str, Any] = json.loads(message)
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise ChromiumError(f"Chromium refuses {method}: {answer['error'].get('message')}")
                result: dict[str, Any] = answer["result"]
                return result
        raise ChromiumError("Chromium ended before it answered", "run it again")


@asynccontextmanager
async def open_chromium(program: str, seconds: float) -> AsyncIterator[Tab]:
    """A fresh browser's one tab, with a profile of its own, while the block runs.

    Raises ChromiumError where it has not started after `seconds`.
    """
    from websockets.asyncio.client import connect

    with tempfile.TemporaryDirectory(prefix="pressrun-", ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            *(program, *_OPTIONS, f"--user-data-dir={profile}", "about:blank"),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            address = await _tab_address(process, seconds)
            # Chromium's answers hold whole pictures, and no proxy stands before this machine.
            async with connect(address, max_size=None, proxy=None) as connection:
                yield Tab(connection)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def _tab_address(process: asyncio.subprocess.Process, seconds: float) -> str:
    import httpx

    try:
        async with asyncio.timeout(seconds):
            server = await _server_of(process)
            async with httpx.AsyncClient(trust_env=False) as client:
                tabs = (await client.get(f"http://{server}/json")).json()
    except (TimeoutError, httpx.HTTPError) as error:
        raise ChromiumError(f"Chromium did not start within {seconds:g} s", "run it again") from error
    return str(next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page"))


async def _server_of(process: asyncio.subprocess.Process) -> str:
    assert process.stderr
    async for line in process.stderr:
        if found := re.search(rb"ws://([^/]+)/", line):
            return found[1].decode()
    raise ChromiumError("Chromium ended before it listened", "look whether it runs by itself")
