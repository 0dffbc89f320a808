"""Transfer encodings (RFC 2045 §6) of texts with slots: what is the same for everybody is encoded once."""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Sequence
from functools import cached_property
from typing import Protocol

LONGEST_LINE = 998  # RFC 5322 §2.1.1, without the CRLF
_CRLF = b"\r\n"
_SOFT = b"=\r\n"
_BASE64_LINE = 76
_BASE64_OCTETS = 57
_SHORT = 4  # octets that it is faster to encode together with the values around them
_QUOTED_LINE = 75  # and the "=" of a soft line break


class Encoding(Protocol):
    """A text in a transfer encoding; it was made of literals and, between each two, the number of a value.

    Values are UTF-8 of one line. `size` is how many octets the literals take, `beginning` what stands before any value.
    """

    name: str
    size: int
    beginning: bytes

    def append(self, values: Sequence[bytes], out: list[bytes]) -> None:
        """Add the filled text to `out`, its lines parted by CRLF."""


def encode_base64(raw: bytes) -> bytes:
    """Lines of 76 characters, parted by CRLF."""
    whole = b2a_base64(raw, newline=False)
    if len(whole) <= _BASE64_LINE:
        return whole
    if len(whole) <= 2 * _BASE64_LINE:
        return whole[:_BASE64_LINE] + _CRLF + whole[_BASE64_LINE:]
    return _CRLF.join([whole[n : n + _BASE64_LINE] for n in range(0, len(whole), _BASE64_LINE)])


_Cut = tuple[bytes, bytes, bytes]
"""What fills up the three octets begun, the encoded lines after it, and what begins the next three."""


class Base64:
    """Lines may be short (RFC 2045 §6.8), so each value has its own.

    What follows is then one of three encodings, by how many octets of a group of three were open.
    """

    name = "base64"

    def __init__(self, literals: Sequence[bytes], places: Sequence[int]) -> None:
        first, *others = literals
        whole = len(first) // 3 * 3 if others else len(first)
        self.beginning, self._open = encode_base64(first[:whole]), first[whole:]
        if self.beginning and others:
            self.beginning += _CRLF
        lasts = [False] * (len(others) - 1) + [True]
        cuts = [
            [_cut(literal, begun, last) for begun in range(3)] for literal, last in zip(others, lasts, strict=False)
        ]
        self._steps = tuple(zip(places, cuts, strict=True))
        self.size = len(encode_base64(b"".join(literals)))

    def append(self, values: Sequence[bytes], out: list[bytes]) -> None:
        """See `Encoding`."""
        line = self._open
        out.append(self.beginning)
        for place, cuts in self._steps:
            line += values[place]
            head, encoded, tail = cuts[len(line) % 3]
            line += head
            if encoded:
                out.append(b2a_base64(line, newline=False) if len(line) <= _BASE64_OCTETS else encode_base64(line))
                out.append(encoded if line else encoded[2:])
                line = tail
        out.append(encode_base64(line))


def _cut(literal: bytes, begun: int, is_last: bool) -> _Cut:
    """`literal` after `begun` octets of a group; its encoding begins with the CRLF of the line before."""
    start = -begun % 3
    end = len(literal) if is_last else start + (len(literal) - start) // 3 * 3
    if len(literal) < (start if is_last else _SHORT) or (is_last and start == end):
        return literal, b"", b""
    encoded = encode_base64(literal[start:end])
    return literal[:start], _CRLF + encoded + (_CRLF if encoded and not is_last else b""), literal[end:]


class QuotedPrintable:
    """Written so that no line begins with a dot and DKIM's relaxed canonical form changes nothing (RFC 6376 §3.4.4)."""

    name = "quoted-printable"

    def __init__(self, literals: Sequence[bytes], places: Sequence[int]) -> None:
        first, *others = (_quote_literal(literal, n > 0) for n, literal in enumerate(literals))
        self.beginning, self._open = first, len(first) - first.rfind(b"\n") - 1
        self._steps = tuple((place, *_span(literal)) for place, literal in zip(places, others, strict=True))
        self.size = len(first) + sum(map(len, others))

    def append(self, values: Sequence[bytes], out: list[bytes]) -> None:
        """See `Encoding`."""
        out.append(self.beginning)
        column = self._open
        for place, literal, head, tail in self._steps:
            value = _quote_value(values[place])
            if column and column + len(value) > _QUOTED_LINE:
                out.append(_SOFT)
                column = 0
            if len(value) > _QUOTED_LINE:
                lines = _wrap(value)
                value, column = _SOFT.join(lines), len(lines[-1])
            else:
                column += len(value)
            out.append(value)
            if column and column + head > _QUOTED_LINE:
                out.append(_SOFT)
                column = 0
            out.append(literal)
            column = column + head if tail is None else tail


def _span(literal: bytes) -> tuple[bytes, int, int | None]:
    """An encoded literal, the length of its first line and, where that isn't all, of its last."""
    first = literal.find(_CRLF)
    return (literal, len(literal), None) if first < 0 else (literal, first, len(literal) - literal.rfind(b"\n") - 1)


_PLAIN = bytes(set(range(33, 127)) - set(b"="))
_QUOTED = [bytes((octet,)) if octet in _PLAIN or octet == 32 else b"=%02X" % octet for octet in range(256)]


def _quote_literal(raw: bytes, follows_value: bool) -> bytes:
    first, *others = map(_quote_line, raw.split(_CRLF))
    lines = (_quote_begin(first) if follows_value else first, *others)
    return _CRLF.join(_SOFT.join(_wrap(line)) for line in lines)


def _quote_value(raw: bytes) -> bytes:
    # Octet by octet would take a microsecond and more: most values are plain, or beyond ASCII as a whole.
    if not raw.isascii():
        return b"=" + raw.hex("=").upper().encode()
    return _guard(_quote_begin(_quote_line(raw)) if raw.translate(None, _PLAIN) else raw)


def _quote_line(raw: bytes) -> bytes:
    """A line without soft breaks; of its blanks none follows another, and none ends it."""
    quoted = b"".join([_QUOTED[octet] for octet in raw]).replace(b"  ", b" =20")
    return quoted[:-1] + b"=20" if quoted.endswith(b" ") else quoted


def _quote_begin(quoted: bytes) -> bytes:
    """Without a blank at its beginning: whatever stands before it may end with one."""
    return b"=20" + quoted[1:] if quoted.startswith(b" ") else quoted


def _guard(quoted: bytes) -> bytes:
    """Fit to begin a line: without a dot, which SMTP would double, or "From ", which mailboxes quote."""
    if quoted.startswith((b".", b"From ")):
        return b"=%02X" % quoted[0] + quoted[1:]
    return quoted


def _wrap(quoted: bytes) -> list[bytes]:
    """A quoted line in pieces for soft line breaks, none of which cuts a "=20" in two."""
    lines: list[bytes] = []
    start = 0
    while True:
        line = _guard(quoted[start : start + _QUOTED_LINE + 1])
        added = len(line) - len(quoted[start : start + _QUOTED_LINE + 1])
        if len(line) <= _QUOTED_LINE:
            return [*lines, line]
        end = _QUOTED_LINE - (1 if line[74:75] == b"=" else 2 if line[73:74] == b"=" else 0)
        lines.append(line[:end])
        start += end - added


class EightBit:
    """The text as it is (RFC 6152); `fits` tells whether it may be, with certain values."""

    name = "8bit"

    def __init__(self, literals: Sequence[bytes], places: Sequence[int], forbidden: bytes) -> None:
        self.beginning, *others = literals
        self._steps = tuple(zip(places, others, strict=True))
        self._places, self._forbidden = places, forbidden
        lines = b"".join(literals).split(_CRLF)  # as long as if all values were empty
        self._longest = max(map(len, lines))
        whole = b"".join(literals)
        self.is_possible = self._longest <= LONGEST_LINE and b"\0" not in whole and forbidden not in whole
        self.size = len(whole)

    def fits(self, values: Sequence[bytes]) -> bool:
        """Whether no line gets too long (RFC 5322 §2.1.1), and no value holds what ends a part."""
        filling = b" ".join([values[place] for place in self._places])
        if self._forbidden in filling:
            return False
        if self._longest + len(filling) <= LONGEST_LINE:
            return True
        out: list[bytes] = []
        self.append(values, out)
        return max(map(len, b"".join(out).split(_CRLF))) <= LONGEST_LINE

    def append(self, values: Sequence[bytes], out: list[bytes]) -> None:
        """See `Encoding`."""
        _append_raw(self.beginning, self._steps, values, out)

    def append_canonical(self, values: Sequence[bytes], out: list[bytes]) -> None:
        """Add the filled text in relaxed canonical form (RFC 6376 §3.4.4) to `out`: it is not on the wire so."""
        # An empty value, say, may leave two blanks side by side, or one at the end of a line.
        filling = b"|%b|" % b"|".join([values[place] for place in self._places])
        if self._places and any(odd in filling for odd in _LOOSE):
            whole: list[bytes] = []
            self.append(values, whole)
            out.append(_relax(b"".join(whole), is_last=True))
        else:
            _append_raw(*self._canonical, values, out)

    @cached_property
    def _canonical(self) -> tuple[bytes, _Steps]:
        *others, last = (self.beginning, *(literal for _, literal in self._steps))
        first, *rest = [_relax(literal) for literal in others] + [_relax(last, is_last=True)]
        return first, tuple(zip(self._places, rest, strict=True))


_Steps = tuple[tuple[int, bytes], ...]
_LOOSE = (b"||", b"| ", b" |", b"  ", b"\t")
_BLANKS = re.compile(rb"[ \t]+")


def _append_raw(beginning: bytes, steps: _Steps, values: Sequence[bytes], out: list[bytes]) -> None:
    out.append(beginning)
    for place, literal in steps:
        out += (values[place], literal)


def _relax(text: bytes, *, is_last: bool = False) -> bytes:
    relaxed = _BLANKS.sub(b" ", text).replace(b" \r\n", b"\r\n")
    return relaxed.removesuffix(b" ") if is_last else relaxed
