"""The mail as Chromium lays it out, on a desktop and on a phone, in light and dark."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from browser_page import CHROMIUM, BrowserPage, open_browser
from full_issue import write_full_issue
from pressrun.render.sample import write_sample
from rendered_issue import REPOSITORY, load_folder, render_folder

pytestmark = [pytest.mark.chromium, pytest.mark.skipif(not CHROMIUM, reason="no Chromium here")]

VISIBLE = "(() => { const b = document.querySelector('%s').getBoundingClientRect(); return b.width * b.height; })()"
WIDER = (
    "[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 0.5)"
    ".map(e => e.outerHTML.slice(0, 80))"
)
CONTRASTS = """(() => {
  const parse = c => c.match(/[\\d.]+/g).map(Number);
  const light = c => c.slice(0, 3).map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, n) => sum + v * [.2126, .7152, .0722][n], 0);
  const ground = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement, box = e.getBoundingClientRect();
    if (!walker.currentNode.data.trim() || !box.width || !box.height) continue;
    const [a, b] = [light(parse(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => x - y);
    if ((b + .05) / (a + .05) < 4.5) faint.push(walker.currentNode.data.trim().slice(0, 40));
  }
  return faint;
})()"""


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[BrowserPage]:
    async with open_browser(tmp_path / "profile") as opened:
        yield opened


def preview(name: str, folder: Path) -> Path:
    source = write_full_issue(folder) if name == "full" else REPOSITORY / "issues" / name
    write_sample(render_folder(source), source, folder / "out")
    return folder / "out" / "preview.html"


@pytest.mark.parametrize("name", ["spp/2026-02", "spp/2025-01", "full"])
async def test_the_mail_fits_its_window_and_can_be_read(name: str, tmp_path: Path, page: BrowserPage) -> None:
    file = preview(name, tmp_path)
    for width in (640, 375):
        for scheme in ("light", "dark"):
            await page.show(file, width, scheme)
            assert await page.measure("document.documentElement.scrollWidth") <= width
            assert await page.measure(WIDER) == []
            assert await page.measure(VISIBLE % "h1") > 0
            assert await page.measure("[...document.images].filter(i => !i.naturalWidth).map(i => i.src)") == []
            assert await page.measure(CONTRASTS) == []


async def test_a_phone_gets_narrow_margins_and_stacked_reports(tmp_path: Path, page: BrowserPage) -> None:
    file = preview("spp/2025-01", tmp_path)
    left = "document.querySelector('h3').getBoundingClientRect().left"
    beside = "(() => { const [a, b] = document.querySelector('.stack').querySelectorAll('td');"
    beside += " return b.getBoundingClientRect().left > a.getBoundingClientRect().left + 1; })()"
    picture = "document.querySelector('.gutter img').getBoundingClientRect().width"
    await page.show(file, 640, "light")
    assert (await page.measure(left), await page.measure(beside), await page.measure(picture)) == (32, True, 576)
    await page.show(file, 375, "light")
    assert (await page.measure(left), await page.measure(beside), await page.measure(picture)) == (20, False, 335)


async def test_the_preheader_is_not_shown(tmp_path: Path, page: BrowserPage) -> None:
    file = preview("spp/2026-02", tmp_path)
    preheader = load_folder(REPOSITORY / "issues" / "spp" / "2026-02").meta.preheader
    await page.show(file, 640, "light")
    assert preheader in await page.measure("document.body.textContent")
    assert preheader not in await page.measure("document.body.innerText")
