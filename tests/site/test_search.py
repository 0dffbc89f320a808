"""The index that browsers search: every article once, with all its text and none of its markup."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from pressrun.markdown import render_markdown
from pressrun.site.search import plain_text


def read_index(file: Path) -> dict[str, Any]:
    text = file.read_text(encoding="utf-8")
    assert text.startswith("pressrunSearch(") and text.endswith(");\n")
    index: dict[str, Any] = json.loads(text.removeprefix("pressrunSearch(").removesuffix(");\n"))
    return index


@pytest.fixture
def index(build: Callable[[], Path]) -> dict[str, Any]:
    return read_index(build() / "letter/search-index.js")


def test_issues_and_articles_stand_newest_first(index: dict[str, Any]) -> None:
    assert index["issues"] == [["2026-01", "2026年第1期（总第10期）"], ["2025-04", "2025年第4期（总第9期）"]]
    places = [(article[0], article[1], article[5]) for article in index["articles"]]
    assert places == [(0, "first", "zh-CN"), (0, "second", "en"), (1, "first", "zh-CN"), (1, "second", "en")]


def test_what_can_be_read_can_be_found(index: dict[str, Any]) -> None:
    _, _, title, around, text, _ = index["articles"][0]
    assert title == "第一篇 <标题> & 其他"
    for word in ("引题", "精买", "一句话概要。"):
        assert word in around
    for words in ("重点。后文照常，着重。", "跳级标题", "说明", "采购是一种选择。"):
        assert words in text.replace("\u2009", "")
    assert "<" not in text and "class" not in text
    assert "案例说明。" in index["articles"][1][4]


def test_every_article_of_the_real_issues_is_there(real_site: Path) -> None:
    for file in real_site.glob("*/search-index.js"):
        index = read_index(file)
        pages = {f"{index['issues'][article[0]][0]}/{article[1]}/index.html" for article in index["articles"]}
        there = {str(page.relative_to(file.parent)) for page in file.parent.glob("*/*/index.html")}
        assert pages == there
        assert all(article[4] for article in index["articles"])


@given(st.text())
def test_plain_text_is_what_a_browser_reads(text: str) -> None:
    written = render_markdown(text)
    shown = "".join(html.fragment_fromstring(written, create_parent="div").text_content().split())
    assert "".join(plain_text(written).split()) == shown


def test_words_of_two_blocks_do_not_grow_together() -> None:
    assert plain_text("<p>one</p><ul><li>two</li><li>th<em>re</em>e</li></ul>a<br>b") == "one two three a b"
