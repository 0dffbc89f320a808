"""An article's own page: the text alone, ways to what stands around it, and what it tells machines of itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree, html
from written_issue import REPOSITORY

from full_issue import write_full_issue
from pressrun.site.archive import make_archive, readings
from pressrun.site.build import site
from pressrun.site.metadata import write_facts, write_script_json
from pressrun.source.loader import load_issue
from pressrun.workspace import open_workspace

SITEMAP = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}


def read(file: Path) -> html.HtmlElement:
    return html.document_fromstring(file.read_bytes())


def facts_of(page: html.HtmlElement) -> dict[str, Any]:
    (script,) = page.xpath("//script[@type='application/ld+json']/text()")
    facts: dict[str, Any] = json.loads(script)
    return facts


@pytest.fixture
def letter(build: Callable[[], Path]) -> Path:
    return build() / "letter"


@pytest.fixture
def full(tmp_path: Path) -> Path:
    """The built site of an issue with every block."""
    write_full_issue(tmp_path)
    site(open_workspace(tmp_path), tmp_path / "out")
    return tmp_path / "out/small/2026-01"


def test_every_article_has_a_page_at_its_address(real_site: Path) -> None:
    for folder in open_workspace(REPOSITORY).issue_folders():
        issue = load_issue(folder).issue
        assert issue
        for article in issue.articles:
            page = read(real_site / issue.key / article.slug / "index.html")
            assert page.xpath("//link[@rel='canonical']/@href") == [issue.article_url(article.slug)]
            assert len(page.xpath("//h1")) == len(page.xpath("//main/article")) == 1


def test_it_says_all_that_the_issues_page_says_of_it(letter: Path) -> None:
    for slug in ("first", "second"):
        (whole,) = read(letter / "2026-01/index.html").xpath(f"//article[@id='{slug}']/div[@class='prose']")
        (alone,) = read(letter / f"2026-01/{slug}/index.html").xpath("//article/div[@class='prose']")
        assert alone.text_content().split() == whole.text_content().split()
        assert [level.tag for level in alone.iter("h2", "h3")] or slug == "second"


def test_its_head_tells_of_itself(letter: Path) -> None:
    page = read(letter / "2026-01/first/index.html")
    told = {meta.get("property") or meta.get("name"): meta.get("content") for meta in page.iter("meta")}
    assert told["og:type"] == "article"
    assert told["og:title"] == "第一篇 <标题> & 其他"
    assert told["description"] == told["og:description"] == "一句话概要。"
    assert told["og:image"] == "https://news.example.com/letter/2026-01/media/lead.png"
    assert told["og:url"] == "https://news.example.com/letter/2026-01/first/"
    assert told["article:published_time"] == "2026-03-31T09:00:00+08:00"
    assert told["article:modified_time"] == "2026-04-02T09:00:00+08:00"
    assert told["article:section"] == "进展"
    assert page.xpath("//meta[@property='article:tag']/@content") == ["精买", "久用"]


def test_ways_lead_on_back_and_up(letter: Path) -> None:
    first, second = (read(letter / f"2026-01/{slug}/index.html") for slug in ("first", "second"))
    assert first.xpath("//a[@rel='next']/@href") == first.xpath("//link[@rel='next']/@href") == ["../second/index.html"]
    assert first.xpath("//a[@rel='prev']") == [] and second.xpath("//a[@rel='prev']/@href") == ["../first/index.html"]
    assert first.xpath("//a[@aria-current='page']/@href") == ["../first/index.html"]
    assert "../index.html#progress" in first.xpath("//article//a/@href")


def test_its_facts_are_a_news_article_of_an_issue_of_a_periodical(letter: Path) -> None:
    facts = facts_of(read(letter / "2026-01/first/index.html"))
    assert (facts["@context"], facts["@type"]) == ("https://schema.org", "NewsArticle")
    assert facts["headline"] == "第一篇 <标题> & 其他"
    assert facts["url"] == facts["mainEntityOfPage"] == "https://news.example.com/letter/2026-01/first/"
    assert facts["image"] == {
        "@type": "ImageObject",
        "url": "https://news.example.com/letter/2026-01/media/lead.png",
        "width": 3,
        "height": 1,
    }
    assert facts["isPartOf"]["@type"] == "PublicationIssue"
    assert facts["isPartOf"]["isPartOf"]["url"] == "https://news.example.com/letter/"
    assert facts["isBasedOn"][1] == {"@type": "CreativeWork", "name": "来源二"}
    second = read(letter / "2026-01/second/index.html")
    assert second.xpath("//meta[@name='description']/@content") == ["报告说明。 会上…… 要点： 案例说明。"]
    english = facts_of(second)
    assert english["inLanguage"] == "en" and [one["name"] for one in english["author"]] == ["Ann", "Bo"]


def test_an_issue_and_the_archive_name_their_parts(letter: Path) -> None:
    issue, archive = facts_of(read(letter / "2026-01/index.html")), facts_of(read(letter / "index.html"))
    assert [part["url"] for part in issue["hasPart"]] == [
        "https://news.example.com/letter/2026-01/first/",
        "https://news.example.com/letter/2026-01/second/",
    ]
    assert [part["@id"] for part in archive["hasPart"]] == [
        "https://news.example.com/letter/2026-01/",
        "https://news.example.com/letter/2025-04/",
    ]


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_no_text_ends_the_script_it_stands_in(value: object) -> None:
    written = write_script_json(value)
    assert json.loads(written) == value
    assert not set("<>&\u2028\u2029") & set(written)


def test_what_is_unknown_is_no_fact() -> None:
    facts = json.loads(write_facts({"name": "a", "url": None, "parts": [{"url": None, "n": {"x": None}}]}))
    assert facts == {"@context": "https://schema.org", "name": "a", "parts": [{"n": {}}]}


def test_every_block_stands_on_both_pages_with_addresses_that_lead_somewhere(full: Path) -> None:
    for file in (full / "index.html", full / "third/index.html"):
        page = read(file)
        assert len(page.xpath("//aside[@class='callout note'] | //aside[@class='callout warning']")) >= 2
        assert page.xpath("//aside[@class='callout warning']/*[1]")[0].text_content() == "Warning"
        for address in page.xpath("//section[@class='event']//a[@type='text/calendar']/@href"):
            calendar = (file.parent / unquote(urlsplit(address).path)).read_bytes()
            assert calendar.startswith(b"BEGIN:VCALENDAR\r\n") and b"SUMMARY:" in calendar
        assert page.xpath("//a[@class='button']/@href")
        (table,) = page.xpath("//figure[@class='figures']//table")
        assert table.xpath("caption") and len(table.xpath("thead//th[@scope='col']")) == 4
        assert len(table.xpath("tbody//th[@scope='row']")) == len(table.xpath("tbody/tr"))
        assert [cell.get("class") for cell in table.xpath("tbody/tr[1]/td")] == ["right", "right", None]


def test_the_sitemap_names_every_page_with_the_day_of_its_last_change(any_site: Path) -> None:
    for file in any_site.glob("*/sitemap.xml"):
        sitemap = etree.fromstring(file.read_bytes())
        told = sitemap.xpath("s:url/s:loc/text()", namespaces=SITEMAP)
        canonical = [page.xpath("//link[@rel='canonical']/@href") for page in map(read, file.parent.rglob("*.html"))]
        assert sorted(told) == sorted(address for one in canonical for address in one)
        assert all("T" in one for one in sitemap.xpath("s:url/s:lastmod/text()", namespaces=SITEMAP))
        assert f"Sitemap: {told[0]}sitemap.xml" in (file.parent / "robots.txt").read_text()
        assert f"Sitemap: {told[0]}sitemap.xml" in (any_site / "robots.txt").read_text()


def issues_of(folder: Path) -> Iterator[Path]:
    return folder.glob("issues/letter/*/issue.yaml")


def test_readings_join_the_sections_and_notices_stand_aside(workspace: Any) -> None:
    newer = workspace.issues / "letter/2026-01/issue.yaml"
    newer.write_text(newer.read_text(encoding="utf-8") + "corrects: 2025-04\n", encoding="utf-8")
    loaded = [load_issue(file.parent).issue for file in issues_of(workspace.root)]
    issues = [issue for issue in loaded if issue]
    archive = make_archive(issues)
    (notice,) = archive.notices
    assert [issue.id for issue in archive.issues] == ["2025-04"]
    assert archive.neighbours(notice) == (None, None) and archive.corrected_by(notice) == archive.issues[0]
    assert archive.shown == (*archive.issues, notice)
    assert [(one.section.meta.slug, one.previous and one.previous.slug) for one in readings(notice)] == [
        ("progress", None),
        ("cases", "first"),
    ]
    assert make_archive([notice]).issues == (notice,)
