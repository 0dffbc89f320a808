"""Opens a file of subscribers: finds out whose it is and what its columns are, and reads its rows one by one."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

from pressrun.attribute import AttributeSchema
from pressrun.store.subscriber import RejectedRow, Row, Standing
from pressrun.subscriber_file.archive import is_archive, list_archive, telling_damage
from pressrun.subscriber_file.csv_rows import read_heading, read_rows
from pressrun.subscriber_file.format import Column, FileFormat
from pressrun.subscriber_file.json_rows import read_json_rows
from pressrun.subscriber_file.lines import Lines, Source, detect_encoding

_BUFFER = 1 << 16  # bytes


@dataclass(frozen=True)
class SubscriberFile:
    """A file that was looked at: its format, and what becomes of its columns, of which JSON lines have none."""

    format: FileFormat
    columns: tuple[Column, ...]
    schema: AttributeSchema
    skipped: tuple[str, ...]
    parts: tuple[tuple[Source, str], ...]
    """Each with its encoding."""
    standing: Standing | None = None
    """What everybody in the file is, whatever it says of them itself."""

    def rows(self) -> Iterator[Row | RejectedRow]:
        """The rows, one by one, each good or rejected with its line and reason. Raises `UsageError`."""
        if self.standing is None:
            return self._read()
        return (row if isinstance(row, RejectedRow) else replace(row, standing=self.standing) for row in self._read())

    def _read(self) -> Iterator[Row | RejectedRow]:
        for source, encoding in self.parts:
            with telling_damage(source), ExitStack() as stack:
                lines = _open_lines(stack, source, encoding)
                if self.format is FileFormat.JSON_LINES:
                    yield from read_json_rows(lines, self.schema, self.skipped)
                else:
                    heading = read_heading(lines, source, self.schema, self.format, self.skipped)
                    yield from read_rows(lines, heading)


def open_subscribers(
    path: Path,
    format: FileFormat | None = None,
    schema: AttributeSchema | None = None,
    skipped: Sequence[str] = (),
    standing: Standing | None = None,
) -> SubscriberFile:
    """Look at the file at `path`; nothing but its beginning is understood yet.

    UTF-8 (with or without BOM), UTF-16 with BOM, or GB18030; CSV with comma, semicolon or tab, JSON lines, or a ZIP
    archive of Mailchimp or Substack. Without `format` it is told by the heading. Columns or keys in `skipped` are left
    out. With `standing`, everybody in it is that. Raises `UsageError` for a file that can't be read, has no heading, or
    holds attributes that `schema` doesn't declare.
    """
    schema = schema or AttributeSchema()
    sources = list_archive(path) if is_archive(path) else [Source(str(path), partial(_open_file, path))]
    parts: list[tuple[Source, str]] = []
    columns: list[Column] = []
    found = format
    for source in sources:
        with telling_damage(source), ExitStack() as stack:
            encoding = detect_encoding(source)
            parts.append((source, encoding))
            if found is None and _open_lines(stack, source, encoding).first().lstrip().startswith("{"):
                found = FileFormat.JSON_LINES
            if found is not FileFormat.JSON_LINES:
                lines = _open_lines(stack, source, encoding)
                heading = read_heading(lines, source, schema, found, skipped)
                found = heading.format
                columns += [column for column in heading.columns if column not in columns]
    return SubscriberFile(found or FileFormat.CSV, tuple(columns), schema, tuple(skipped), tuple(parts), standing)


def read_subscribers(path: Path, schema: AttributeSchema | None = None) -> Iterator[Row | RejectedRow]:
    """The rows of the file at `path`: see `open_subscribers`."""
    yield from open_subscribers(path, schema=schema).rows()


def _open_lines(stack: ExitStack, source: Source, encoding: str) -> Lines:
    stream = stack.enter_context(io.TextIOWrapper(source.open(), encoding=encoding, newline=""))
    return Lines(stream, source)


def _open_file(path: Path) -> BinaryIO:
    return path.open("rb", buffering=_BUFFER)
