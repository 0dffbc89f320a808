"""The three feeds: what readers and validators of feeds see."""

from __future__ import annotations

import datetime as dt
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
from pressrun.source.loader import load_issue
from pressrun.workspace import Workspace

ATOM = {"a": "http://www.w3.org/2005/Atom"}
XML_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
BLOCKS = """\
---
title: Second article
language: en
---
:::callout
title: Mind the gap
text: The doors close.
:::

:::event
slug: open-day
title: Open day
starts: 2026-05-04 09:00
ends: 2026-05-04 17:00
place: Town hall
:::

:::button
text: Sign up
url: https://www.example.com/sign-up
:::

:::table
caption: Spending
columns: [What, Sum]
rows:
  - [Paper, "3"]
:::
"""


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
    assert before[1]["date_modified"] == before[1]["date_published"] == "2026-03-31T08:59:59+08:00"
    assert after[1]["date_modified"].startswith("2026-04-09T08:59:59")
    assert after[1]["date_published"] == before[1]["date_published"]


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
    assert feed.findtext("channel/item/link") == "https://news.example.com/letter/2026-01/first/"


def test_json_feed_has_what_version_1_1_asks_for(any_site: Path) -> None:
    for file in feeds_of(any_site, "feed.json"):
        feed = json.loads(file.read_bytes())
        assert feed["version"] == "https://jsonfeed.org/version/1.1"
        assert feed["title"] and feed["language"] and feed["feed_url"].endswith("/feed.json")
        assert all(item["id"] and item["content_html"] and item["authors"] for item in feed["items"])


def write_old_issues(root: Path, totals: range) -> None:
    for total in totals:
        first = write_issue(root, f"old-{total}", 2024, total, total, f"2024-{total:02}-01") / "first.md"
        first.write_text(first.read_text(encoding="utf-8").replace("updated: 2026-04-02\n", ""), encoding="utf-8")


def test_only_the_newest_issues_are_in_the_live_feed(tmp_path: Path, workspace: Workspace) -> None:
    write_old_issues(tmp_path, range(1, 6))
    report = site(workspace, tmp_path / "out")
    assert report.publications[0].entries == 2 * ISSUES_IN_FEED
    items = json.loads((tmp_path / "out/letter/feed.json").read_bytes())["items"]
    assert {item["url"].split("/")[4] for item in items} == {"2026-01", "2025-04", "old-5", "old-4", "old-3"}


def test_what_is_put_right_in_an_old_issue_comes_out_again_in_the_live_feed(
    tmp_path: Path, workspace: Workspace
) -> None:
    write_old_issues(tmp_path, range(1, 6))
    issue = tmp_path / "issues/letter/old-1/issue.yaml"
    what = "corrections:\n  - {date: 2024-07-09, article: second, what: 不是**三**，是四。}\n"
    issue.write_text(issue.read_text(encoding="utf-8") + what, encoding="utf-8")
    site(workspace, tmp_path / "out")
    items = json.loads((tmp_path / "out/letter/feed.json").read_bytes())["items"]
    assert [item["id"].rpartition(":")[2] for item in items[2 * ISSUES_IN_FEED :]] == ["letter/old-1/second"]
    assert items[-1]["date_modified"].startswith("2024-07-09")
    note = html.fragment_fromstring(items[-1]["content_html"]).find("aside")
    assert " ".join(note.text_content().split()) == "更正：2024年7月9日 不是三，是四。"
    assert note.find(".//time").get("datetime") == "2024-07-09" and note.findtext(".//p/strong[1]")


def test_an_archive_document_that_has_one_after_it_keeps_its_bytes(tmp_path: Path, workspace: Workspace) -> None:
    write_old_issues(tmp_path, range(1, 12))  # the workspace's own have the running numbers 9 and 10
    before = site(workspace, tmp_path / "out").out / "letter"
    kept = {name: (before / name).read_bytes() for name in ("rss-1.xml", "atom-1.xml", "feed-1.json")}
    assert (before / "atom-2.xml").exists()
    write_old_issues(tmp_path, range(12, 13))
    after = site(workspace, tmp_path / "out").out / "letter"
    assert {name: (after / name).read_bytes() for name in kept} == kept


def test_whoever_follows_the_archive_documents_meets_every_article(tmp_path: Path, workspace: Workspace) -> None:
    write_old_issues(tmp_path, range(1, 13))
    folder = site(workspace, tmp_path / "out").out / "letter"
    for name, wanted in (("atom.xml", 28), ("issues-atom.xml", 14)):
        ids, seen, at = set[str](), list[str](), name
        while at:
            feed = etree.fromstring((folder / at).read_bytes())
            ids |= set(feed.xpath("a:entry/a:id/text()", namespaces=ATOM))
            links = {link.get("rel"): link.get("href").rpartition("/")[2] for link in feed.iterfind("a:link", ATOM)}
            is_archive = feed.find("{http://purl.org/syndication/history/1.0}archive") is not None
            assert is_archive is bool(seen)
            assert links.get("current") == (name if seen else None)
            assert links["self"] == at and (links.get("next-archive") or name) == (seen[-1] if seen else name)
            seen.append(at)
            at = links.get("prev-archive", "")
        assert len(ids) == wanted and len(seen) > 2


def test_json_feeds_lead_on_to_what_is_older(tmp_path: Path, workspace: Workspace) -> None:
    write_old_issues(tmp_path, range(1, 9))
    folder = site(workspace, tmp_path / "out").out / "letter"
    first = json.loads((folder / "feed.json").read_bytes())
    assert first["next_url"] == "https://news.example.com/letter/feed-1.json"
    last = json.loads((folder / "feed-1.json").read_bytes())
    assert "next_url" not in last
    assert last["user_comment"] != first["user_comment"]  # nobody is to follow an archive document
    assert last["feed_url"] == first["next_url"]


def test_a_feed_of_issues_has_the_whole_text_of_each(build: Callable[[], Path]) -> None:
    feed = json.loads((build() / "letter/issues-feed.json").read_bytes())
    assert feed["title"] == "绿色采购通讯：全部各期"
    newest = feed["items"][0]
    assert newest["id"] == "tag:news.example.com,2021:letter/2026-01"
    assert newest["url"] == "https://news.example.com/letter/2026-01/"
    assert newest["attachments"][0]["url"] == "https://news.example.com/letter/2026-01/media/cover.png"
    content = html.fragment_fromstring(newest["content_html"])
    assert [element.text_content() for element in content.iter("h2", "h3")] == [
        *("进展", "第一篇 <标题> & 其他", "案例", "Second article")
    ]
    assert [element.get("href") for element in content.iterfind(".//h3/a")] == [
        f"https://news.example.com/letter/2026-01/{slug}/" for slug in ("first", "second")
    ]
    assert "重点。" in content.text_content() and "报告说明。" in content.text_content()


def test_each_section_has_a_feed_over_all_issues(build: Callable[[], Path]) -> None:
    folder = build() / "letter/sections"
    assert {path.name for path in folder.iterdir()} == {"cases", "progress"}
    feed = json.loads((folder / "cases/feed.json").read_bytes())
    assert feed["title"] == "绿色采购通讯：案例"
    assert feed["feed_url"] == "https://news.example.com/letter/sections/cases/feed.json"
    assert [item["id"].rpartition(":")[2] for item in feed["items"]] == [
        "letter/2026-01/second",
        "letter/2025-04/second",
    ]
    atom = etree.fromstring((folder / "cases/atom.xml").read_bytes())
    assert atom.findtext("a:id", namespaces=ATOM) == "tag:news.example.com,2021:letter?section=cases"
    assert atom.getprevious().get("href") == "../../feed.css"  # type: ignore[union-attr]


def test_an_issue_cannot_take_the_place_of_the_sections_feeds(tmp_path: Path) -> None:
    loaded = load_issue(write_issue(tmp_path, "sections"))
    assert [(finding.code, finding.message) for finding in loaded.findings] == [
        ("bad-name", "'sections' is a folder of the site's own feeds")
    ]


def test_an_articles_picture_goes_with_it_as_enclosure(build: Callable[[], Path]) -> None:
    folder = build() / "letter"
    octets = (folder / "2026-01/media/lead.png").stat().st_size
    url = "https://news.example.com/letter/2026-01/media/lead.png"
    atom = etree.fromstring((folder / "atom.xml").read_bytes())
    found = [dict(link.attrib) for link in atom.iterfind("a:entry/a:link[@rel='enclosure']", ATOM)]
    assert found[0] == {"rel": "enclosure", "href": url, "type": "image/png", "length": str(octets)}
    rss = etree.fromstring((folder / "rss.xml").read_bytes())
    assert dict(rss.find("channel/item/enclosure").attrib) == {"url": url, "type": "image/png", "length": str(octets)}
    item = json.loads((folder / "feed.json").read_bytes())["items"][0]
    assert item["attachments"] == [{"url": url, "mime_type": "image/png", "size_in_bytes": octets}]
    assert item["image"] == url


def test_a_hub_stands_in_live_feeds_alone(tmp_path: Path, workspace: Workspace) -> None:
    write_old_issues(tmp_path, range(1, 9))
    publication = tmp_path / "issues/letter/publication.yaml"
    text = publication.read_text(encoding="utf-8") + "hub: https://hub.example.com/\n"
    publication.write_text(text, encoding="utf-8")
    folder = site(workspace, tmp_path / "out").out / "letter"
    with_hub = {
        file.relative_to(folder).as_posix() for file in folder.rglob("*.xml") if b'rel="hub"' in file.read_bytes()
    }
    sections = {f"sections/{name}/{kind}.xml" for name in ("cases", "progress") for kind in ("rss", "atom")}
    assert with_hub == {"rss.xml", "atom.xml", "issues-rss.xml", "issues-atom.xml"} | sections
    assert json.loads((folder / "feed.json").read_bytes())["hubs"] == [
        {"type": "WebSub", "url": "https://hub.example.com/"}
    ]
    assert "hubs" not in json.loads((folder / "feed-1.json").read_bytes())


def test_entries_of_an_issue_come_out_in_its_order(any_site: Path) -> None:
    for file in feeds_of(any_site, "feed.json"):
        moments = [item["date_published"] for item in json.loads(file.read_bytes())["items"]]
        assert len(set(moments)) == len(moments)
        assert sorted(moments, key=dt.datetime.fromisoformat, reverse=True) == moments


def test_every_kind_of_block_is_in_the_content(workspace: Workspace, tmp_path: Path, build: Callable[[], Path]) -> None:
    (tmp_path / "issues/letter/2026-01/second.md").write_text(BLOCKS, encoding="utf-8")
    items = json.loads((build() / "letter/feed.json").read_bytes())["items"]
    content = html.fragment_fromstring(items[1]["content_html"])
    told = " ".join(content.text_content().split())
    for words in ("Mind the gap", "The doors close.", "Open day", "Town hall", "Sign up", "Spending", "Paper"):
        assert words in told
    links = [element.get("href") for element in content.iter("a")]
    assert links == ["https://news.example.com/letter/2026-01/events/open-day.ics", "https://www.example.com/sign-up"]
    assert content.find(".//time").get("datetime").startswith("2026-05-04")
    assert [cell.get("scope") for cell in content.iter("th")] == ["col", "col", "row"]


def test_a_character_xml_cannot_carry_is_told(workspace: Workspace, tmp_path: Path, build: Callable[[], Path]) -> None:
    article = tmp_path / "issues/letter/2026-01/second.md"
    text = article.read_text(encoding="utf-8").replace("Second article", '"Second \\uFFFF article"')
    article.write_text(text, encoding="utf-8")
    with pytest.raises(PressrunError, match="control-character"):
        build()
