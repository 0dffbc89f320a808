"""What the command line writes on a screen: a name, a cell or a server's words can't steer the terminal.

A terminal obeys what follows ESC: titles, clipboards, even typed keys. So whatever prints, control characters come out
as `\\u001b`, which in JSON still says the same.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

_LINES = r"\n\t\r"
_CONTROLS = rf"(?![{_LINES}])[\x00-\x1f\x7f-\x9f]|\r(?!\n|\Z)"  # a lone CR lets the rest be written over the line
_LONE = r"|[\ud800-\udfff]"  # no stream of UTF-8 takes one
_TURNS = r"|[\u202a-\u202e\u2066-\u2069]"  # what makes a line read backwards (CVE-2021-42574)
_COLOUR = r"\x1b\[[0-9;]*m"  # as logs use it; hides and moves nothing

_DATA = re.compile(_CONTROLS + _LONE)
_SHOWN = re.compile(_CONTROLS + _LONE + _TURNS)
_COLOURED = re.compile(rf"(?!{_COLOUR})(?:{_CONTROLS}{_LONE}{_TURNS})")


def visible(text: str) -> str:
    """`text` with each character that steers a terminal, or turns a line round, written as an escape like `\\u202e`."""
    return _SHOWN.sub(_write_out, text)


def _write_out(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


class _Screen:
    """A stream that lets through what `steering` does not match."""

    def __init__(self, stream: TextIO, steering: re.Pattern[str]) -> None:
        self.stream = stream
        self._steering = steering

    def write(self, text: str) -> int:
        self.stream.write(self._steering.sub(_write_out, text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def unguarded(stream: TextIO) -> TextIO:
    """The stream itself, for what has cleaned its texts and draws with a terminal's own means."""
    return stream.stream if isinstance(stream, _Screen) else stream


@contextmanager
def guarded_screen() -> Iterator[None]:
    """Guard standard output and error while the block runs.

    Into a file or pipe goes what is data as it is, but for control characters: somebody will look at it in the end.
    """
    out, err = sys.stdout, sys.stderr
    sys.stdout = cast(TextIO, _Screen(out, _SHOWN if out.isatty() else _DATA))
    sys.stderr = cast(TextIO, _Screen(err, _COLOURED))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = out, err
