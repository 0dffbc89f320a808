"""The preview in Chromium: what is saved is shown, faults come and go, and the switches do what they say."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from browser_page import CHROMIUM, BrowserPage, open_browser
from full_issue import write_full_issue
from judged.axe import find_violations, needs_axe
from patience import HUNG
from pressrun.preview.preview import previewing
from pressrun.workspace import open_workspace
from small_issue import FIRST, ISSUE, write_small_issue

pytestmark = [pytest.mark.chromium, pytest.mark.skipif(not CHROMIUM, reason="no Chromium here")]

VIEWS = ("mail", "text", "archive", "feed")
INSIDE = "document.querySelector('#{} iframe:not(.waiting)')?.contentDocument"
LONG = FIRST.replace("The end.", "A paragraph of the text.\n\n" * 150 + "The end.")
STALE = "document.querySelector('#views').classList.contains('stale')"
PRESS = FIRST + '\n::: when role == "press"\nOnly for the press.\n:::\n'


class Shown:
    """A preview that a browser shows."""

    def __init__(self, folder: Path, page: BrowserPage, address: str) -> None:
        self.folder, self.page, self.address = folder, page, address

    async def inside(self, view: str, expression: str) -> object:
        """What `expression` is in the document of a view."""
        return await self.page.measure(f"{INSIDE.format(view)}.{expression}")

    async def wait_inside(self, view: str, text: str) -> None:
        """Until `text` can be read in a view."""
        read = f"{INSIDE.format(view)}?.body?.innerText.includes({json.dumps(text)})"
        await self.page.wait_for_condition(read, HUNG)

    async def until(self, condition: str) -> None:
        await self.page.wait_for_condition(condition, HUNG)

    def save(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[BrowserPage]:
    async with open_browser(tmp_path / "profile") as opened:
        yield opened


@pytest.fixture
async def shown(tmp_path: Path, page: BrowserPage) -> AsyncIterator[Shown]:
    folder = write_small_issue(tmp_path / "workspace", first=FIRST)
    async with previewing(open_workspace(tmp_path / "workspace"), "small/2026-01") as address:
        await page.open(address)
        yield Shown(folder, page, address)


async def test_what_is_saved_is_shown_in_every_view(shown: Shown) -> None:
    for view in VIEWS:
        await shown.wait_inside(view, "A text with")
    shown.save("first.md", FIRST.replace("A text with", "Another text with"))
    for view in VIEWS:
        await shown.wait_inside(view, "Another text with")
    await shown.page.wait_for_text("and shown.")
    shown.save("issue.yaml", ISSUE.replace("What is small this spring", "What is new"))
    await shown.page.wait_for_text("What is new")


async def test_somebody_reading_far_down_stays_there(shown: Shown) -> None:
    shown.save("first.md", LONG)
    await shown.wait_inside("mail", "A paragraph of the text.")
    await shown.until(f"{INSIDE.format('mail')}.scrollingElement.scrollHeight > 5000")
    await shown.inside("mail", "scrollingElement.scrollTo(0, 3000)")
    shown.save("first.md", LONG.replace("The end.", "The very end."))
    await shown.wait_inside("mail", "The very end.")
    assert await shown.inside("mail", "scrollingElement.scrollTop") == 3000


async def test_a_fault_is_shown_in_place_and_goes_when_it_is_mended(shown: Shown) -> None:
    shown.save("issue.yaml", ISSUE.replace("number: 1", "number: [1"))
    await shown.page.wait_for_text("issues/small/2026-01/issue.yaml:")
    await shown.until(STALE)
    assert "A text with" in str(await shown.inside("mail", "body.innerText"))
    shown.save("issue.yaml", ISSUE)
    await shown.until(f"!{STALE}")
    await shown.until("!document.querySelector('#notice .fault')")


async def test_a_fault_of_a_template_is_shown_too(shown: Shown) -> None:
    theme = shown.folder.parents[2] / "templates" / "themes" / "bulletin"
    theme.mkdir(parents=True)
    (theme / "mail.txt.j2").write_text("one\n{{ nothing.there }}\n")
    await shown.page.wait_for_text("templates/themes/bulletin/mail.txt.j2:2")
    (theme / "mail.txt.j2").write_text("A twin of its own.\n")
    await shown.wait_inside("text", "A twin of its own.")


async def test_the_switches_do_what_they_say(shown: Shown) -> None:
    ground = "defaultView.getComputedStyle({}.body.querySelector('.page') ?? {}.body).backgroundColor"
    ground = ground.format(INSIDE.format("mail"), INSIDE.format("mail"))
    loaded = f"[...{INSIDE.format('mail')}.images].filter(image => image.naturalWidth).length"
    light = await shown.inside("mail", ground)
    assert await shown.page.measure(loaded)
    await shown.page.click("radio", "Dark")
    await shown.until(f"{INSIDE.format('mail')}.{ground} != {json.dumps(light)}")
    await shown.page.click("radio", "Off")
    await shown.until(f"{INSIDE.format('mail')}.images.length && !({loaded})")
    await shown.until(f"{INSIDE.format('mail')}.images[0].alt")
    for name, width in (("Phone", 375), ("Desktop", 640)):
        await shown.page.click("radio", name)
        await shown.until(f"{INSIDE.format('mail')}.documentElement.clientWidth == {width}")
    await shown.page.click("checkbox", "Plain text")
    await shown.until("document.querySelector('#text').hidden")
    assert "scheme=dark" in await shown.page.wait_for_address("images=off")
    await shown.page.open(await shown.page.wait_for_address("show="))
    assert await shown.page.measure("document.querySelector('#text').hidden")


async def test_what_is_known_of_a_reader_can_be_chosen(shown: Shown) -> None:
    shown.save("first.md", PRESS)
    await shown.page.wait_for_text("What is known of the reader")
    assert "Only for the press." not in str(await shown.inside("mail", "body.innerText"))
    choose = "(() => { const s = document.querySelector('#about select'); s.value = 'press';"
    await shown.page.measure(f"{choose} s.dispatchEvent(new Event('change', {{bubbles: true}})); }})()")
    await shown.wait_inside("mail", "Only for the press.")
    await shown.wait_inside("text", "Only for the press.")


async def test_after_a_new_start_a_page_left_open_goes_on(tmp_path: Path, page: BrowserPage) -> None:
    folder = write_small_issue(tmp_path)
    workspace = open_workspace(tmp_path)
    async with previewing(workspace, "small/2026-01") as address:
        await page.open(address)
        await page.wait_for_text("Shown as saved.")
    await page.wait_for_text("The preview has ended")
    (folder / "first.md").write_text(FIRST.replace("A text with", "Another text with"), encoding="utf-8")
    async with previewing(workspace, "small/2026-01", int(address.rstrip("/").rpartition(":")[2])):
        read = f"{INSIDE.format('mail')}?.body?.innerText.includes('Another text with')"
        await page.wait_for_condition(read, HUNG)


async def test_nothing_is_refused_by_the_pages_own_policy(tmp_path: Path, page: BrowserPage) -> None:
    write_full_issue(tmp_path)
    async with previewing(open_workspace(tmp_path), "small/2026-01") as address:
        await page.open(address)
        await page.measure("window.refused = []; document.addEventListener('securitypolicyviolation', "
                           "event => refused.push(event.blockedURI + ' ' + event.violatedDirective)); 0")  # fmt: skip
        await page.click("radio", "Dark")
        await page.click("radio", "Phone")
        await page.wait_for_end("document.querySelector('iframe.waiting')")
        assert await page.measure("refused") == []
        assert await page.measure("getComputedStyle(document.querySelector('.bar')).display") == "flex"
        assert await page.measure("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("mark", [pytest.param(None, marks=needs_axe)])
@pytest.mark.parametrize("state", ["sound", "faulty"])
async def test_people_with_impairments_can_use_it(shown: Shown, state: str, mark: None) -> None:
    if state == "faulty":
        shown.save("issue.yaml", ISSUE.replace("number: 1", "number: [1"))
        await shown.page.wait_for_text("issues/small/2026-01/issue.yaml:")
        await shown.until(STALE)
    for width in (1280, 800):
        for scheme in ("light", "dark"):
            await shown.page.resize(width, 900, scheme)
            assert await shown.page.measure("document.documentElement.scrollWidth <= innerWidth")
            assert await find_violations(shown.page, without=["frame-tested"]) == []
