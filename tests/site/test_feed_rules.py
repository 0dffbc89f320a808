"""Every feed file that is written, held against the standards and against feedvalidator's rules."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
from feed_rules import atom_schema, judge
from lxml import etree
from written_issue import write_issue

from pressrun.site.build import site
from pressrun.site.feed_name import Kind, kind_of
from pressrun.workspace import open_workspace

NOW = dt.datetime(2099, 1, 1, tzinfo=dt.UTC)
SCHEMA = json.loads(Path(__file__).with_name("json-feed.json").read_text(encoding="utf-8"))


def feeds_in(out: Path, kind: Kind) -> Iterator[Path]:
    found = [file for file in sorted(out.rglob("*")) if kind_of(file.name) is kind]
    assert found
    yield from found


def base_of(file: Path, out: Path) -> str:
    """The address of the publication that `file` is of, which its main feed tells."""
    folder = out / file.relative_to(out).parts[0]
    return str(json.loads((folder / "feed.json").read_bytes())["home_page_url"])


@pytest.mark.parametrize("kind", [Kind.RSS, Kind.ATOM])
def test_no_rule_of_feedvalidator_is_broken(any_site: Path, kind: Kind) -> None:
    for file in feeds_in(any_site, kind):
        folder = any_site / file.relative_to(any_site).parts[0]
        url = base_of(file, any_site) + file.relative_to(folder).as_posix()
        assert judge(file.read_bytes(), url, NOW) == [], file


def test_atom_keeps_to_the_grammar_of_rfc_4287(any_site: Path) -> None:
    schema = atom_schema()
    for file in feeds_in(any_site, Kind.ATOM):
        schema.validate(etree.fromstring(file.read_bytes()))
        assert [str(error) for error in schema.error_log] == [], file


def test_json_feed_keeps_to_its_specification(any_site: Path) -> None:
    checker = jsonschema.Draft202012Validator(SCHEMA)
    for file in feeds_in(any_site, Kind.JSON):
        feed = json.loads(file.read_bytes())
        assert [error.message for error in checker.iter_errors(feed)] == [], file
        ids = [item["id"] for item in feed["items"]]
        assert len(ids) == len(set(ids))


def test_a_publication_with_nothing_for_everybody_has_sound_and_empty_feeds(tmp_path: Path) -> None:
    folder = write_issue(tmp_path, "2026-01")
    for name in ("first.md", "second.md"):
        text = (
            (folder / name).read_text(encoding="utf-8").replace("---\ntitle", "---\nwhen: 'city == \"Ulm\"'\ntitle", 1)
        )
        (folder / name).write_text(text, encoding="utf-8")
    out = site(open_workspace(tmp_path), tmp_path / "out").out / "letter"
    assert not (out / "sections").exists()
    base = "https://news.example.com/letter/"
    assert [judge((out / name).read_bytes(), base + name, NOW) for name in ("rss.xml", "atom.xml")] == [[], []]
    assert json.loads((out / "feed.json").read_bytes())["items"] == []
    assert atom_schema().validate(etree.fromstring((out / "atom.xml").read_bytes()))


URL = "https://news.example.com/rss.xml"
ITEM = """<item><title>T</title><link>https://news.example.com/a/</link><description>d</description>
<content:encoded>&lt;p&gt;c&lt;/p&gt;</content:encoded><guid isPermaLink="false">tag:news.example.com,2021:a</guid>
<pubDate>Tue, 31 Mar 2026 09:00:00 +0800</pubDate><atom:updated>2026-03-31T09:00:00+08:00</atom:updated></item>"""
RSS = f"""<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"
xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>T</title><link>https://news.example.com/</link>
<description>d</description><language>en</language><generator>g</generator>
<lastBuildDate>Tue, 31 Mar 2026 09:00:00 +0800</lastBuildDate>
<atom:link href="{URL}" rel="self" type="application/rss+xml"/>{ITEM}</channel></rss>"""


def test_a_clean_feed_breaks_no_rule() -> None:
    assert judge(RSS.encode(), URL, NOW) == []


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("Tue, 31 Mar 2026 09:00:00 +0800</pub", "Wed, 31 Mar 2026 09:00:00 +0800</pub", "IncorrectDOW"),
        ("Tue, 31 Mar 2026 09:00:00 +0800</pub", "2026-03-31</pub", "InvalidRFC2822Date"),
        ("&lt;p&gt;c", "&lt;p style='color:red'&gt;c", "SecurityRiskAttr"),
        ("&lt;p&gt;c", "&lt;script&gt;c", "SecurityRisk: script"),
        ("&lt;p&gt;c", "&lt;a href='a.html'&gt;c", "ContainsRelRef"),
        ("<description>d</description>\n<content", "<content", "NeedDescriptionBeforeContent"),
        (' isPermaLink="false"', "", "InvalidPermalink"),
        (ITEM, ITEM + ITEM, "DuplicateValue"),
        (f'href="{URL}"', 'href="https://news.example.com/other.xml"', "SelfDoesntMatchLocation"),
        ("<atom:link href", '<atom:link rel="next" href="x"/><atom:link href', "InvalidIRI"),
        ("</channel>", "<copyright>c</copyright></channel>", "MisplacedItem"),
        ("<title>T</title><link>https://news.example.com/a/", "<title>a &lt;b&gt;</title><link>/a/", "ContainsHTML"),
        ('xmlns:atom="', 'xmlns:own="https://own.example.com/" xmlns:atom="', "UnknownNamespace"),
    ],
)
def test_a_feed_that_breaks_a_rule_is_found(old: str, new: str, rule: str) -> None:
    assert RSS.count(old) >= 1
    assert any(rule in broken for broken in judge(RSS.replace(old, new, 1).encode(), URL, NOW))


ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en"><id>tag:a.example.com,2021:a</id><title>T</title>
<updated>2026-03-31T09:00:00+08:00</updated><author><name>A</name></author>
<link rel="self" href="https://a.example.com/atom.xml"/></feed>"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", ""),
        ("<id>tag:a.example.com,2021:a</id>", ""),
        ("+08:00", ""),
        ("</title>", "</title><title>U</title>"),
        ("</author>", "</author><pubDate/>"),
        ('rel="self"', 'rel="self" size="3"'),
    ],
)
def test_the_grammar_takes_a_sound_feed_and_no_other(old: str, new: str) -> None:
    assert atom_schema().validate(etree.fromstring(ATOM.replace(old, new, 1))) is (not old)
