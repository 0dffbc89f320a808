"""Puts results into tables: for the terminal and for docs/performance.md."""

from __future__ import annotations

import datetime as dt
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from statistics import median

from benchmarks.measure import Bar, Contest, Line, Result, Scale, Table, ratio

_HEAD = """# Performance

Written by `make bench`; don't edit it, run that. Figures of one machine say little: **read the ratios**, which are
taken against peers in the same run. A line's *ratio* is how many times as long as this line pressrun takes (each
table's first line), by the clock and in CPU: under 1, pressrun is the quicker one. Every contender ran in a process of
its own, in turn, {rounds}; a figure is the median, a ratio the median of the rounds' ratios.
"""
_VERDICTS = {True: "met", False: "**missed**", None: "not measured"}


def as_table(result: Result | Table) -> Table:
    """A contest's result as rows of cells, ratios first."""
    if isinstance(result, Table):
        return result
    ours = result.lines[0]
    rows = (_heading(result.contest), *(_cells(line, ours, result.contest) for line in result.lines))
    return Table(result.contest.title, result.contest.note, rows, tuple(_absent(result.contest)), result.bars)


def _heading(contest: Contest) -> tuple[str, ...]:
    other = (f"{contest.meter.name}'s CPU",) if contest.meter else ()
    return ("", "wall ratio", "CPU ratio", f"wall per {contest.unit}", f"CPU per {contest.unit}", *other)


def _cells(line: Line, ours: Line, contest: Contest) -> tuple[str, ...]:
    ratios = ["", ""] if line is ours else [times(ratio(ours.walls, line.walls)), times(ratio(ours.cpus, line.cpus))]
    cells = [line.name, *ratios, seconds(median(line.walls)), seconds(median(line.cpus))]
    if contest.meter:
        cells.append(seconds(median(line.others)) if line.others else "")
    return tuple(cells)


def _absent(contest: Contest) -> Iterator[str]:
    return (f"{one.name}: {one.missing}" for one in contest.contenders if one.missing)


def times(value: float) -> str:
    """A ratio in three figures or so."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def seconds(value: float) -> str:
    """A duration in three figures, with the unit that suits it."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value * 1e6:.3g} µs"


def as_text(result: Result | Table) -> str:
    """For the terminal: columns in line."""
    table = as_table(result)
    widths = [max(map(len, column)) for column in zip(*table.rows, strict=True)]
    lines = (
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in table.rows
    )
    return "\n".join([table.title, *(f"  {line}".rstrip() for line in lines), *_not_measured(table)])


def bars_of(results: Iterable[Result | Table]) -> Table | None:
    """What was promised against what was measured, if anything was."""
    bars = [bar for result in results for bar in result.bars]
    if not bars:
        return None
    rows = (("", "bar", "measured", ""), *(_bar_cells(bar) for bar in bars))
    return Table("Bars", "What was promised, and what this run reached.", rows)


def _bar_cells(bar: Bar) -> tuple[str, ...]:
    return bar.name, bar.wanted, bar.measured, _VERDICTS[bar.met]


def as_markdown(results: Sequence[Result | Table], machine: list[str], scale: Scale, day: dt.date) -> str:
    """The page: how to read it, the machine, the bars, a table for each contest."""
    rounds = "once" if scale.rounds == 1 else f"in {scale.rounds} rounds"
    parts = [_HEAD.format(rounds=rounds), f"Measured on {day}:\n", *(_wrap(f"- {line}") for line in machine)]
    bars = bars_of(results)
    for table in [*([bars] if bars else []), *(as_table(result) for result in results)]:
        blocks = (_wrap(table.note), "\n".join(_rows(table)), *_not_measured(table))
        parts += [f"\n## {table.title}", *(f"\n{block}" for block in blocks if block)]
    return "\n".join(parts) + "\n"


def _wrap(text: str) -> str:
    indent = "  " if text.startswith("- ") else ""
    return textwrap.fill(text, 120, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False)


def _rows(table: Table) -> Iterator[str]:
    for number, row in enumerate(table.rows):
        yield f"| {' | '.join(row)} |"
        if number == 0:
            yield f"| --- |{' ---: |' * (len(row) - 1)}"


def _not_measured(table: Table) -> list[str]:
    return [f"Not measured: {line}." for line in table.absent]
