"""The physical lines of a file of subscribers: in whatever encoding, bounded, and told by their numbers."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, TextIO

from pressrun.errors import UsageError
from pressrun.store.subscriber import RejectedRow

_CHUNK = 1 << 20  # bytes
_LONGEST_LINE = 1 << 20  # characters
_MOST_LINES = 200  # physical lines that one row may span, quoted line breaks included
_LONGEST_TEXT = 1_000  # characters of a rejected row


class RowError(Exception):
    """The row can't be taken; `torn` where its lines may not belong together."""

    def __init__(self, reason: str, torn: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.torn = torn


@dataclass(frozen=True)
class Source:
    """A file, or a file in an archive: `place` as messages name it, `name` for rejected rows of an archive."""

    place: str
    open: Callable[[], BinaryIO]
    name: str = ""


def detect_encoding(source: Source) -> str:
    """Python's name of the encoding of `source`: UTF-8, UTF-16 with BOM, or GB18030. Raises `UsageError`."""
    try:
        with source.open() as stream:
            start = stream.read(2)
        if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            candidates = {"utf-16": "UTF-16, as its first bytes say"}
        else:
            # Never Latin-1: it takes anything, and makes of Chinese what nobody can read.
            candidates = {"utf-8-sig": "UTF-8", "gb18030": "GB18030"}
        faults = []
        for encoding in candidates:
            line = _find_undecodable_line(source, encoding)
            if line is None:
                return encoding
            faults.append(line)
    except OSError as error:
        raise UsageError(f"{source.place}: can't be read: {error.strerror}", "name a CSV file") from None
    what = f"{source.place}:{faults[0]}: this is not {' or '.join(candidates.values())}"
    raise UsageError(what, "save the file as UTF-8")


def _find_undecodable_line(source: Source, encoding: str) -> int | None:
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 1
    with source.open() as stream:
        try:
            while chunk := stream.read(_CHUNK):
                line += decoder.decode(chunk).count("\n")
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            return line + error.object[: error.start].decode(encoding, "ignore").count("\n")
    return None


class Lines:
    """The physical lines of a file for a reader of rows; remembers those of the row at hand and can take them back."""

    def __init__(self, stream: TextIO, source: Source) -> None:
        self._stream = stream
        self._source = source
        self._returned: list[str] = []
        self._row: list[str] = []
        self.number = 0

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        if len(self._row) == _MOST_LINES:
            raise RowError("a quotation mark opens here and isn't closed", torn=True)
        line = self._returned.pop() if self._returned else self._stream.readline(_LONGEST_LINE)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) == _LONGEST_LINE:
            raise UsageError(f"{self._source.place}:{self.number}: this line has no end", "name a CSV file")
        self._row.append(line)
        return line

    def begin_row(self) -> int:
        """Forget the row before; the number of the line that comes next."""
        self._row.clear()
        return self.number + 1

    def reject_row(self, fault: RowError) -> RejectedRow:
        """The row at hand as a rejected one. Of a torn row only the first line: the others are read again."""
        number = self.number - len(self._row) + 1
        if fault.torn:
            self._returned.extend(reversed(self._row[1:]))
            self.number = number
            del self._row[1:]
        text = "".join(self._row).rstrip("\r\n")
        if len(text) > _LONGEST_TEXT:
            text = text[: _LONGEST_TEXT - 1] + "…"
        return RejectedRow(number, text, fault.reason, self._source.name)

    def first(self) -> str:
        """The first line that isn't blank; empty where there is none."""
        while True:
            self.begin_row()
            line = next(self, "")
            if not line or line.strip():
                return line
