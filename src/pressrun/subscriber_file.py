"""Subscribers in CSV files: reads what spreadsheets and people write, and writes what spreadsheets can't run."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from pressrun.address import AddressError, parse_address
from pressrun.errors import UsageError
from pressrun.store.subscriber import RejectedRow, Row, Subscriber, find_fault, is_attribute_name

__all__ = ["RejectedRow", "Row", "SubscriberWriter", "read_subscribers", "write_subscribers"]

# In order: a file with both `email` and `address` means a postal address by the second.
_ADDRESS_HEADINGS = ("email", "e-mail", "邮箱", "address")
_NAME_HEADINGS = ("name", "姓名")
_DELIMITERS = ",;\t"
_HEADING_REMEDY = "make the first line name the columns: email,name and one heading for every other column"

_CHUNK = 1 << 20  # bytes
_LONGEST_LINE = 1 << 20  # characters
_MOST_LINES = 200  # physical lines that one row may span, quoted line breaks included
_LONGEST_TEXT = 1_000  # characters of a rejected row

# What a spreadsheet takes for the start of a formula (OWASP, "CSV Injection"), full-width forms included.
_FORMULA_STARTS = frozenset("=+-@\t\r\n＝＋－＠")


class _RowError(Exception):
    """The row can't be taken; `torn` where its lines may not belong together."""

    def __init__(self, reason: str, torn: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.torn = torn


def read_subscribers(path: Path) -> Iterator[Row | RejectedRow]:
    """The rows of the CSV file at `path`, one by one, each good or rejected with its line and reason.

    UTF-8 (with or without BOM), UTF-16 with BOM, or GB18030; comma, semicolon or tab. One column is headed `email`,
    `e-mail`, `邮箱` or `address`, one may be headed `name` or `姓名`; every other one is an attribute. A short row says
    nothing about what it lacks. Raises `UsageError` for a file that can't be read or has no such heading.
    """
    encoding = _detect_encoding(path)
    with path.open(encoding=encoding, newline="") as stream:
        lines = _Lines(stream, path)
        heading = _read_heading(lines, path)
        yield from _read_rows(lines, heading)


def write_subscribers(
    subscribers: Iterable[Subscriber], stream: TextIO, attributes: Collection[str] | None = None
) -> None:
    """Write `subscribers` as CSV to `stream`, which was opened in UTF-8 with `newline=""`.

    The columns are email, name and `attributes` in order of the alphabet. Without these, all attributes in use: then
    the subscribers are held in memory meanwhile.
    """
    if attributes is None:
        subscribers = list(subscribers)
        attributes = {name for subscriber in subscribers for name in subscriber.attributes}
    writer = SubscriberWriter(stream, attributes)
    for subscriber in subscribers:
        writer.write(subscriber)


class SubscriberWriter:
    """Writes subscribers as CSV one by one, the heading first."""

    def __init__(self, stream: TextIO, attributes: Collection[str]) -> None:
        self._names = sorted(attributes)
        self._writer = csv.writer(stream)
        self._write_cells(["email", "name", *self._names])

    def write(self, subscriber: Subscriber) -> None:
        """Write one row; attributes without a column are left out."""
        values = (subscriber.attributes.get(name, "") for name in self._names)
        self._write_cells([subscriber.address, subscriber.name, *values])

    def _write_cells(self, values: Sequence[str]) -> None:
        self._writer.writerow([f"'{value}" if _is_guarded(value) else value for value in values])


def _read_cell(cell: str) -> str:
    """What `cell` says: less the writer's guard, or else less the space around it."""
    if cell.startswith("'") and _is_guarded(cell[1:]):
        return cell[1:]
    return cell.strip()


def _is_guarded(value: str) -> bool:
    """Whether `value` gets a quote before it in a file.

    It starts like a formula or has space around it. Quotes at its start don't count, so that adding one changes nothing
    about the answer: a value that has quotes of its own before a formula comes back with as many.
    """
    first = value.lstrip("'")[:1]
    return first in _FORMULA_STARTS or first.isspace() or value[-1:].isspace()


def _detect_encoding(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            start = stream.read(2)
        if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            candidates = {"utf-16": "UTF-16, as its first bytes say"}
        else:
            # Never Latin-1: it takes anything, and makes of Chinese what nobody can read.
            candidates = {"utf-8-sig": "UTF-8", "gb18030": "GB18030"}
        faults = []
        for encoding in candidates:
            line = _find_undecodable_line(path, encoding)
            if line is None:
                return encoding
            faults.append(line)
    except OSError as error:
        raise UsageError(f"{path}: can't be read: {error.strerror}", "name a CSV file") from None
    raise UsageError(f"{path}:{faults[0]}: this is not {' or '.join(candidates.values())}", "save the file as UTF-8")


def _find_undecodable_line(path: Path, encoding: str) -> int | None:
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 1
    with path.open("rb") as stream:
        try:
            while chunk := stream.read(_CHUNK):
                line += decoder.decode(chunk).count("\n")
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            return line + error.object[: error.start].decode(encoding, "ignore").count("\n")
    return None


class _Lines:
    """The physical lines of a file for a CSV reader; remembers those of the row at hand and can take them back."""

    def __init__(self, stream: TextIO, path: Path) -> None:
        self._stream = stream
        self._path = path
        self._returned: list[str] = []
        self._row: list[str] = []
        self.number = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if len(self._row) == _MOST_LINES:
            raise _RowError("a quotation mark opens here and isn't closed", torn=True)
        line = self._returned.pop() if self._returned else self._stream.readline(_LONGEST_LINE)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) == _LONGEST_LINE:
            raise UsageError(f"{self._path}:{self.number}: this line has no end", "name a CSV file")
        self._row.append(line)
        return line

    def begin_row(self) -> int:
        """Forget the row before; the number of the line that comes next."""
        self._row.clear()
        return self.number + 1

    def reject_row(self, fault: _RowError) -> RejectedRow:
        """The row at hand as a rejected one. Of a torn row only the first line: the others are read again."""
        number = self.number - len(self._row) + 1
        if fault.torn:
            self._returned.extend(reversed(self._row[1:]))
            self.number = number
            del self._row[1:]
        text = "".join(self._row).rstrip("\r\n")
        if len(text) > _LONGEST_TEXT:
            text = text[: _LONGEST_TEXT - 1] + "…"
        return RejectedRow(number, text, fault.reason)


@dataclass(frozen=True)
class _Heading:
    """Which column holds what."""

    delimiter: str
    address: int
    name: int | None
    attributes: tuple[tuple[int, str], ...]
    columns: int

    def read(self, line: int, cells: Sequence[str]) -> Row:
        """The row that `cells` are. Raises `_RowError`."""
        if len(cells) > self.columns and any(cells[self.columns :]):
            raise _RowError(f"{len(cells)} cells under {self.columns} headings", torn=True)
        values = [_read_cell(cell) if cell[:1] == "'" else cell.strip() for cell in cells]
        present = len(values)
        if present <= self.address or not values[self.address]:
            raise _RowError("no address")
        name = values[self.name] if self.name is not None and self.name < present else None
        attributes = {key: values[column] for column, key in self.attributes if column < present}
        reason = find_fault(name or "", attributes)
        if reason:
            raise _RowError(reason, torn=_has_break(name or ""))
        address = values[self.address]
        try:
            return Row(line, parse_address(address), name, attributes)
        except AddressError as error:
            raise _RowError(str(error), torn=_has_break(address)) from None


def _has_break(text: str) -> bool:
    # In a name or an address this comes of a quotation mark that wasn't closed.
    return "\n" in text or "\r" in text


def _read_rows(lines: _Lines, heading: _Heading) -> Iterator[Row | RejectedRow]:
    # Strict: a row with a stray quotation mark is rejected, not guessed at.
    reader = csv.reader(lines, delimiter=heading.delimiter, strict=True)
    while True:
        line = lines.begin_row()
        try:
            cells = next(reader)
            if any(cells):
                yield heading.read(line, cells)
        except StopIteration:
            return
        except _RowError as fault:
            yield lines.reject_row(fault)
            reader = csv.reader(lines, delimiter=heading.delimiter, strict=True)
        except csv.Error as error:
            yield lines.reject_row(_RowError(_explain(error), torn=True))
            reader = csv.reader(lines, delimiter=heading.delimiter, strict=True)


def _explain(error: csv.Error) -> str:
    match str(error):
        case "unexpected end of data":
            return "a quotation mark opens here and isn't closed"
        case text if "field limit" in text:
            return f"a cell is longer than {csv.field_size_limit():,} characters"
        case _:
            return "a quotation mark stands inside a quoted cell: write it twice"


def _read_heading(lines: _Lines, path: Path) -> _Heading:
    text = _first_line(lines)
    place = f"{path}:{max(lines.number, 1)}"
    best = max(_DELIMITERS, key=lambda delimiter: _score(_split(text, delimiter)))
    names = _split(text, best)
    address = _find(names, _ADDRESS_HEADINGS)
    if address is None:
        raise UsageError(f"{place}: no column is headed email", _HEADING_REMEDY)
    name = _find(names, _NAME_HEADINGS)
    # Spreadsheets leave delimiters behind for columns that were emptied.
    columns = max(n for n, key in enumerate(names, start=1) if key)
    attributes = tuple((n, key) for n, key in enumerate(names[:columns]) if n not in (address, name))
    _check_attributes([key for _, key in attributes], place)
    return _Heading(best, address, name, attributes, columns)


def _first_line(lines: _Lines) -> str:
    while True:
        lines.begin_row()
        line = next(lines, "")
        if not line or line.strip():
            return line


def _score(names: Sequence[str]) -> tuple[bool, int]:
    return _find(names, _ADDRESS_HEADINGS) is not None, len(names)


def _split(text: str, delimiter: str) -> list[str]:
    try:
        return [_read_cell(cell) for cell in next(csv.reader([text.rstrip("\r\n")], delimiter=delimiter), [])]
    except csv.Error:
        return []


def _find(names: Sequence[str], headings: Sequence[str]) -> int | None:
    folded = [name.casefold() for name in names]
    return next((folded.index(heading) for heading in headings if heading in folded), None)


def _check_attributes(names: Sequence[str], place: str) -> None:
    for n, name in enumerate(names):
        if name in names[:n]:
            raise UsageError(f"{place}: two columns are headed {name!r}", "give each column a heading of its own")
        if not is_attribute_name(name):
            message = f"{place}: {name!r} can't head a column" if name else f"{place}: a column has no heading"
            raise UsageError(message, "give it one in printable characters, or remove it")
