"""Article HTML on its page: headings in order, tables that scroll."""

from __future__ import annotations

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pressrun.site.prose import feed_prose, page_prose, shift_headings
from pressrun.wording import words


def test_headings_move_down_and_close_their_gaps() -> None:
    html = "<h2>a</h2><h4>b</h4><h3>c</h3><h2>d</h2>"
    assert shift_headings(html, 4) == "<h4>a</h4><h5>b</h5><h5>c</h5><h4>d</h4>"


@given(st.lists(st.integers(2, 6)), st.integers(2, 6))
def test_no_level_is_ever_skipped(levels: list[int], top: int) -> None:
    html = shift_headings("".join(f"<h{n}>x</h{n}>" for n in levels), top)
    opened, closed = re.findall(r"<h(\d)", html), re.findall(r"</h(\d)", html)
    made = [top - 1, *map(int, opened)]
    assert opened == closed
    assert all(after <= before + 1 for before, after in pairwise(made))
    assert all(top <= level <= 6 for level in made[1:])


def test_tables_scroll_on_pages_and_carry_no_style() -> None:
    html = '<table><tr><td style="text-align:right">1</td></tr></table>'
    region = '<div class="scroll" role="group" aria-label="表格" tabindex="0">'
    assert page_prose(html, 4, "表格") == f'{region}<table><tr><td class="right">1</td></tr></table></div>'
    assert feed_prose(html, 2) == "<table><tr><td>1</td></tr></table>"


def test_every_language_has_the_same_words() -> None:
    assert words("zh-CN").keys() == words("en").keys()
    assert words("zh-Hant-TW") is words("zh")
    assert words("pt-BR") is words("en")
