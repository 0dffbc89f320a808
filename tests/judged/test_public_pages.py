"""The public pages before judges: axe in light and dark on every page, Nu's checker on its HTML, and its own policy."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from browser_page import BrowserPage, open_browser
from judged.axe import find_violations, needs_axe
from judged.nu import check_html, needs_nu
from pressrun.address import parse_address
from pressrun.public import preferences, subscribe, unsubscribe
from pressrun.public.doors import Doors
from pressrun.public.mailing import confirm_token, preferences_token
from pressrun.serve import listen, running
from pressrun.store.confirmation import Asked, ask, confirm, read_confirmation
from pressrun.store.database import open_database
from pressrun.workspace import open_workspace
from small_issue import PUBLICATION, write_small_issue

SUBSCRIBING = """\
lists: [news]
recipient_local: true
subscribing:
  languages: [en, zh-CN, ar]
  lists:
    - {name: news, title: The news, about: Once a month}
    - {name: extra, title: Extras}
"""
SCHEMA = """\
city: {label: City, editable: yes}
since: {type: date, label: Since, editable: yes}
role: {type: choice, choices: [buyer, other], label: Your work, editable: yes}
"""


@dataclass
class Pages:
    """A server with a page of each kind, by its address below `base`."""

    base: str
    paths: dict[str, str]


@pytest.fixture(params=["bulletin", "letter"])
async def pages(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Pages]:
    write_small_issue(tmp_path, publication=f"{PUBLICATION}{SUBSCRIBING}theme: {request.param}\n")
    (tmp_path / "subscribers").mkdir()
    (tmp_path / "subscribers/attributes.yaml").write_text(SCHEMA, encoding="utf-8")
    workspace = open_workspace(tmp_path)
    listening = listen("127.0.0.1", 0, "--port")
    async with open_database(workspace.database_url) as database:
        doors = Doors(workspace, workspace.link_keys(), lambda: dt.datetime.now(dt.UTC))
        doors.open(database)
        app = Starlette(routes=[r for door in (unsubscribe, subscribe, preferences) for r in door.routes(doors)])
        paths = await write_paths(doors)
        async with running(app, listening, "the pages"):
            yield Pages(f"http://127.0.0.1:{listening.getsockname()[1]}", paths)


async def write_paths(doors: Doors) -> dict[str, str]:
    now, keys = doors.clock(), doors.keys
    paths = {"form": "/small/subscribe", "frame": "/small/subscribe/embed", "missing": "/nothing/subscribe"}
    for n, language in enumerate(("en", "zh-CN", "ar"), start=1):
        asked = Asked("small", parse_address(f"{language}@example.com"), ("news",), language, wording="I agree.")
        asked = Asked(**{**vars(asked), "attributes": {"language": language}})
        for _ in range(2):
            await ask(doors.database, asked, now)
        person = await confirm(doors.database, keys, 2 * n, now, None, welcome=False)
        assert person
        paths[f"form {language}"] = f"/small/subscribe?lang={language}"
        for what, number in (("question", 2 * n - 1), ("done", 2 * n)):
            request = await read_confirmation(doors.database, number)
            assert request
            paths[f"{what} {language}"] = f"/small/confirm/{confirm_token(keys, request)}"
        paths[f"settings {language}"] = f"/small/preferences/{preferences_token(keys, person)}"
    return paths


async def look(page: BrowserPage, url: str, width: int, scheme: str) -> None:
    await page.open(url)
    await page.resize(width, 900, scheme)


class TestAxe:
    pytestmark = needs_axe

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    async def test_no_page_hinders_anybody(self, pages: Pages, tmp_path: Path, scheme: str) -> None:
        async with open_browser(tmp_path / "profile") as page:
            for name, path in pages.paths.items():
                for width in (375, 1280):
                    await look(page, pages.base + path, width, scheme)
                    assert await find_violations(page) == [], (name, width)
                    assert await page.measure("document.documentElement.scrollWidth") <= width, (name, width)

    async def test_nor_does_a_form_with_faults(self, pages: Pages, tmp_path: Path) -> None:
        async with open_browser(tmp_path / "profile") as page:
            await look(page, f"{pages.base}/small/subscribe", 375, "dark")
            await page.type("textbox", "Mail address", "nobody")
            await page.click("button", "Subscribe")
            await page.wait_for_text("This is no mail address")
            assert await find_violations(page) == []

    async def test_the_style_is_let_through_by_the_policy_and_nothing_comes_from_elsewhere(
        self, pages: Pages, tmp_path: Path
    ) -> None:
        async with open_browser(tmp_path / "profile") as page:
            for path in pages.paths.values():
                await page.open(pages.base + path)
                assert await page.measure("getComputedStyle(document.querySelector('main')).borderTopStyle") == "solid"
                asked = await page.measure("performance.getEntriesByType('resource').map(one => one.name)")
                assert [one for one in asked if not one.startswith(pages.base)] == []


@pytest.mark.judged
class TestNu:
    pytestmark = needs_nu

    async def test_no_page_has_an_error_or_a_warning(self, pages: Pages, tmp_path: Path) -> None:
        files = []
        async with httpx.AsyncClient(base_url=pages.base, trust_env=False) as client:
            for n, path in enumerate(pages.paths.values()):
                files.append(tmp_path / f"{n}.html")
                files[-1].write_text((await client.get(path)).text, encoding="utf-8")
        found = check_html(files)
        assert [f"{each.file}:{each.line}: {each.text} {each.extract}" for each in found] == []
