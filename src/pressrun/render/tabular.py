"""Data tables: which columns hold figures, and how a table stands in plain text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pressrun.plain import display_width
from pressrun.source.block import DataTable

# A number as people write it, with what may stand before and after: ≈ €1,200.50, −3 %, 12 km, 3.5 万吨, ٣٠٪.
_NUMBER = r"\d(?:[\d.,'’٫٬\u00a0\u202f ]*\d)?"
_FIGURE = re.compile(rf"[^\w]{{0,3}}{_NUMBER}(?:\s*[–—-]\s*{_NUMBER})?\s*(?:[%‰٪°+]|[^\W\d_]{{0,3}}[²³]?)")
_NO_FIGURE = frozenset({"", "-", "–", "—", "…", "n/a"})


def figure_columns(table: DataTable) -> tuple[bool, ...]:
    """Whether each column holds figures, which are set flush with each other at the end; the first heads its row."""
    columns = list(zip(*table.rows, strict=True))
    return (False, *(_holds_figures(column) for column in columns[1:]))


def _holds_figures(values: Sequence[str]) -> bool:
    told = [value.strip() for value in values if value.strip().lower() not in _NO_FIGURE]
    return bool(told) and all(_FIGURE.fullmatch(value) for value in told)


def draw_table(table: DataTable) -> str:
    """The table in columns of a fixed-width font: its headings, a line, its rows."""
    rows = [tuple(" ".join(cell.split()) for cell in row) for row in (table.columns, *table.rows)]
    widths = [max(map(display_width, column)) for column in zip(*rows, strict=True)]
    ends = figure_columns(table)
    heads, *body = ("  ".join(map(_pad, row, widths, ends)).rstrip() for row in rows)
    return "\n".join((heads, "  ".join("-" * width for width in widths), *body))


def _pad(cell: str, width: int, at_end: bool) -> str:
    blanks = " " * (width - display_width(cell))
    return blanks + cell if at_end else cell + blanks
