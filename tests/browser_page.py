"""A page in headless Chromium, driven over its remote protocol."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class BrowserPage:
    """One tab; `measure` asks it for the value of a JavaScript expression."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._number = 0

    async def show(self, file: Path, width: int, scheme: str) -> None:
        """Open `file` in a window `width` px wide, for a reader who prefers `scheme`, and wait until it is loaded."""
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": True}
        await self._call("Emulation.setDeviceMetricsOverride", **size)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        await self._call("Emulation.setEmulatedMedia", features=features)
        await self._call("Page.navigate", url=file.as_uri())
        loaded = f"document.readyState == 'complete' && location.href == {json.dumps(file.as_uri())}"
        async with asyncio.timeout(20):
            while not await self.measure(loaded):
                await asyncio.sleep(0.02)

    async def measure(self, expression: str) -> Any:
        """The value of `expression` in the page."""
        result = await self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        await self._connection.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            answer: dict[str, Any] = json.loads(await self._connection.recv())
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result


@asynccontextmanager
async def open_browser(profile: Path) -> AsyncIterator[BrowserPage]:
    """A fresh Chromium with its profile in the folder `profile`, ended afterwards."""
    assert CHROMIUM
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
    process = await asyncio.create_subprocess_exec(
        CHROMIUM,
        *options,
        "--remote-debugging-port=0",
        f"--user-data-dir={profile}",
        "about:blank",
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(30):
            server = await _server_address(process)
        async with connect(await asyncio.to_thread(_tab_address, server), max_size=None, proxy=None) as connection:
            yield BrowserPage(connection)
    finally:
        process.terminate()
        await process.wait()


async def _server_address(process: asyncio.subprocess.Process) -> str:
    assert process.stderr
    async for line in process.stderr:
        if found := re.search(r"ws://([^/]+)/", line.decode()):
            return found[1]
    raise AssertionError("Chromium ended before it listened")


def _tab_address(server: str) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://{server}/json") as answer:
        return str(next(tab["webSocketDebuggerUrl"] for tab in json.load(answer) if tab["type"] == "page"))
