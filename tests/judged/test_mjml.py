"""Our compiler makes of the themes' MJML what npm's mjml, the reference, makes of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from shutil import copytree

import pytest

from browser_page import CHROMIUM, BrowserPage, open_browser
from judged.npm_mjml import compile_with_npm, needs_npm_mjml
from judged.sample_mail import MAILS, WORKSPACE, issue_of
from pressrun.render import mail, writing
from pressrun.render.mjml import compile_mjml
from pressrun.source.issue import Issue

pytestmark = [*needs_npm_mjml, pytest.mark.chromium, pytest.mark.skipif(not CHROMIUM, reason="no Chromium here")]

TEXT = "document.body.innerText.split(/\\n+/).map(line => line.trim()).filter(Boolean)"
BOXES = """(() => {
  const box = e => { const b = e.getBoundingClientRect(); return [b.x, b.y + scrollY, b.width, b.height]; };
  const named = e => e.tagName + ' ' + (e.getAttribute('src') || e.textContent.replace(/\\s+/g, '').slice(0, 30));
  return [...document.querySelectorAll('img, h1, h2, h3, h4, li, th, a')].map(e => [named(e), box(e)]);
})()"""
"""Where pictures, headings, list items and links stand."""


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[BrowserPage]:
    async with open_browser(tmp_path / "profile") as opened:
        yield opened


def catch_mjml(issue: Issue, patch: pytest.MonkeyPatch) -> str:
    """The MJML of a mail, its pictures on this disk."""
    caught: list[str] = []

    def catch(source: str, template: str) -> str:
        caught.append(source)
        return compile_mjml(source, template)

    patch.setattr(writing, "compile_mjml", catch)
    mail.render(issue, WORKSPACE.template_folders)
    return caught[0].replace(f"{issue.url}media/", "media/")


@pytest.mark.parametrize("name", MAILS)
async def test_both_show_the_same_text_at_the_same_places(
    name: str, tmp_path: Path, page: BrowserPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue = issue_of(name, tmp_path)
    mjml = catch_mjml(issue, monkeypatch)
    copytree(issue.folder / "media", tmp_path / "media")
    files = [tmp_path / "ours.html", tmp_path / "theirs.html"]
    for file, html in zip(files, (compile_mjml(mjml, name), compile_with_npm(mjml)), strict=True):
        file.write_text(html, encoding="utf-8")
    for width in (640, 375):
        ours, theirs = [await see(page, file, width) for file in files]
        assert ours[0] == theirs[0]
        assert [named for named, _ in ours[1]] == [named for named, _ in theirs[1]]
        for (named, box), (_, other) in zip(ours[1], theirs[1], strict=True):
            assert box == pytest.approx(other, abs=1), f"{named} at {width} px"


async def see(page: BrowserPage, file: Path, width: int) -> tuple[list[str], list[tuple[str, list[float]]]]:
    await page.show(file, width, "light")
    return await page.measure(TEXT), await page.measure(BOXES)
