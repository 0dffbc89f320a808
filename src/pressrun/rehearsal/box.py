"""The box: one file that holds every message a rehearsal received, in the order in which they came."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Received(NamedTuple):
    """A message as the receiver took it, dots unstuffed; `recipient` is the envelope's, `number` counts from 1."""

    number: int
    recipient: str
    content: bytes


class Box:
    """Adds messages to a new file: a line with the octets and the recipient, then the octets.

    A file a message would be a million files.
    """

    def __init__(self, file: Path) -> None:
        self._descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._size = 0

    def add(self, recipient: str, content: bytes) -> None:
        """Keep a message whole, or raise OSError with nothing of it kept."""
        record = b"%d %b\n%b" % (len(content), recipient.encode(), content)
        rest = memoryview(record)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:
            os.ftruncate(self._descriptor, self._size)
            os.lseek(self._descriptor, self._size, os.SEEK_SET)
            raise
        self._size += len(record)

    def close(self) -> None:
        """Add nothing more."""
        os.close(self._descriptor)


def read_box(file: Path) -> Iterator[Received]:
    """The messages in the file, one after another."""
    with file.open("rb", buffering=1 << 20) as stream:
        number = 0
        while line := stream.readline():
            octets, _, recipient = line[:-1].partition(b" ")
            number += 1
            yield Received(number, recipient.decode(), stream.read(int(octets)))
