"""Cells: what is written is read the same, and no spreadsheet runs it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.formula import is_formula
from pressrun.subscriber_file.cell import guard_cell, read_cell, read_tags, write_tags

tags = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp", "Zs")), min_size=1, max_size=8)


@given(st.text(st.sampled_from("a'=+-@\t\r\n \xa0\u3000＝,\""), max_size=8))
def test_a_guarded_cell_comes_back_the_same_and_is_no_formula(value: str) -> None:
    cell = guard_cell(value)
    assert read_cell(cell) == value
    assert cell[:1] not in "=+-@\t\r\n＝" or not cell
    assert not is_formula(value) or cell == f"'{value}"


@given(st.lists(tags, unique=True, max_size=4))
def test_tags_come_back_from_their_cell(given_tags: list[str]) -> None:
    assert read_tags(write_tags(given_tags)) == tuple(given_tags)


@pytest.mark.parametrize(
    ("cell", "found"),
    [("", ()), ("a", ("a",)), ("a, b ,a", ("a", "b")), ('"VIP","Blog, two"', ("VIP", "Blog, two")), (",,", ())],
)
def test_tags_are_parted_by_commas_as_mailchimp_and_ghost_write_them(cell: str, found: tuple[str, ...]) -> None:
    assert read_tags(cell) == found
