"""What stands on the archive's pages, and that every way on them leads somewhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from lxml import html
from written_issue import REPOSITORY

from pressrun.source.loader import load_issue
from pressrun.workspace import open_workspace


def pages_of(site: Path) -> Iterator[tuple[Path, html.HtmlElement]]:
    for file in sorted(site.rglob("*.html")):
        yield file, html.document_fromstring(file.read_bytes())


def test_every_internal_link_and_picture_resolves(any_site: Path) -> None:
    for file, page in pages_of(any_site):
        for address in page.xpath("//@href | //@src"):
            if (parts := urlsplit(address)).scheme:
                continue
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            assert target.is_file(), f"{file}: {address}"
            assert target.is_relative_to(any_site.resolve()) or target == file
            if parts.fragment:
                ids = html.document_fromstring(target.read_bytes()).xpath("//@id")
                assert parts.fragment in ids, f"{file}: {address}"


def test_nothing_is_fetched_from_elsewhere_or_stands_in_the_page(any_site: Path) -> None:
    for file, page in pages_of(any_site):
        (policy,) = page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
        assert "default-src 'none'" in policy and "unsafe" not in policy
        fetched = page.xpath("//@src | //link[@rel='stylesheet']/@href")
        assert not [one for one in fetched if ":" in one or one.startswith("/")], file
        assert not page.xpath("//@style | //iframe | //style | //script[not(@src) and @type!='application/ld+json']")
        assert not page.xpath("//@*[starts-with(name(), 'on')]"), file
    for sheet in any_site.rglob("*.css"):
        assert "url(" not in sheet.read_text() and "@import" not in sheet.read_text()


def test_nothing_searches_where_no_script_runs(any_site: Path) -> None:
    for file, page in pages_of(any_site):
        forms = page.xpath("//form")
        assert all(form.get("hidden") is not None and form.get("method", "get") == "get" for form in forms), file
        results = page.xpath("//*[@id='_results']")
        assert all(section.get("hidden") is not None for section in results), file
        assert len(forms) == (0 if file.parent == any_site else 1), file


def test_headings_begin_with_one_h1_and_skip_no_level(any_site: Path) -> None:
    for file, page in pages_of(any_site):
        levels = [int(e.tag[1]) for e in page.iter("h1", "h2", "h3", "h4", "h5", "h6")]
        assert levels[0] == 1 and levels.count(1) == 1, file
        assert all(after <= before + 1 for before, after in pairwise(levels)), (file, levels)


def test_pictures_have_alt_and_size_and_ids_are_single(any_site: Path) -> None:
    for file, page in pages_of(any_site):
        for img in page.iter("img"):
            assert img.get("alt") or img.xpath("parent::a[@aria-hidden='true']"), file  # beside a link that says it
            assert int(img.get("width")) and int(img.get("height")), file
        ids = page.xpath("//@id")
        assert len(ids) == len(set(ids)), file
        named = page.xpath("//@aria-labelledby")
        assert set(named) <= set(ids), file


def test_pages_name_their_language_address_and_feeds(any_site: Path) -> None:
    for file, page in pages_of(any_site):
        assert page.get("lang")
        if file.parent == any_site:
            continue  # the front page stands above the publications' addresses
        (canonical,) = page.xpath("//link[@rel='canonical']/@href")
        assert page.xpath("//meta[@property='og:url']/@content") == [canonical]
        feeds = page.xpath("//head/link[@rel='alternate']/@href")
        assert [Path(feed).name for feed in feeds] == ["atom.xml", "issues-atom.xml", "rss.xml", "feed.json"]
        for name in ("og:title", "og:type", "og:description", "og:image", "og:site_name"):
            assert page.xpath(f"//meta[@property='{name}']/@content")[0].strip()
        assert page.xpath("//meta[@property='og:image']/@content")[0].startswith("https://")


def test_articles_and_sections_are_anchored_by_their_slugs(real_site: Path) -> None:
    workspace = open_workspace(REPOSITORY)
    for folder in workspace.issue_folders():
        issue = load_issue(folder).issue
        assert issue
        page = html.document_fromstring((real_site / issue.key / "index.html").read_bytes())
        titles = page.xpath("//article//h3/a/@href")
        assert titles == [f"{article.slug}/index.html" for article in issue.articles]
        assert page.xpath("//article/@id") == [article.slug for article in issue.articles]
        assert page.xpath("//div[@id='_text']/section[@id]/@id") == [section.meta.slug for section in issue.sections]
        contents = [href for href in page.xpath("//nav[@class='contents']//ol//ol//a/@href")]
        assert contents == [f"#{article.slug}" for article in issue.articles]


@pytest.fixture
def page(build: Callable[[], Path]) -> html.HtmlElement:
    return html.document_fromstring((build() / "letter/2026-01/index.html").read_bytes())


def text_of(page: html.HtmlElement, path: str) -> list[str]:
    return [re.sub(r"\s+", " ", element.text_content()).strip() for element in page.xpath(path)]


def test_sources_are_worded_by_their_relation(page: html.HtmlElement) -> None:
    assert text_of(page, "//footer[@class='sources']//li") == ["摘自：来源一", "转引自：来源二"]
    assert page.xpath("//footer[@class='sources']//a/@href") == ["https://www.example.com/a?b=1&c=2"]


def test_an_article_shows_all_its_parts(page: html.HtmlElement) -> None:
    (article,) = page.xpath("//article[@id='first']")
    assert text_of(article, ".//h3") == ["第一篇 <标题> & 其他"]
    assert text_of(article, ".//p[@class='kicker']") == ["引题"]
    assert text_of(article, ".//header//ul/li") == ["精买", "久用"]
    assert text_of(article, ".//figure[@class='lead']/figcaption") == ["图注 某社"]
    assert text_of(article, ".//strong") == ["重点。"]
    assert text_of(article, ".//h4") == ["小标题"]
    assert text_of(article, ".//h5") == ["跳级标题"]
    assert text_of(article, ".//div[@class='scroll']//td[@class='right']") == ["3"]
    assert text_of(article, ".//figure[@class='quote']/*") == ["采购是一种选择。", "某人"]
    assert article.xpath(".//header//time/@datetime") == ["2026-04-02"]


def test_blocks_keep_their_structure(page: html.HtmlElement) -> None:
    (article,) = page.xpath("//article[@id='second']")
    assert (article.get("lang"), article.get("dir")) == ("en", "ltr")
    assert text_of(article, ".//p[@class='by']") == ["作者：Ann、Bo"]
    assert text_of(article, ".//section[@class='report']//h4") == ["报告名"]
    assert text_of(article, ".//section[@class='timeline']/ol/li/p") == ["2月", "3月"]
    assert text_of(article, ".//section[@class='timeline']//ul/li") == ["甲", "乙"]
    assert text_of(article, ".//section[@class='case']/ul/li") == ["少买"]


def test_a_band_that_says_the_title_hides_the_heading_from_eyes_only(page: html.HtmlElement) -> None:
    assert page.xpath("//section[@id='progress']/h2/@class") == ["unseen"]
    assert page.xpath("//section[@id='cases']/h2/@class") == []


def test_issues_are_linked_to_their_neighbours(build: Callable[[], Path]) -> None:
    out = build() / "letter"
    newer = html.document_fromstring((out / "2026-01/index.html").read_bytes())
    older = html.document_fromstring((out / "2025-04/index.html").read_bytes())
    assert newer.xpath("//a[@rel='prev']/@href") == ["../2025-04/index.html"]
    assert newer.xpath("//a[@rel='next']") == []
    assert older.xpath("//a[@rel='next']/@href") == ["../2026-01/index.html"]


def test_the_archive_lists_issues_by_year_newest_first(build: Callable[[], Path]) -> None:
    page = html.document_fromstring((build() / "letter/index.html").read_bytes())
    assert text_of(page, "//section/h2") == ["2026", "2025"]
    assert text_of(page, "//h3") == ["2026年第1期（总第10期）", "2025年第4期（总第9期）"]
    assert page.xpath("//time/@datetime") == ["2026-03-31", "2025-12-31"]


def luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_colours_contrast_in_light_and_dark() -> None:
    sheet = (REPOSITORY / "templates/site/style.css").read_text(encoding="utf-8")
    schemes = [dict(re.findall(r"--(\w+): (#\w{6});", part)) for part in sheet.split("@media")[:2]]
    for tokens in schemes:
        for ground in ("page", "tint"):
            for ink in ("ink", "quiet", "accent"):
                light, dark = sorted((luminance(tokens[ink]), luminance(tokens[ground])), reverse=True)
                assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, ground)
