"""Puts results into tables: for the terminal and for docs/performance.md."""

from __future__ import annotations

import datetime as dt
import textwrap
from collections.abc import Iterable, Iterator
from statistics import median

from benchmarks.measure import Line, Result, Scale, ratio

_HEAD = """# Performance

Written by `make bench`; don't edit it, run that. Figures of one machine say little: **read the ratios**, which are
taken against peers in the same run. A line's *ratio* is how many times as long as this line pressrun takes (each
table's first line), by the clock and in CPU: under 1, pressrun is the quicker one. Every contender ran in a process of
its own, in turn, {rounds}; a figure is the median, a ratio the median of the rounds' ratios.
"""


def table(result: Result) -> list[list[str]]:
    """The result as rows of cells, the heading first."""
    unit = result.contest.unit
    ours = result.lines[0]
    heading = ["", f"wall per {unit}", f"CPU per {unit}", "wall ratio", "CPU ratio"]
    return [heading, *(_cells(line, ours) for line in result.lines)]


def _cells(line: Line, ours: Line) -> list[str]:
    cells = [line.name, _seconds(median(line.walls)), _seconds(median(line.cpus))]
    if line is ours:
        return [*cells, "", ""]
    return [*cells, _times(ratio(ours.walls, line.walls)), _times(ratio(ours.cpus, line.cpus))]


def _times(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _seconds(value: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value * 1e6:.3g} µs"


def as_text(result: Result) -> str:
    """For the terminal: columns in line."""
    rows = table(result)
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    lines = (
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    )
    return "\n".join([result.contest.title, *(f"  {line}".rstrip() for line in lines), *_absent(result)])


def as_markdown(results: Iterable[Result], machine: list[str], scale: Scale, day: dt.date) -> str:
    """The page: how to read it, the machine, a table for each contest."""
    rounds = "once" if scale.rounds == 1 else f"in {scale.rounds} rounds"
    parts = [_HEAD.format(rounds=rounds), f"Measured on {day}:\n", *(_wrap(f"- {line}") for line in machine)]
    for result in results:
        parts += [f"\n## {result.contest.title}\n", _wrap(result.contest.note), "", *_markdown_rows(table(result))]
        parts += [f"\n{line}" for line in _absent(result)]
    return "\n".join(parts) + "\n"


def _wrap(text: str) -> str:
    indent = "  " if text.startswith("- ") else ""
    return textwrap.fill(text, 120, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False)


def _markdown_rows(rows: list[list[str]]) -> Iterator[str]:
    for number, row in enumerate(rows):
        yield f"| {' | '.join(row)} |"
        if number == 0:
            yield f"| --- |{' ---: |' * (len(row) - 1)}"


def _absent(result: Result) -> list[str]:
    return [f"Not measured: {one.name}: {one.missing}." for one in result.contest.contenders if one.missing]
