"""Writes subscribers as CSV that no spreadsheet runs, or as JSON lines; either comes back the same on import."""

from __future__ import annotations

import csv
import json
from collections.abc import Collection, Iterable, Sequence
from typing import TextIO

from pressrun.store.subscriber import RejectedRow, Subscriber
from pressrun.subscriber_file.cell import guard_cell, write_tags
from pressrun.subscriber_file.format import TAGS_HEADING


def write_subscribers(
    subscribers: Iterable[Subscriber], stream: TextIO, attributes: Collection[str] | None = None
) -> None:
    """Write `subscribers` as CSV to `stream`, which was opened in UTF-8 with `newline=""`.

    The columns are email, name, tags where anybody has one, and `attributes` in order of the alphabet. Without these,
    all attributes in use: then the subscribers are held in memory meanwhile.
    """
    subscribers = subscribers if attributes is not None else list(subscribers)
    with_tags = isinstance(subscribers, list) and any(subscriber.tags for subscriber in subscribers)
    if attributes is None:
        attributes = {name for subscriber in subscribers for name in subscriber.attributes}
    writer = SubscriberWriter(stream, attributes, with_tags)
    for subscriber in subscribers:
        writer.write(subscriber)


class SubscriberWriter:
    """Writes subscribers as CSV one by one, the heading first."""

    def __init__(self, stream: TextIO, attributes: Collection[str], with_tags: bool = False) -> None:
        self._names = sorted(attributes)
        self._writer = csv.writer(stream)
        # An attribute called like the column of tags would be taken for it, were there none.
        self._with_tags = with_tags or any(name.casefold() == TAGS_HEADING for name in attributes)
        self._write_cells(["email", "name", *([TAGS_HEADING] if self._with_tags else []), *self._names])

    def write(self, subscriber: Subscriber) -> None:
        """Write one row; attributes without a column are left out."""
        values = (subscriber.attributes.get(name, "") for name in self._names)
        tags = [write_tags(subscriber.tags)] if self._with_tags else []
        self._write_cells([subscriber.address, subscriber.name, *tags, *values])

    def _write_cells(self, values: Sequence[str]) -> None:
        self._writer.writerow([guard_cell(value) for value in values])


class JsonWriter:
    """Writes subscribers as JSON lines one by one."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, subscriber: Subscriber) -> None:
        """Write one line: email, name, tags, attributes."""
        values = {
            "email": subscriber.address,
            "name": subscriber.name,
            "tags": list(subscriber.tags),
            "attributes": dict(subscriber.attributes),
        }
        self._stream.write(json.dumps(values, ensure_ascii=False) + "\n")


class RejectionWriter:
    """Writes the rows that an import didn't take as CSV, each with its line and reason."""

    def __init__(self, stream: TextIO) -> None:
        self._writer = csv.writer(stream)
        self._writer.writerow(["file", "line", "reason", "text"])

    def write(self, row: RejectedRow) -> None:
        """Write one row."""
        self._writer.writerow([guard_cell(row.file), row.line, guard_cell(row.reason), guard_cell(row.text)])
