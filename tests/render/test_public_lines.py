"""What an article's links, quotes, captions and events are in every medium: mail, plain text, pages and feeds."""

from __future__ import annotations

import datetime as dt
import html
import json
import re
from pathlib import Path

import lxml.html
import pytest

from pressrun.site.build import site
from pressrun.workspace import open_workspace
from rendered_issue import fill, render_folder
from small_issue import ISSUE, PUBLICATION, write_small_issue

REPORT = "https://www.example.com/unep?a=1&b=2"
NAMED = f"""\
---
title: An article
---
Read the [UNEP report][unep] first.

:::quote
text: Words.
:::

::: when city == "Vienna"
Those in Vienna know [the report][UNEP].
:::
::: otherwise
Here is [the report of others][unep].
:::

The end.

[unep]: {REPORT}
"""


def in_all_media(folder: Path, article: str, publication: str = PUBLICATION) -> dict[str, str]:
    """The article `first` as mail, plain text, page and feed entry."""
    issue = write_small_issue(folder, first=article, publication=publication)
    mail, text = fill(render_folder(issue))
    return {"mail": mail, "text": text, **in_public(folder)}


def in_public(folder: Path) -> dict[str, str]:
    """The article `first` of the issue in `folder` as page and feed entry."""
    site(open_workspace(folder), folder / "out")
    out = folder / "out" / "small"
    items = json.loads((out / "feed.json").read_text(encoding="utf-8"))["items"]
    (entry,) = (item["content_html"] for item in items if item["url"].endswith("/first/"))
    page = (out / "2026-01" / "first" / "index.html").read_text(encoding="utf-8")
    return {"page": page, "feed": entry}


def test_a_link_named_across_blocks_leads_there_in_every_medium(tmp_path: Path) -> None:
    media = in_all_media(tmp_path, NAMED)
    for name in ("mail", "page", "feed"):
        links = lxml.html.fromstring(media[name]).xpath(f"//a[contains(@href, '{REPORT}')]")
        said = [" ".join(link.text_content().split()) for link in links]
        assert said[0] == "UNEP report" and said[-1] == "the report of others", name
        assert "[unep]" not in media[name].lower(), name
    assert f"UNEP report <{REPORT}>" in media["text"] and "[unep]" not in media["text"].lower()


def test_a_link_of_the_lead_finds_an_address_in_what_only_some_read(tmp_path: Path) -> None:
    lead = f'intro: |\n  The [report][r].\n\n  ::: when city == "Vienna"\n  Vienna.\n\n  [r]: {REPORT}\n  :::\n'
    issue = write_small_issue(tmp_path, issue=ISSUE + lead)
    site(open_workspace(tmp_path), tmp_path / "out")
    page = (tmp_path / "out" / "small" / "2026-01" / "index.html").read_text(encoding="utf-8")
    for content in (render_folder(issue).edition.html, page):
        (link,) = lxml.html.fromstring(content).xpath("//a[normalize-space()='report']")
        assert link.get("href") == REPORT
    assert "Vienna" not in page


@pytest.mark.parametrize("said", ["3 * 4 * 5, `a` and [b](https://x.example)", "Less < more & *most*"])
def test_a_quote_and_a_caption_are_plain_lines_in_every_medium(said: str, tmp_path: Path) -> None:
    quoted = json.dumps(said)
    article = (
        f"---\ntitle: A\nimage: {{image: media/chart.png, alt: A, caption: {quoted}}}\n---\nText.\n\n"
        f":::quote\ntext: {quoted}\n:::\n\n:::figure\nimage: media/chart.png\nalt: B\ncaption: {quoted}\n:::\n"
    )
    media = in_all_media(tmp_path, article)
    for name in ("mail", "page", "feed"):
        assert html.unescape(media[name]).count(said) >= 3, name
    assert media["text"].count(said) >= 2


def test_a_readers_value_in_a_quote_is_plain_in_public(tmp_path: Path) -> None:
    article = "---\ntitle: A\n---\n:::quote\ntext: 'In {{ city | *some* [place] }}, \\{{ braces }}'\n:::\n"
    write_small_issue(tmp_path, first=article)
    media = in_public(tmp_path)
    for name in ("page", "feed"):
        assert "In *some* [place], {{ braces }}" in media[name], name


def test_a_chinese_caption_brings_no_spans_into_a_feed(tmp_path: Path) -> None:
    article = (
        "---\ntitle: 文章\nlanguage: zh-CN\nimage: {image: media/chart.png, alt: 图, caption: 占37%共3项}\n---\n"
        "正文。\n\n:::quote\ntext: 其中37%共3项\n:::\n"
    )
    entry = in_all_media(tmp_path, article)["feed"]
    assert "占37%共3项" in entry and "其中37%共3项" in entry and "<span" not in entry


def times(content: str) -> list[str]:
    """What machines read of the events' times."""
    return re.findall(r'<time datetime="(\d{4}-\d\d-\d\d(?:T[^"]*)?)">(?!31 March)', content)


@pytest.mark.parametrize(
    ("starts", "zone", "told"),
    [
        ("2026-06-30 09:00", "Europe/Vienna", "2026-06-30T09:00:00+02:00"),
        ("2026-10-25 01:30", "Europe/Vienna", "2026-10-25T01:30:00+02:00"),
        ("2026-10-25 02:30", "Europe/Vienna", "2026-10-25T02:30:00+02:00"),
        ("2026-10-25 03:30", "Europe/Vienna", "2026-10-25T03:30:00+01:00"),
        ("2026-03-29 02:30", "Europe/Vienna", "2026-03-29T03:30:00+02:00"),
        ("2026-06-30 09:00", "Asia/Shanghai", "2026-06-30T09:00:00+08:00"),
        ("2026-06-30", "Asia/Shanghai", "2026-06-30"),
    ],
)
def test_machines_read_an_events_hour_with_its_offset(starts: str, zone: str, told: str, tmp_path: Path) -> None:
    article = f"---\ntitle: A\n---\n:::event\nslug: e\ntitle: E\nstarts: {starts}\n:::\n"
    media = in_all_media(tmp_path, article, PUBLICATION.replace("Europe/Vienna", zone))
    for name in ("page", "feed"):
        assert told in times(media[name]), name
    if "T" in told:
        assert dt.datetime.fromisoformat(told).tzinfo
