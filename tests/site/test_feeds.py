"""The three feeds: what readers and validators of feeds see."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import feedparser
import pytest
from lxml import etree, html
from written_issue import write_issue

from pressrun.errors import PressrunError
from pressrun.site.build import site
from pressrun.site.feeds import ISSUES_IN_FEED
from pressrun.workspace import Workspace

ATOM = {"a": "http://www.w3.org/2005/Atom"}
XML_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


def feeds_of(out: Path, name: str) -> Iterator[Path]:
    yield from sorted(out.glob(f"*/{name}"))


def contents_of(out: Path) -> Iterator[str]:
    for file in feeds_of(out, "feed.json"):
        yield from (item["content_html"] for item in json.loads(file.read_bytes())["items"])


@pytest.mark.parametrize("name", ["rss.xml", "atom.xml"])
def test_feedparser_finds_no_fault(any_site: Path, name: str) -> None:
    for file in feeds_of(any_site, name):
        feed = feedparser.parse(file.read_bytes())
        assert not feed.bozo, feed.get("bozo_exception")
        items = json.loads((file.parent / "feed.json").read_bytes())["items"]
        assert [entry.id for entry in feed.entries] == [item["id"] for item in items]
        assert [entry.link for entry in feed.entries] == [item["url"] for item in items]
        assert [entry.title for entry in feed.entries] == [item["title"] for item in items]
        assert feed.feed.link == json.loads((file.parent / "feed.json").read_bytes())["home_page_url"]


@pytest.mark.parametrize("name", ["rss.xml", "atom.xml"])
def test_chinese_content_arrives_whole(any_site: Path, name: str) -> None:
    for file in feeds_of(any_site, name):
        feed = feedparser.parse(file.read_bytes())
        items = json.loads((file.parent / "feed.json").read_bytes())["items"]
        for entry, item in zip(feed.entries, items, strict=True):
            # feedparser writes the markup anew: what it says is compared, not how.
            got, given = (html.fragment_fromstring(text) for text in (entry.content[0].value, item["content_html"]))
            assert got.text_content() == given.text_content()
            assert got.xpath(".//@src | .//@href") == given.xpath(".//@src | .//@href")
            assert [element.tag for element in got.iter()] == [element.tag for element in given.iter()]


def test_atom_is_valid_by_structure(any_site: Path) -> None:
    for file in feeds_of(any_site, "atom.xml"):
        feed = etree.fromstring(file.read_bytes())
        assert feed.tag == f"{{{ATOM['a']}}}feed" and feed.get(XML_LANGUAGE)
        assert len(feed.xpath("a:link[@rel='self']", namespaces=ATOM)) == 1
        ids = feed.xpath("//a:id/text()", namespaces=ATOM)
        assert len(ids) == len(set(ids)) and all(one.startswith("tag:") for one in ids)
        for element in (feed, *feed.findall("a:entry", ATOM)):
            for name in ("id", "title", "updated"):
                assert len(element.findall(f"a:{name}", ATOM)) == 1
            assert element.findall("a:author/a:name", ATOM)
            assert len(element.xpath("a:link[@rel='alternate']", namespaces=ATOM)) == 1
        for content in feed.iterfind("a:entry/a:content", ATOM):
            assert content.get("type") == "html"
        updates = feed.xpath("a:entry/a:updated/text()", namespaces=ATOM)
        assert feed.findtext("a:updated", namespaces=ATOM) == max(updates)


def test_content_is_plain_semantic_html_with_absolute_addresses(any_site: Path) -> None:
    for content in contents_of(any_site):
        fragment = html.fragment_fromstring(content)
        assert not fragment.xpath("//@style | //@class | //@id | //script | //iframe | //h1")
        for address in fragment.xpath(".//@href | .//@src"):
            assert urlsplit(address).scheme in ("http", "https", "mailto"), address
        for img in fragment.iter("img"):
            assert img.get("alt") and img.get("width") and img.get("height")


def test_ids_are_the_publications_for_ever(build: Callable[[], Path]) -> None:
    feed = json.loads((build() / "letter/feed.json").read_bytes())
    assert [item["id"] for item in feed["items"]] == [
        "tag:news.example.com,2021:letter/2026-01/first",
        "tag:news.example.com,2021:letter/2026-01/second",
        "tag:news.example.com,2021:letter/2025-04/first",
        "tag:news.example.com,2021:letter/2025-04/second",
    ]


def test_a_correction_keeps_the_id_and_moves_updated(
    workspace: Workspace, build: Callable[[], Path], tmp_path: Path
) -> None:
    before = json.loads((build() / "letter/feed.json").read_bytes())["items"]
    article = tmp_path / "issues/letter/2026-01/second.md"
    text = article.read_text(encoding="utf-8").replace("language: en", "language: en\nupdated: 2026-04-09")
    article.write_text(text, encoding="utf-8")
    after = json.loads((build() / "letter/feed.json").read_bytes())["items"]
    assert [item["id"] for item in before] == [item["id"] for item in after]
    assert after[1]["date_modified"] == "2026-04-09T09:00:00+08:00"
    assert after[1]["date_published"] == before[1]["date_published"] == "2026-03-31T09:00:00+08:00"


def test_an_entry_tells_authors_categories_and_language(build: Callable[[], Path]) -> None:
    feed = etree.fromstring((build() / "letter/atom.xml").read_bytes())
    first, second = feed.findall("a:entry", ATOM)[:2]
    assert first.xpath("a:author/a:name/text()", namespaces=ATOM) == ["编辑部"]
    assert second.xpath("a:author/a:name/text()", namespaces=ATOM) == ["Ann", "Bo"]
    assert first.xpath("a:category/@term", namespaces=ATOM) == ["进展", "精买", "久用"]
    assert first.findtext("a:summary", namespaces=ATOM) == "一句话概要。"
    assert [entry.get(XML_LANGUAGE) for entry in (first, second)] == ["zh-CN", "en"]
    assert first.xpath("a:link[@rel='via']/@href", namespaces=ATOM) == ["https://www.example.com/a?b=1&c=2"]


def test_rss_names_authors_and_the_page_as_its_link(build: Callable[[], Path]) -> None:
    feed = etree.fromstring((build() / "letter/rss.xml").read_bytes())
    assert feed.findtext("channel/link") == "https://news.example.com/letter/"
    creators = [e.text for e in feed.find("channel/item[2]").findall("{http://purl.org/dc/elements/1.1/}creator")]
    assert creators == ["Ann", "Bo"]
    assert feed.find("channel/item/guid").get("isPermaLink") == "false"
    assert feed.findtext("channel/item/link") == "https://news.example.com/letter/2026-01/#first"


def test_json_feed_has_what_version_1_1_asks_for(any_site: Path) -> None:
    for file in feeds_of(any_site, "feed.json"):
        feed = json.loads(file.read_bytes())
        assert feed["version"] == "https://jsonfeed.org/version/1.1"
        assert feed["title"] and feed["language"] and feed["feed_url"].endswith("/feed.json")
        assert all(item["id"] and item["content_html"] and item["authors"] for item in feed["items"])


def test_only_the_newest_issues_are_in_the_feed(tmp_path: Path, workspace: Workspace) -> None:
    for total in range(1, 6):
        write_issue(tmp_path, f"2024-0{total}", 2024, total, total)
    report = site(workspace, tmp_path / "out")
    assert report.publications[0].entries == 2 * ISSUES_IN_FEED
    items = json.loads((tmp_path / "out/letter/feed.json").read_bytes())["items"]
    assert {item["url"].split("/")[4] for item in items} == {"2026-01", "2025-04", "2024-05", "2024-04", "2024-03"}


def test_a_character_xml_cannot_carry_is_told(workspace: Workspace, tmp_path: Path, build: Callable[[], Path]) -> None:
    article = tmp_path / "issues/letter/2026-01/second.md"
    text = article.read_text(encoding="utf-8").replace("Second article", '"Second \\uFFFF article"')
    article.write_text(text, encoding="utf-8")
    with pytest.raises(PressrunError, match="control-character"):
        build()
