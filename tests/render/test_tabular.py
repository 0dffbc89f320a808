"""Data tables: figures are told from words, and columns stand under each other in plain text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.plain import display_width
from pressrun.render.tabular import draw_table, figure_columns
from pressrun.source.block import DataTable


def table(*values: str) -> DataTable:
    return DataTable(caption="C", columns=("A", "B"), rows=tuple(("row", value) for value in values))


@pytest.mark.parametrize(
    "values",
    [
        ("1", "20"),
        ("1,200.5", "3 %", "−4%", "+5"),
        ("€ 12", "$1 200", "≈ 30"),
        ("12 km", "3.5 万吨", "40%", "5 m²"),
        ("2019–2024", "2021"),
        ("٣٠٪", "٤٠٪"),
        ("3", "–", "", "n/a"),
    ],
)
def test_a_column_of_numbers_holds_figures(values: tuple[str, ...]) -> None:
    assert figure_columns(table(*values)) == (False, True)


@pytest.mark.parametrize(
    "values",
    [("1", "one"), ("–", ""), ("CO₂",), ("12 houses of wood",), ("Goal 12",), ("COP29",), ("3 kinds, 4 uses",)],
)
def test_a_column_with_a_word_in_it_does_not(values: tuple[str, ...]) -> None:
    assert figure_columns(table(*values)) == (False, False)


def test_what_heads_a_row_is_never_a_figure() -> None:
    years = DataTable(caption="C", columns=("Year", "Count"), rows=(("2025", "3"), ("2026", "14")))
    assert figure_columns(years) == (False, True)
    assert draw_table(years).split("\n") == ["Year  Count", "----  -----", "2025      3", "2026     14"]


CELLS = st.text(st.sampled_from("ab 12.%国家　–"), max_size=12)


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=4))
def test_in_plain_text_every_cell_begins_or_ends_under_its_heading(rows: list[tuple[str, str, str]]) -> None:
    drawn = DataTable(caption="C", columns=("One", "Two", "Three"), rows=tuple(rows))
    heads, line, *body = draw_table(drawn).split("\n")
    assert len(body) == len(rows)
    assert all(display_width(each) <= len(line) for each in (heads, *body))
    assert all(" ".join(cell.split()) in told for row, told in zip(rows, body, strict=True) for cell in row)
