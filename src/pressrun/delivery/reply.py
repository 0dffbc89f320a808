"""Replies as a relay sends them: read out of octets in whatever pieces they come (RFC 5321 §4.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

LONGEST = 65_536
"""Octets of a reply, or of a line that does not end, after which a relay is not making sense."""


class ReplyError(Exception):
    """What came is no reply."""


class Reply(NamedTuple):
    """A relay's answer as it came; most are never read beyond the code."""

    code: int
    octets: bytes

    @property
    def text(self) -> str:
        """What it says; the lines of a longer one are parted by blanks, octets that are not UTF-8 are surrogates."""
        return self.octets.decode("utf-8", "surrogateescape").rstrip("\r")


class ReplyReader:
    """Takes octets, gives replies; what is not complete waits for more."""

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[bytes] = []
        self._octets = 0

    def read(self, octets: bytes) -> Iterator[Reply]:
        """The replies that `octets` complete. Raises ReplyError at what is none, behind those that came before it."""
        *lines, self._rest = (self._rest + octets).split(b"\n")
        for line in lines:
            code = _CODES.get(line[:3])
            if code is not None and line[3:4] == b" " and not self._lines:  # nearly all
                yield Reply(code, line[4:])
            elif (reply := self._take(code, line)) is not None:
                yield reply
        if len(self._rest) > LONGEST:
            raise ReplyError("a line without an end")

    def _take(self, code: int | None, line: bytes) -> Reply | None:
        mark, text = line[3:4], line[4:].rstrip(b"\r")
        # RFC 5321 §4.2: three digits, then a blank, a hyphen where lines follow, or the line's end.
        if code is None or mark not in (b" ", b"-", b"", b"\r"):
            raise ReplyError(f"no reply: {line[:80].decode('ascii', 'replace')}")
        if mark != b"-" and not self._lines:
            return Reply(code, text)
        self._octets += len(line)
        if self._octets > LONGEST:
            raise ReplyError("a reply without an end")
        self._lines.append(text)
        if mark == b"-":
            return None
        lines, self._lines, self._octets = self._lines, [], 0
        return Reply(code, b" ".join(lines))


_CODES = {b"%03d" % code: code for code in range(1000)}
