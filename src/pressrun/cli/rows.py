"""Prints rows as a table, as CSV, or as JSON lines."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from pressrun.cli.app import Format
from pressrun.cli.screen import unguarded, visible
from pressrun.formula import guard_formula

_UNBOUNDED = 10_000


def print_rows(rows: Iterable[Mapping[str, Any]], format: Format) -> None:
    """Print `rows`, which share their keys, to standard output."""
    if format is Format.JSON:
        for row in rows:
            print(json.dumps(dict(row), ensure_ascii=False, default=str))  # noqa: T201
    elif format is Format.CSV:
        _print_csv(rows)
    else:
        _print_table(list(rows))


def _cell(value: object) -> str:
    """A value in a cell; what has parts as JSON."""
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else str(value)


def _print_csv(rows: Iterable[Mapping[str, Any]]) -> None:
    writer: csv.DictWriter[str] | None = None
    for row in rows:
        if writer is None:
            writer = csv.DictWriter(sys.stdout, list(row))
            writer.writeheader()
        writer.writerow({name: guard_formula(_cell(value)) for name, value in row.items()})


def _print_table(rows: list[Mapping[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not rows:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in rows[0]:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(visible(_cell(value))) for value in row.values()))
    # In a pipe nobody sees the margin, and a cell broken in two can't be searched for.
    screen = unguarded(sys.stdout)
    console = Console(file=screen) if screen.isatty() else Console(file=screen, width=_UNBOUNDED)
    console.print(table)
