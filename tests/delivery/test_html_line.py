"""Breaking lines of HTML changes nothing that a reader sees."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from lxml import html as parser

from pressrun.delivery.html_line import break_lines
from small_edition import TOKENS

PIECES = st.lists(
    st.sampled_from(
        [
            '<td align="left" style="margin:0; color:#333" class="a b">',
            "<a href='https://example.com/?a=\"b c\"' title=\"x > y 'z z'\">",
            "重点。后文 ",
            "a < b  c",
            "<!--[if mso]><table role=\"x y\" width='600'><![endif]-->",
            "</td>",
            "<br>",
            "<style>a b { c: d } p > q { }</style>",
            "\n",
            f'<a href="{TOKENS["unsubscribe_url"]}" rel="nofollow">',
            TOKENS["name"],
            '<img alt="',
            "x" * 100,
        ]
    ),
    max_size=60,
).map("".join)


@given(PIECES)
def test_only_blanks_become_line_ends(text: str) -> None:
    broken = break_lines(text)
    assert broken.replace("\n", " ") == text.replace("\n", " ")
    assert broken.count("\n") >= text.count("\n")


def test_quoted_values_and_words_stay_on_their_lines() -> None:
    cell = "<td style=\"font: 16px/1.5 'A B', serif; color: #333\" title='two words'>two words</td>"
    text = f"<table><tr>{cell * 100}</tr></table>"
    broken = break_lines(text)
    assert max(map(len, broken.split("\n"))) < 500
    assert "color: #333" in broken and "two\nwords" not in broken
    assert parser.tostring(parser.fromstring(broken)) == parser.tostring(parser.fromstring(text))


def test_short_lines_are_left_alone() -> None:
    text = '<p class="a" title="b">重点</p>\n' * 50
    assert break_lines(text) == text
