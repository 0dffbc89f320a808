"""Where an operator sits, for tests that drive Prefect's UI: a browser before a server with a workspace deployed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from browser_page import BrowserPage, open_browser
from gated_relay import GatedRelay
from patience import HUNG
from prefect_server import PrefectServer
from pressrun.starter import init
from pressrun.store.database import open_database
from pressrun.workspace import open_workspace
from small_edition import addresses, fill_list

ISSUE = "field-notes/2026-01"
"""The starter's issue."""

PEOPLE = 20

ASKS = "!!document.querySelector('[role=dialog], [role=alertdialog]')"
"""Whether a dialog is open."""

LISTS = "!!document.querySelector('[role=menu]')"
"""Whether a menu is open."""

PICTURES = os.environ.get("PRESSRUN_TEST_PICTURES")
"""The folder that docs/screenshots_operator.py wants pictures of the pages in."""


def key_of(kind: str) -> str:
    """What an artifact about the issue is called."""
    return f"{kind}-{ISSUE.replace('/', '-')}"


@dataclass(frozen=True)
class Desk:
    """A browser before a server, and the workspace that the worker has."""

    page: BrowserPage
    server: PrefectServer
    workspace: Path

    def address(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server.port}/v2/{path}"

    async def open_deployment(self, name: str) -> None:
        found = await self.server.call("GET", f"deployments/name/{name}")
        await self.page.open(self.address(f"deployments/deployment/{found['id']}"))

    async def open_run(self, run_id: str) -> None:
        await self.page.open(self.address(f"runs/flow-run/{run_id}"))

    async def see_artifact(self, kind: str, text: str) -> None:
        """Load the artifact of this kind anew, as its page does not refresh, until `text` is on it."""
        which = {"artifacts": {"key": {"any_": [key_of(kind)]}}, "sort": "CREATED_DESC"}
        try:
            async with asyncio.timeout(HUNG):
                while True:
                    for newest in (await self.server.call("POST", "artifacts/filter", which))[:1]:
                        await self.page.open(self.address(f"artifacts/artifact/{newest['id']}"))
                        with suppress(AssertionError):
                            return await self.page.wait_for_text(text, patience=2)
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"no {text!r} in {kind}; shown is {await self.page.read()}") from None

    async def choose_in_menu(self, action: str) -> None:
        """One of the actions of the run that is shown, until its dialog is there."""
        async with self._patience(f"choose {action}"):
            while not await self.page.measure(ASKS):
                await self._try_to_choose(action)

    async def press(self, button: str) -> None:
        """The button in the dialog, until the dialog is gone: a click is lost that comes while it is drawn anew."""
        async with self._patience(f"press {button}"):
            while await self.page.measure(ASKS):
                await self._try_to_press(button)

    async def steer(self, run_id: str, action: str, button: str) -> None:
        """Choose the action of the run that is shown and press the button, until the run is in another state."""
        before = (await self.server.state_of(run_id))["name"]
        async with self._patience(f"{action} from {before}"):
            while (await self.server.state_of(run_id))["name"] == before:
                if await self.page.measure(ASKS):
                    await self._try_to_press(button)
                else:
                    await self._try_to_choose(action)
        await self.page.wait_for_end(ASKS)

    async def _try_to_choose(self, action: str) -> None:
        """Once: the menu is drawn anew when the run's state is asked for, and may close under the mouse."""
        with suppress(AssertionError):
            if not await self.page.measure(LISTS):
                await self.page.click("button", "Open menu", patience=5)
            await self.page.click("menuitem", action, patience=5)
            await self.page.wait_for_condition(ASKS, patience=5)

    async def _try_to_press(self, button: str) -> None:
        with suppress(AssertionError):
            await self.page.click("button", button, patience=5)
            await self.page.wait_for_end(ASKS, patience=5)

    @asynccontextmanager
    async def _patience(self, what: str) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(HUNG):
                yield
        except TimeoutError:
            raise AssertionError(f"could not {what}; shown is {await self.page.read()}") from None

    async def keep_picture(self, name: str) -> None:
        if PICTURES:
            Path(PICTURES, f"operator-{name}.png").write_bytes(await self.page.picture())

    def working(self, relay: GatedRelay) -> AbstractContextManager[object]:
        """A worker while the block runs."""
        return self.server.working(self.workspace, PRESSRUN_SMTP_URL=relay.url, PRESSRUN_CONNECTIONS="2")


@asynccontextmanager
async def open_desk(
    make_folder: Callable[[str], Path], environment: dict[str, str], *, approval: bool
) -> AsyncIterator[Desk]:
    """The starter's workspace, with people on its list, deployed to a server, with a browser before it."""
    workspace = make_folder("operator") / "workspace"
    init(workspace)
    if approval:
        publication = workspace / "issues" / "field-notes" / "publication.yaml"
        text = publication.read_text(encoding="utf-8")
        publication.write_text(text.replace("theme:", "approval: required\ntheme:"), encoding="utf-8")
    async with open_database(open_workspace(workspace).database_url) as database:
        await fill_list(database, "field-notes", addresses(PEOPLE))
    server = PrefectServer(make_folder("prefect"), environment)
    server.environment["PREFECT_SERVER_UI_API_URL"] = server.api
    server.environment["PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT"] = "false"
    try:
        await server.start()
        await server.deploy(workspace)
        async with open_browser(make_folder("profile")) as page:
            yield Desk(page, server, workspace)
    finally:
        server.kill()
