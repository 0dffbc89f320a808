"""The mail as Chromium lays it out: desktop and phone, light and dark, each theme, both directions, pictures off."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from browser_page import CHROMIUM, BrowserPage, open_browser
from judged.sample_mail import FULL, THEMES, WORKSPACE, issue_of, write_mail
from pressrun.render.theme import Theme, load_theme
from rendered_issue import REPOSITORY, load_folder

pytestmark = [pytest.mark.chromium, pytest.mark.skipif(not CHROMIUM, reason="no Chromium here")]

VISIBLE = "(() => { const b = document.querySelector('%s').getBoundingClientRect(); return b.width * b.height; })()"
WIDER = (
    "[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 0.5)"
    ".map(e => e.outerHTML.slice(0, 80))"
)
COVERED = """(selector => {
  const range = document.createRange();
  range.selectNodeContents(document.querySelector(selector));
  const box = range.getBoundingClientRect();
  return [box.left, box.right];
})"""
"""From where to where across the page the content of the element that a selector names goes."""
FOUND = """(words => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), range = document.createRange();
  while (walker.nextNode()) {
    const at = walker.currentNode.data.indexOf(words);
    if (at < 0 || !walker.currentNode.parentElement.getBoundingClientRect().height) continue;
    range.setStart(walker.currentNode, at);
    range.setEnd(walker.currentNode, at + words.length);
    const box = range.getBoundingClientRect();
    return [box.left, box.right];
  }
})"""
"""From where to where across the page some words go, where they are first shown."""
SHOWN_ALT = """[...document.images].filter(i => {
  const box = i.getBoundingClientRect();
  return i.naturalWidth || !i.alt || box.width < 60 || box.height < parseFloat(getComputedStyle(i).fontSize);
}).map(i => i.src)"""
"""The pictures that are not off, or whose alt text takes no place."""
CONTRASTS = """(() => {
  const parse = c => c.match(/[\\d.]+/g).map(Number);
  const light = c => c.slice(0, 3).map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, n) => sum + v * [.2126, .7152, .0722][n], 0);
  const ground = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
  const faint = [];
  const weigh = (e, words) => {
    const [a, b] = [light(parse(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => x - y);
    if ((b + .05) / (a + .05) < 4.5) faint.push(words.trim().slice(0, 40));
  };
  for (const image of document.images) if (!image.naturalWidth) weigh(image, image.alt);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement, box = e.getBoundingClientRect();
    if (!walker.currentNode.data.trim() || !box.width || !box.height) continue;
    weigh(e, walker.currentNode.data);
  }
  return faint;
})()"""


SAMPLES = ("spp/2026-02", "spp/2025-01", "field-notes/2026-01", "daira/2026-feb", "daira/2026-may", FULL)
MAILS = tuple(f"{name}/{theme}" for name in SAMPLES for theme in THEMES)


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[BrowserPage]:
    async with open_browser(tmp_path / "profile") as opened:
        yield opened


def preview(name: str, folder: Path) -> Path:
    """The page of the mail `<issue>/<theme>`, below `folder`."""
    return write_mail(name, folder).page


def theme_of(name: str) -> Theme:
    return load_theme(name.rpartition("/")[2], WORKSPACE.template_folders)


@pytest.mark.parametrize("name", MAILS)
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


@pytest.mark.parametrize("name", MAILS)
async def test_with_pictures_off_their_alt_texts_can_be_read(name: str, tmp_path: Path, page: BrowserPage) -> None:
    file = preview(name, tmp_path)
    file.write_text(file.read_text(encoding="utf-8").replace('"media/', '"none/'), encoding="utf-8")
    for width in (640, 375):
        for scheme in ("light", "dark"):
            await page.show(file, width, scheme)
            assert await page.measure("document.documentElement.scrollWidth") <= width
            assert await page.measure(SHOWN_ALT) == []
            assert await page.measure(CONTRASTS) == []


@pytest.mark.parametrize("theme", THEMES)
async def test_a_phone_gets_narrow_margins_and_stacked_reports(theme: str, tmp_path: Path, page: BrowserPage) -> None:
    file, tokens = preview(f"spp/2025-01/{theme}", tmp_path), theme_of(theme)
    left = f"{COVERED}('h3')[0]"
    beside = "(() => { const [a, b] = document.querySelector('.stack').querySelectorAll('td');"
    beside += " return b.getBoundingClientRect().left > a.getBoundingClientRect().left + 1; })()"
    picture = (
        f"document.querySelector('img[width=\"{tokens.width - 2 * tokens.gutter}\"]').getBoundingClientRect().width"
    )
    await page.show(file, 640, "light")
    margin = (640 - tokens.width) / 2 + tokens.gutter
    assert await page.measure(left) == pytest.approx(margin, abs=4)
    assert (await page.measure(beside), await page.measure(picture)) == (True, tokens.width - 2 * tokens.gutter)
    await page.show(file, 375, "light")
    assert await page.measure(left) == pytest.approx(tokens.phone_gutter, abs=4)
    assert (await page.measure(beside), await page.measure(picture)) == (False, 375 - 2 * tokens.phone_gutter)


@pytest.mark.parametrize("theme", THEMES)
async def test_the_preheader_is_not_shown(theme: str, tmp_path: Path, page: BrowserPage) -> None:
    file = preview(f"spp/2026-02/{theme}", tmp_path)
    preheader = "".join(load_folder(REPOSITORY / "issues" / "spp" / "2026-02").meta.preheader.split())
    await page.show(file, 640, "light")
    assert preheader in "".join((await page.measure("document.body.textContent")).split())
    assert preheader not in "".join((await page.measure("document.body.innerText")).split())


@pytest.mark.parametrize("theme", THEMES)
async def test_a_mail_from_right_to_left_is_mirrored(theme: str, tmp_path: Path, page: BrowserPage) -> None:
    file, tokens = preview(f"daira/2026-may/{theme}", tmp_path), theme_of(theme)
    for width in (640, 375):
        await page.show(file, width, "light")
        narrow = width < 480
        edge = width - tokens.phone_gutter if narrow else (width + tokens.width) / 2 - tokens.gutter
        assert (await page.measure(f"{COVERED}('h3')"))[1] == pytest.approx(edge, abs=4)
        when, what = [await page.measure(f"{FOUND}('{words}')") for words in ("نوفمبر", "يُطلق")]
        assert when[1] >= what[1], "a timeline's dates stand before what happened: on the right"
        cover, title = [await page.measure(f"{COVERED}('.stack {part}')") for part in ("td", "td + td")]
        assert narrow or cover[0] > title[1], "a report's cover stands before its title: on the right"
        quotation = "getComputedStyle(document.querySelector('blockquote'))"
        assert await page.measure(f"parseFloat({quotation}.borderRightWidth) > parseFloat({quotation}.borderLeftWidth)")
        assert await page.measure("getComputedStyle(document.querySelector('h1').parentElement).direction") == "rtl"
        assert await page.measure("getComputedStyle(document.querySelector('.stack')).direction") == "rtl"


@pytest.mark.parametrize("theme", THEMES)
async def test_numbers_and_latin_names_stand_right_among_arabic(theme: str, tmp_path: Path, page: BrowserPage) -> None:
    name = f"daira/2026-may/{theme}"
    file, issue = preview(name, tmp_path), issue_of(name, tmp_path)
    await page.show(file, 640, "light")

    async def place(words: str) -> list[float]:
        found = await page.measure(f"{FOUND}('{words}')")
        assert found, words
        return [*map(float, found)]

    # The day of the date stands left of the month's name to its left: 31 May 2026 begins on the right.
    assert (await place("مايو 2026"))[1] <= (await place("31 مايو"))[1]
    # An address reads from left to right, whatever stands around it.
    address = str(issue.colophon.website)
    scheme, host = address.split("://")
    assert (await place(f"{scheme}://"))[0] < (await place(host))[0]
    local, domain = str(issue.colophon.mail).split("@")
    assert (await place(f"{local}@"))[0] < (await place(f"@{domain}"))[0]
    # What comes after a Latin word stands on its left.
    assert (await place("COP29"))[0] > (await place("إطار عالمي"))[1]
