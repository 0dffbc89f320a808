"""A correction marks what it is about, on page, in metadata and sitemap, and moves the moment of the last change."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from lxml import etree, html
from written_issue import write_issue

from pressrun.site.build import site
from pressrun.site.correction import corrections_of, notes, updated
from pressrun.source.issue import Issue
from pressrun.source.loader import load_issue
from pressrun.workspace import open_workspace

CORRECTIONS = """\
corrections:
  - {date: 2026-04-09, article: second, what: "第二处：不是**12**，是21。"}
  - {date: 2026-04-05, what: 本期封面的署名有误。}
  - {date: 2026-04-09, article: second, what: 又一处。}
"""
SITEMAP = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An issue of 31 March with three corrections."""
    folder = write_issue(tmp_path, "2026-01", date="2026-03-31")
    file = folder / "issue.yaml"
    file.write_text(file.read_text(encoding="utf-8") + CORRECTIONS, encoding="utf-8")
    return folder


@pytest.fixture
def issue(folder: Path) -> Issue:
    loaded = load_issue(folder)
    assert loaded.issue, loaded.findings
    return loaded.issue


def test_corrections_stand_in_the_order_of_their_days_each_later_than_the_one_before(issue: Issue) -> None:
    told = notes(issue)
    assert [note.date.day for note in told] == [5, 9, 9]
    assert [f"{note.moment:%m-%d %H:%M}" for note in told] == ["04-05 09:00", "04-09 09:00", "04-09 09:01"]
    assert len({note.anchor for note in told}) == 3


def test_a_correction_on_the_day_itself_is_later_than_the_issue(folder: Path) -> None:
    file = folder / "issue.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("2026-04-05", "2026-03-31"), encoding="utf-8")
    issue = load_issue(folder).issue
    assert issue and notes(issue)[0].moment > issue.published


def test_each_article_has_its_own_corrections_and_the_issue_those_that_name_none(issue: Issue) -> None:
    assert [note.what for note in corrections_of(issue)] == ["本期封面的署名有误。"]
    assert len(corrections_of(issue, "second")) == 2
    assert corrections_of(issue, "first") == ()


def test_the_last_change_of_an_issue_is_that_of_whatever_is_in_it(issue: Issue) -> None:
    assert updated(issue, "first").date() == dt.date(2026, 4, 2)  # the article says so itself
    assert f"{updated(issue, 'second'):%m-%d %H:%M}" == "04-09 09:01"
    assert updated(issue) == updated(issue, "second")


def test_the_site_marks_them(folder: Path, tmp_path: Path) -> None:
    site(open_workspace(tmp_path), tmp_path / "out")
    out = tmp_path / "out/letter"
    issue, article = (
        html.document_fromstring((out / f"2026-01/{name}index.html").read_bytes()) for name in ("", "second/")
    )
    whole = issue.xpath("//div[@id='_text']/div[@class='correction']")
    assert [note.xpath(".//time/@datetime") for note in whole] == [["2026-04-05"]]
    assert "本期封面的署名有误" in whole[0].text_content()
    assert len(issue.xpath("//article[@id='second']//div[@class='correction']")) == 2
    assert issue.xpath("//article[@id='first']//div[@class='correction']") == []
    own = article.xpath("//div[@class='correction']")
    assert [note.get("id") for note in own] == ["_correction_2", "_correction_3"]
    assert own[0].xpath(".//time/@datetime") == ["2026-04-09"]
    assert own[0].get("lang") == "zh-CN" and own[0].xpath(".//strong/text()") == ["12"]
    assert article.xpath("//meta[@property='article:modified_time']/@content") == ["2026-04-09T09:01:00+08:00"]
    facts = json.loads(article.xpath("string(//script[@type='application/ld+json'])"))
    assert facts["dateModified"] == "2026-04-09T09:01:00+08:00" and len(facts["correction"]) == 2
    sitemap = etree.fromstring((out / "sitemap.xml").read_bytes())
    entry = sitemap.xpath("//s:url[contains(s:loc, '/second/')]/s:lastmod/text()", namespaces=SITEMAP)
    assert entry == ["2026-04-09T09:01:00+08:00"]


def test_feed_entries_keep_their_ids_and_move_updated(folder: Path, tmp_path: Path) -> None:
    site(open_workspace(tmp_path), tmp_path / "after")
    file = folder / "issue.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace(CORRECTIONS, ""), encoding="utf-8")
    site(open_workspace(tmp_path), tmp_path / "before")
    before, after = (
        json.loads((tmp_path / name / "letter/feed.json").read_bytes())["items"] for name in ("before", "after")
    )
    assert [item["id"] for item in before] == [item["id"] for item in after]
    assert before[0].get("date_modified") == after[0].get("date_modified")
    assert before[1].get("date_modified") != after[1]["date_modified"] > "2026-04-09T09:00"
    assert "是21" in after[1]["content_html"]
