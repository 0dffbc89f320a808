"""What an entry is made of, as far as no feed file is needed to see it."""

from __future__ import annotations

import re
from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.site.feed_entry import EXCERPT, as_uri, excerpt


@pytest.mark.parametrize(
    ("url", "uri"),
    [
        ("https://www.example.com/a?b=1&c=2#d", "https://www.example.com/a?b=1&c=2#d"),
        ("https://www.example.com/采购?q=碳", "https://www.example.com/%E9%87%87%E8%B4%AD?q=%E7%A2%B3"),
        ("https://www.example.com/%E9%87%87", "https://www.example.com/%E9%87%87"),
        ("https://www.example.com/a|b{c}", "https://www.example.com/a%7Cb%7Bc%7D"),
        ("https://採購.example.com:8080/", "https://xn--czuo43g.example.com:8080/"),
        ("https://[broken/", "https://[broken/"),
    ],
)
def test_an_address_has_only_what_addresses_may_have(url: str, uri: str) -> None:
    assert as_uri(url) == uri


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), max_size=40))
def test_an_address_that_is_mended_stays_as_it_is(path: str) -> None:
    once = as_uri(f"https://www.example.com/{path}")
    assert once.isascii()
    assert as_uri(once) == once


def test_an_excerpt_is_the_first_paragraphs_without_markup() -> None:
    content = "<figure><figcaption>No</figcaption></figure>\n<p>One <em>&amp;</em> two.</p>\n<p>Three.</p>"
    assert excerpt(content) == "One & two. Three."
    assert excerpt("<ul><li>nothing else</li></ul>") == ""


def test_a_long_text_is_cut_between_words_or_between_chinese_characters() -> None:
    assert excerpt(f"<p>{'word ' * 60}</p>").endswith("word…")
    assert len(excerpt(f"<p>{'采购' * 300}</p>")) <= EXCERPT + 1


@given(st.lists(st.text(min_size=1), max_size=5))
def test_an_excerpt_is_what_the_text_begins_with(paragraphs: list[str]) -> None:
    content = "".join(f"<p>{escape(text)}</p>" for text in paragraphs)
    told = excerpt(content)
    assert len(told) <= EXCERPT + 1
    assert " ".join(" ".join(paragraphs).split()).startswith(re.sub("…$", "", told))
