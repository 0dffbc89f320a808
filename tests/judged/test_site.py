"""The archive before judges: Nu's checker on every page, axe in light and dark, Chromium under the strict policy."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from browser_page import CHROMIUM, open_browser
from full_issue import write_full_issue
from judged.axe import find_violations, needs_axe
from judged.nu import check_html, needs_nu
from pressrun.site.build import site
from pressrun.workspace import open_workspace

REPOSITORY = Path(__file__).parents[2]
CORRECTIONS = """\
corrections:
  - {date: 2026-04-02, what: "The masthead named *no* house."}
  - {date: 2026-04-03, article: second, what: "We wrote 12; it is 21."}
  - {date: 2026-04-03, article: second, what: "And again."}
"""
WATCH = """
window.refused = [];
document.addEventListener('securitypolicyviolation', event => refused.push(event.violatedDirective + event.blockedURI));
0"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sites of the repository's issues, and of an issue with every block and corrections, in three languages."""
    out = tmp_path_factory.mktemp("out")
    site(open_workspace(REPOSITORY), out / "real")
    for language in ("en", "zh-CN", "ar"):
        root = tmp_path_factory.mktemp(language)
        issue = write_full_issue(root, language=language) / "issue.yaml"
        issue.write_text(issue.read_text(encoding="utf-8") + CORRECTIONS, encoding="utf-8")
        site(open_workspace(root), out / language)
    return out


@pytest.mark.judged
class TestNu:
    pytestmark = needs_nu

    def test_no_page_has_an_error_or_a_warning(self, built: Path) -> None:
        # It takes no file for a page's own; what the policy lets through is seen in Chromium below.
        found = [
            each for each in check_html(sorted(built.rglob("*.html"))) if "Content Security Policy" not in each.text
        ]
        assert [f"{each.file}:{each.line}: {each.text} {each.extract}" for each in found] == []


def pages_to_look_at(built: Path) -> list[Path]:
    """A page of each kind, in each language."""
    real, names = built / "real", ("index.html", "first/index.html", "second/index.html", "third/index.html")
    pages = [built / language / "small/2026-01" / name for language in ("en", "zh-CN", "ar") for name in names]
    pages += [real / name for name in ("index.html", "spp/index.html", "spp/2026-02/index.html", "daira/index.html")]
    return [*pages, real / "spp/2026-02/housing/index.html", real / "daira/2026-may/index.html"]


class TestAxe:
    pytestmark = needs_axe

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    async def test_no_page_hinders_anybody(self, built: Path, tmp_path: Path, scheme: str) -> None:
        async with open_browser(tmp_path / "profile") as page:
            for file in pages_to_look_at(built):
                for width in (375, 1280):
                    await page.show(file, width, scheme)
                    assert await find_violations(page) == [], (file, width)
                    assert await page.measure("document.documentElement.scrollWidth") <= width, (file, width)

    async def test_nor_do_the_results_of_a_search(self, built: Path, tmp_path: Path) -> None:
        async with open_browser(tmp_path / "profile") as page:
            await page.show(built / "real/spp/index.html", 1280, "dark")
            await page.type("searchbox", "搜索各期文章", "采购")
            await page.wait_for_text("找到")
            assert await find_violations(page) == []


@pytest.fixture
def served(built: Path) -> Iterator[str]:
    """The address of the real sites, below a path, behind a server that knows files only."""
    handler = partial(_Quiet, directory=str(built))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/real"
        server.shutdown()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a test tells what went wrong."""


@pytest.mark.judged
@pytest.mark.chromium
@pytest.mark.skipif(not CHROMIUM, reason="no Chromium here")
class TestChromium:
    async def test_search_works_behind_any_server_and_from_the_disk(
        self, built: Path, served: str, tmp_path: Path
    ) -> None:
        async with open_browser(tmp_path / "profile") as page:
            for address in (f"{served}/spp/index.html", (built / "real/spp/index.html").as_uri()):
                await page.open(address)
                await page.measure(WATCH)
                await page.type("searchbox", "搜索各期文章", "碳标签 供应链")
                await page.wait_for_text("找到 1 篇")
                marked = "[...document.querySelectorAll('#_results mark')].map(one => one.textContent)"
                assert set(await page.measure(marked)) == {"碳标签", "供应链"}
                assert await page.measure("document.querySelector('.year').hidden")
                await page.click("link", await page.measure("document.querySelector('#_results a').textContent"))
                await page.wait_for_address("/2026-02/carbon-labels/index.html")
                assert await page.measure("window.refused || []") == []

    async def test_a_search_from_an_article_leads_to_the_first_page(self, served: str, tmp_path: Path) -> None:
        async with open_browser(tmp_path / "profile") as page:
            await page.open(f"{served}/spp/2026-02/housing/index.html")
            await page.type("searchbox", "搜索各期文章", "循环经济能帮")
            await page.click("button", "搜索")
            await page.wait_for_address("/spp/index.html?q=")
            await page.wait_for_text("找到")

    async def test_words_that_stand_apart_are_found_by_their_characters(self, served: str, tmp_path: Path) -> None:
        async with open_browser(tmp_path / "profile") as page:
            await page.open(f"{served}/spp/index.html")
            await page.type("searchbox", "搜索各期文章", "住房方案循环")
            await page.wait_for_text("找到")
            await page.open(f"{served}/spp/index.html?q=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E")
            await page.wait_for_text("没有找到")
            assert not await page.measure("document.querySelector('#_results img')")

    async def test_nothing_on_any_page_is_refused_by_its_own_policy(
        self, built: Path, served: str, tmp_path: Path
    ) -> None:
        async with open_browser(tmp_path / "profile") as page:
            for name in ("spp/index.html", "spp/2026-02/index.html", "spp/2026-02/housing/index.html"):
                await page.open(f"{served}/{name}")
                # What was refused while it loaded is in no event any more, but has no size, no style and no entry.
                assert await page.measure("getComputedStyle(document.body).margin") == "0px"
                assert await page.measure("!document.querySelector('form.search').hidden")
                await page.wait_for_condition(
                    "[...document.images].every(one => { one.loading = 'eager'; return one.complete; })"
                )
                assert await page.measure("[...document.images].filter(one => !one.naturalWidth).length") == 0
                asked = await page.measure("performance.getEntriesByType('resource').map(one => one.name)")
                assert asked and [one for one in asked if not one.startswith(served)] == []
                assert await page.measure("JSON.parse(document.querySelector('[type*=ld]').textContent)['@type']")
