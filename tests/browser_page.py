"""A page in headless Chromium, driven over its remote protocol."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import shutil
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


PATIENCE = 90
"""Seconds after which what does not show has failed."""

WINDOW = (1200, 1000)
"""The size in px of a window that an application is shown in."""

MIDDLE = """function() {
  if (this.disabled) return null;
  const moves = one => one.playState == 'running' && isFinite(one.effect.getComputedTiming().endTime);
  for (let at = this; at; at = at.parentElement) if (at.getAnimations().some(moves)) return null;
  this.scrollIntoView({block: 'nearest', behavior: 'instant'});
  const box = this.getBoundingClientRect(), x = box.x + box.width / 2, y = box.y + box.height / 2;
  const hit = document.elementFromPoint(x, y);
  return hit && this.contains(hit) ? [x, y] : null;
}"""
"""Where in the window an element takes a click; null while it takes none, moves, or something lies over it."""


class RefusedError(Exception):
    """Chromium could not do what it was asked."""


class BrowserPage:
    """One tab; `measure` asks it for the value of a JavaScript expression.

    Elements are found by what they are to a person: their role and their name in the accessibility tree.
    """

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
        async with asyncio.timeout(PATIENCE):
            while not await self.measure(loaded):
                await asyncio.sleep(0.02)

    async def open(self, url: str) -> None:
        """Open `url`, or load it anew, and wait until its page is loaded; what its scripts show may come later."""
        width, height = WINDOW
        await self._call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        features = [
            {"name": "prefers-color-scheme", "value": "light"},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        await self._call("Emulation.setEmulatedMedia", features=features)
        await self.measure("window.isOld = true")
        await self._call("Page.navigate", url=url)
        await self._until("!window.isOld && document.readyState == 'complete'", url)

    async def switch_scripts_off(self) -> None:
        """Run no page's scripts from now on; what tests measure is no page's."""
        await self._call("Emulation.setScriptExecutionDisabled", value=True)

    async def resize(self, width: int, height: int, scheme: str) -> None:
        """Make the window so large, for a person who prefers `scheme`; the page stays."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        await self._call("Emulation.setDeviceMetricsOverride", **size)
        await self._call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    async def wait_for_text(self, text: str, patience: float = PATIENCE) -> None:
        """Until `text` can be read on the page."""
        await self._until(f"document.body?.innerText.includes({json.dumps(text)})", text, patience)

    async def wait_for_address(self, part: str) -> str:
        """Until `part` is in the page's address, which is given."""
        await self._until(f"location.href.includes({json.dumps(part)})", part)
        return str(await self.measure("location.href"))

    async def wait_for_label(self, text: str) -> None:
        """Until there is an element that says just this, such as a state."""
        said = f"[...document.querySelectorAll('span, div')].some(e => e.innerText.trim() == {json.dumps(text)})"
        await self._until(said, text)

    async def wait_for_condition(self, condition: str, patience: float = PATIENCE) -> None:
        """Until the JavaScript expression `condition` holds."""
        await self._until(condition, condition, patience)

    async def wait_for_end(self, condition: str, patience: float = PATIENCE) -> None:
        """Until the JavaScript expression `condition` does not hold any more."""
        await self._until(f"!({condition})", f"end of {condition}", patience)

    async def wait_for(self, role: str, name: str) -> None:
        """Until there is an element of this role and name that takes a click."""
        await self._middle(role, name)

    async def click(self, role: str, name: str, patience: float = PATIENCE) -> None:
        """Click the element of this role and name, as a mouse does, once it is there and stands still."""
        x, y = await self._middle(role, name, patience)
        for kind, buttons in (("mouseMoved", 0), ("mousePressed", 1), ("mouseReleased", 0)):
            await self._call(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=buttons, clickCount=1
            )

    async def type(self, role: str, name: str, text: str) -> None:
        """Type `text` into the field of this role and name."""
        await self.click(role, name)
        await self._call("Input.insertText", text=text)

    async def picture(self) -> bytes:
        """What the window shows, as PNG."""
        taken = await self._call("Page.captureScreenshot", format="png")
        return base64.b64decode(taken["data"])

    async def read(self) -> str:
        """The page's address, and what can be read on it."""
        return str(await self.measure("location.href + '\\n' + document.body.innerText"))

    async def measure(self, expression: str) -> Any:
        """The value of `expression` in the page."""
        result = await self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def _until(self, condition: str, what: str, patience: float = PATIENCE) -> None:
        try:
            async with asyncio.timeout(patience):
                while not await self._holds(condition):
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"no {what!r} on {await self.read()}") from None

    async def _holds(self, condition: str) -> bool:
        with suppress(RefusedError):  # the page is being loaded anew
            return bool(await self.measure(condition))
        return False

    async def _middle(self, role: str, name: str, patience: float = PATIENCE) -> tuple[float, float]:
        before = None
        try:
            async with asyncio.timeout(patience):
                while True:
                    now = await self._find(role, name)
                    if now is not None and now == before:
                        return now[0], now[1]
                    before = now
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"no {role} {name!r} to click on {await self.read()}") from None

    async def _find(self, role: str, name: str) -> list[float] | None:
        document = (await self._call("Runtime.evaluate", expression="document"))["result"]["objectId"]
        found = await self._call("Accessibility.queryAXTree", objectId=document, accessibleName=name)
        for node in found["nodes"]:
            if node["ignored"] or node["role"]["value"] != role:
                continue
            with suppress(RefusedError):  # it was drawn anew meanwhile
                element = await self._call("DOM.resolveNode", backendNodeId=node["backendDOMNodeId"])
                own = {"objectId": element["object"]["objectId"], "functionDeclaration": MIDDLE}
                place: list[float] | None
                place = (await self._call("Runtime.callFunctionOn", **own, returnByValue=True))["result"].get("value")
                if place is not None:
                    return place
        return None

    async def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        await self._connection.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            answer: dict[str, Any] = json.loads(await self._connection.recv())
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RefusedError(f"{method}: {answer['error']}")
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
        async with asyncio.timeout(PATIENCE):
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
