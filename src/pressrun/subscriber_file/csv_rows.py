"""Rows of CSV files: the heading decides what each column is, and each row is good or rejected by itself."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pressrun.address import AddressError, ParsedAddress, parse_address
from pressrun.attribute import AttributeSchema
from pressrun.errors import UsageError
from pressrun.store.subscriber import Facts, RejectedRow, Row, Standing, find_fault, is_attribute_name
from pressrun.subscriber_file.cell import read_cell, read_tags
from pressrun.subscriber_file.format import ADDRESS_HEADINGS, Column, FileFormat, Use, arrange, recognise
from pressrun.subscriber_file.json_rows import read_attributes
from pressrun.subscriber_file.lines import Lines, RowError, Source
from pressrun.subscriber_file.record import judge
from pressrun.subscriber_file.values import check_tags, type_attributes

_DELIMITERS = ",;\t"
_REMEDY = "make the first line name the columns: email,name and one heading for every other column"
_ADDRESSES = (*ADDRESS_HEADINGS, "email address")


@dataclass(frozen=True)
class Heading:
    """Which column holds what."""

    format: FileFormat
    columns: tuple[Column, ...]
    delimiter: str
    source: Source
    schema: AttributeSchema
    address: int
    names: tuple[int, ...]
    attributes: tuple[tuple[int, str], ...]
    tags: int | None
    packed: int | None
    record: tuple[tuple[int, str], ...]

    def read(self, line: int, cells: Sequence[str]) -> Row:
        """The row that `cells` are. Raises `RowError`."""
        if len(cells) > len(self.columns) and any(cells[len(self.columns) :]):
            raise RowError(f"{len(cells)} cells under {len(self.columns)} headings", torn=True)
        values = [read_cell(cell) if cell[:1] == "'" else cell.strip() for cell in cells]
        present = len(values)
        if present <= self.address or not values[self.address]:
            raise RowError("no address")
        standing, facts = self._judge(values) if self.record else (Standing.MEMBER, None)
        if standing is not Standing.MEMBER:  # whatever their name: that they left is not to be lost
            return Row(line, self._parse(values), standing=standing, facts=facts)
        name = _join_name([values[column] for column in self.names if column < present])
        attributes = {key: values[column] for column, key in self.attributes if column < present}
        if self.packed is not None and self.packed < present and values[self.packed]:
            attributes |= read_attributes(values[self.packed])
        reason = find_fault(name or "", attributes)
        if reason:
            raise RowError(reason, torn=_has_break(name or ""))
        parsed = self._parse(values)
        attributes = type_attributes(self.schema, attributes)
        tags = check_tags(_read_tags(values[self.tags])) if self.tags is not None and self.tags < present else ()
        return Row(line, parsed, name, attributes, tags, standing, facts)

    def _parse(self, values: Sequence[str]) -> ParsedAddress:
        address = values[self.address]
        try:
            return parse_address(address)
        except AddressError as error:
            raise RowError(str(error), torn=_has_break(address)) from None

    def _judge(self, values: Sequence[str]) -> tuple[Standing, Facts]:
        record = {key: values[column] for column, key in self.record if column < len(values)}
        if fault := find_fault("", record):
            raise RowError(fault)
        return judge(self.format, self.source.place, record)


def read_heading(
    lines: Lines, source: Source, schema: AttributeSchema, wanted: FileFormat | None, skipped: Sequence[str]
) -> Heading:
    """The heading in the first line that holds anything. Raises `UsageError`."""
    text = lines.first()
    place = f"{source.place}:{max(lines.number, 1)}"
    best = max(_DELIMITERS, key=lambda delimiter: _score(_split(text, delimiter)))
    names = _split(text, best)
    # Spreadsheets leave delimiters behind for columns that were emptied.
    names = names[: max((n for n, key in enumerate(names, start=1) if key), default=0)]
    format = wanted or recognise(names)
    columns = arrange(names, format, skipped)
    address = _first_of(columns, Use.ADDRESS)
    if address is None:
        raise UsageError(f"{place}: no column is headed email", _REMEDY)
    _check_attributes(columns, place)
    _check_declared([one.key for one in columns if one.use is Use.ATTRIBUTE], place, schema)
    return Heading(
        format=format,
        columns=tuple(columns),
        delimiter=best,
        source=source,
        schema=schema,
        address=address,
        names=tuple(n for n, one in enumerate(columns) if one.use is Use.NAME),
        attributes=tuple((n, one.key) for n, one in enumerate(columns) if one.use is Use.ATTRIBUTE),
        tags=_first_of(columns, Use.TAGS),
        packed=_first_of(columns, Use.ATTRIBUTES),
        record=tuple((n, one.key) for n, one in enumerate(columns) if one.use is Use.RECORD),
    )


def read_rows(lines: Lines, heading: Heading) -> Iterator[Row | RejectedRow]:
    """The rows below the heading."""
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
        except RowError as fault:
            yield lines.reject_row(fault)
            reader = csv.reader(lines, delimiter=heading.delimiter, strict=True)
        except csv.Error as error:
            yield lines.reject_row(RowError(_explain(error), torn=True))
            reader = csv.reader(lines, delimiter=heading.delimiter, strict=True)


def _explain(error: csv.Error) -> str:
    match str(error):
        case "unexpected end of data":
            return "a quotation mark opens here and isn't closed"
        case text if "field limit" in text:
            return f"a cell is longer than {csv.field_size_limit():,} characters"
        case _:
            return "a quotation mark stands inside a quoted cell: write it twice"


def _join_name(parts: Sequence[str]) -> str | None:
    if len(parts) < 2:
        return parts[0] if parts else None
    first, last = parts[0], " ".join(parts[1:])
    if last and not (first + last).isascii() and not any(letter < "\u2e80" for letter in first + last):
        return last + first  # 伟 and 李 make 李伟
    return f"{first} {last}".strip()


def _read_tags(cell: str) -> tuple[str, ...]:
    try:
        return read_tags(cell)
    except csv.Error:
        raise RowError("the tags can't be told apart: part them with commas") from None


def _has_break(text: str) -> bool:
    # In a name or an address this comes of a quotation mark that wasn't closed.
    return "\n" in text or "\r" in text


def _score(names: Sequence[str]) -> tuple[bool, int]:
    return any(name.casefold() in _ADDRESSES for name in names), len(names)


def _split(text: str, delimiter: str) -> list[str]:
    try:
        return [read_cell(cell) for cell in next(csv.reader([text.rstrip("\r\n")], delimiter=delimiter), [])]
    except csv.Error:
        return []


def _first_of(columns: Sequence[Column], use: Use) -> int | None:
    return next((n for n, one in enumerate(columns) if one.use is use), None)


def _check_attributes(columns: Sequence[Column], place: str) -> None:
    """Of what becomes an attribute, each has a name of its own. Mailchimp itself heads two of its columns alike."""
    names = [one.key for one in columns if one.use is Use.ATTRIBUTE]
    for n, name in enumerate(names):
        if name in names[:n]:
            raise UsageError(f"{place}: two columns are headed {name!r}", "give each column a heading of its own")
        if not is_attribute_name(name):
            message = f"{place}: {name!r} can't head a column" if name else f"{place}: a column has no heading"
            raise UsageError(message, "give it one in printable characters, or remove it")


def _check_declared(names: Sequence[str], place: str, schema: AttributeSchema) -> None:
    if unknown := [name for name in names if schema.find(name) is None]:
        what = f"{place}: subscribers/attributes.yaml doesn't declare {', '.join(unknown)}"
        raise UsageError(
            what, f"declare it there, or leave it out: --skip {unknown[0]!r}; {schema.suggest(unknown[0])}"
        )
