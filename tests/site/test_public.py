"""What the public reads: fallbacks in place of fields, and nothing that is for some readers only."""

from __future__ import annotations

import json
from pathlib import Path

import lxml.html
import pytest
from hypothesis import given
from hypothesis import strategies as st
from written_issue import FIRST, write_issue

from pressrun.markdown import render_markdown
from pressrun.render.public import show_public
from pressrun.site.build import site
from pressrun.workspace import open_workspace

FOR_BEIJING = """\
---
title: 只给北京的读者
when: city == "Beijing"
---
北京的正文。
"""
PERSONAL = """
您好，{{ name | 读者 }}，来自{{ city }}。[查看](https://www.example.com/?c={{ city | 北 京 }})、
[退订]({{ unsubscribe_url }})。

::: when city == "Beijing"
只在北京。

:::figure
image: media/chart.png
alt: 北京的图
:::
:::

::: otherwise
在别处，\\{{ 括号 }}。
:::

:::quote
text: 您在{{ city | *某地* }}。
:::
"""


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = write_issue(tmp_path, "2026-01")
    issue = (folder / "issue.yaml").read_text(encoding="utf-8")
    issue = issue.replace("preheader: 本期要点", "preheader: 给{{ name | 读者 }}的{{ city }}要点").replace(
        "[first]", "[first, beijing]"
    )
    issue += 'intro: |\n  ::: when city != ""\n  导语甲。\n  :::\n  ::: otherwise\n  导语乙{{ city | 某地 }}。\n  :::\n'
    issue = issue.replace(
        "colophon:", '  - {title: 内部, slug: internal, when: list == "x", articles: [inside]}\ncolophon:'
    )
    (folder / "issue.yaml").write_text(issue, encoding="utf-8")
    (folder / "first.md").write_text(FIRST + PERSONAL, encoding="utf-8")
    (folder / "beijing.md").write_text(FOR_BEIJING, encoding="utf-8")
    (folder / "inside.md").write_text(FOR_BEIJING.replace('when: city == "Beijing"\n', ""), encoding="utf-8")
    site(open_workspace(tmp_path), tmp_path / "out")
    return tmp_path / "out" / "letter"


def test_a_page_has_fallbacks_and_what_is_for_everybody(out: Path) -> None:
    page = lxml.html.fromstring((out / "2026-01" / "index.html").read_bytes())
    text = page.text_content()
    assert "您好，读者，来自。查看、退订。" in text and "在别处，{{ 括号 }}。" in text and "您在*某地*。" in text
    assert "导语乙某地。" in text
    assert "https://www.example.com/?c=%E5%8C%97%20%E4%BA%AC" in page.xpath("//a/@href")
    assert page.xpath("//meta[@name='description']/@content") == ["给读者的要点"]
    assert not page.xpath("//a[@href='']")
    for hidden in ("只在北京", "北京的正文", "只给北京的读者", "内部", "导语甲", "invalid", "@@", "北京的图"):
        assert hidden not in lxml.html.tostring(page, encoding="unicode"), hidden


def test_feeds_have_neither(out: Path) -> None:
    items = json.loads((out / "feed.json").read_bytes())["items"]
    assert [item["title"] for item in items] == ["第一篇 <标题> & 其他", "Second article"]
    assert "您好，读者，来自。查看、退订。" in lxml.html.fromstring(items[0]["content_html"]).text_content().replace(
        "<a>", ""
    )
    for name in ("feed.json", "atom.xml", "rss.xml"):
        content = (out / name).read_text(encoding="utf-8")
        for hidden in ("只在北京", "北京的正文", "内部", "{{ name", "@@", ".invalid"):
            assert hidden not in content, (name, hidden)


def test_pictures_of_hidden_parts_are_there_for_the_mail(out: Path) -> None:
    assert (out / "2026-01" / "media" / "chart.png").is_file()


def test_an_issue_of_hidden_articles_only_makes_sound_feeds(tmp_path: Path) -> None:
    folder = write_issue(tmp_path, "2026-01")
    for name in ("first", "second"):
        (folder / f"{name}.md").write_text(FOR_BEIJING, encoding="utf-8")
    report = site(open_workspace(tmp_path), tmp_path / "out")
    assert report.publications[0].entries == 0
    assert b"2026-" in (tmp_path / "out" / "letter" / "atom.xml").read_bytes()


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp"], exclude_characters="{}|")))
def test_any_fallback_is_shown_as_it_is(fallback: str) -> None:
    html = show_public(f"a {{{{ city | {fallback} }}}} b", render_markdown)
    shown = fallback.strip() if fallback.strip().isprintable() else None
    text = lxml.html.fromstring(html).text_content().strip()
    assert text == (f"a {shown} b" if shown is not None else text)
    assert html.count("<") == 2 or shown is None


def test_text_without_fields_is_rendered_as_ever() -> None:
    assert show_public("a { b } [x](https://e.example.com)", render_markdown) == render_markdown(
        "a { b } [x](https://e.example.com)"
    )
