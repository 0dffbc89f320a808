"""Markdown as plain text reads as a person would type it."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pressrun.plain import display_width, render_plain, render_plain_inline

MARKS = "*_`~[]()<>!#|-+:.\\&;\"'\n 1ab采，“😀"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("", ""),
        ("**重点。**后文", "重点。后文"),
        ("采购\n标准", "采购标准"),
        ("green\nbuying", "green buying"),
        ("one  \ntwo", "one\ntwo"),
        ("a\n\nb", "a\n\nb"),
        ("## Heading *here*", "# Heading here"),
        ("#### Deep", "### Deep"),
        ("- a\n- b", "- a\n- b"),
        ("3. a\n4. b", "3. a\n4. b"),
        ("- a\n  - b\n    1. c\n- d", "- a\n  - b\n    1. c\n- d"),
        ("-\n- b", "-\n- b"),
        ("- a\n\n  more\n- b", "- a\n  more\n- b"),
        ("> a\n>\n> b", "> a\n>\n> b"),
        ("> - a\n>   b", "> - a b"),
        ("```\nx  \n\ny\n```", "    x\n\n    y"),
        ("***", "* * *"),
        ("`a*b*`", "a*b*"),
        ("[a](https://example.com)", "a <https://example.com>"),
        ("[**a**b](https://example.com)", "ab <https://example.com>"),
        ("<https://example.com>", "https://example.com"),
        ("[https://example.com](https://example.com)", "https://example.com"),
        ("<a@example.com>", "a@example.com"),
        ("[write](mailto:a@example.com)", "write <mailto:a@example.com>"),
        ("[a](javascript:b)", "[a](javascript:b)"),
        ("a <b>b</b> &amp; c&#12;", "a <b>b</b> & c"),
        (":::note\nkept\n:::", "    kept"),
        ("a&nbsp;", "a"),
    ],
)
def test_it_reads_as_a_person_would_type_it(source: str, text: str) -> None:
    assert render_plain(source) == text


def test_the_columns_of_a_table_line_up_in_a_fixed_width_font() -> None:
    text = render_plain("| 国家 | n |\n| --- | --- |\n| China | 3 |\n| 法 | 12 |\n")
    assert text == "国家   n\n-----  --\nChina  3\n法     12"


def test_a_table_with_an_empty_column_has_no_trailing_spaces() -> None:
    assert render_plain("| a |  |\n| --- | --- |\n| b |  |\n") == "a\n-\nb"


def test_inline_text_is_one_run() -> None:
    assert render_plain_inline("a *b* [c](https://example.com)") == "a b c <https://example.com>"


@given(text=st.text(MARKS, max_size=80) | st.text(max_size=40))
@example("| a | b |\n|---|---|\n|  |  |")
@example("> ```\n> a \n>\n> b\n> ```")
@example("- - - a\n\n      b")
@example("a&#32;")
@example("a&#12;\x0b")
@example("\t\x1b")
def test_any_markdown_becomes_clean_lines(text: str) -> None:
    plain = render_plain(text)
    assert not re.search(r"[ \t]$", plain, re.M)
    assert not plain.startswith("\n")
    assert not plain.endswith("\n")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f]", plain)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f]", render_plain_inline(text))


@given(text=st.text("ab采购。 ", min_size=1, max_size=40))
def test_no_word_is_lost(text: str) -> None:
    def squeeze(words: str) -> str:
        return re.sub(r"\s", "", words)

    assert squeeze(render_plain(text)) == squeeze(text)


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("采购", 4), ("é", 1), ("e\u0301", 1), ("，", 2), ("“", 1)])
def test_display_width_counts_columns(text: str, width: int) -> None:
    assert display_width(text) == width
