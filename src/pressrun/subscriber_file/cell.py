"""Cells of CSV: what they say, and how a value is written so that it comes back the same and no spreadsheet runs it."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from pressrun.formula import is_formula


def read_cell(cell: str) -> str:
    """What `cell` says: less the writer's guard, or else less the space around it."""
    if cell[:1] == "'" and _is_guarded(cell[1:]):
        return cell[1:]
    return cell.strip()


def guard_cell(value: str) -> str:
    """`value` as a cell that `read_cell` takes back: a quote before it where it is a formula or has space around it."""
    return f"'{value}" if _is_guarded(value) else value


def read_tags(cell: str) -> tuple[str, ...]:
    """The tags in `cell`: parted by commas, in double quotes where they hold one themselves. Raises `csv.Error`."""
    if not cell:
        return ()
    found = next(csv.reader([cell], skipinitialspace=True, strict=True), [])
    return tuple(dict.fromkeys(tag for part in found if (tag := part.strip())))


def write_tags(tags: Sequence[str]) -> str:
    """`tags` as one cell."""
    stream = io.StringIO()
    csv.writer(stream, lineterminator="").writerow(tags)
    return stream.getvalue() if tags else ""


def _is_guarded(value: str) -> bool:
    """Whether `value` gets a quote before it in a file.

    Quotes at its start don't count, so that adding one changes nothing about the answer: a value that has quotes of its
    own before a formula comes back with as many.
    """
    return is_formula(value) or value.lstrip("'")[:1].isspace() or value[-1:].isspace()
