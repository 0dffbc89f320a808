"""Reads what the receiver wrote down, whole or as it grows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from torture.account import Receipt


class Journal:
    """The receiver's journal, seen from outside its process."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._seen = self._count = 0

    def count(self) -> int:
        """How many messages it has taken by now; reads only what has come since the last time."""
        if self.file.exists():
            with self.file.open("rb") as file:
                file.seek(self._seen)
                fresh = file.read()
            self._seen += len(fresh)
            self._count += fresh.count(b"\n")
        return self._count

    def receipts(self) -> Iterator[Receipt]:
        """Every message it has taken."""
        text = self.file.read_text(encoding="utf-8") if self.file.exists() else ""
        for line in text.splitlines():
            record = json.loads(line)
            yield Receipt(record["id"], record["to"], record["queue"], record["digest"])
