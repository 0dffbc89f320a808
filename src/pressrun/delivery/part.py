"""A text part of a message, cut at its slots: what is the same for everybody is transfer-encoded once."""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Mapping

from pressrun.render.slot import Slot, SlottedText

_LINE_END = re.compile(r"\r\n|\r|\n")
_LINE_END_BYTES = re.compile(rb"\r\n|\r|\n")
# binascii ends a line with an encoded space without asking whether there is room (RFC 2045 §6.7, rule 5).
_LONG_LINE = re.compile(rb"^([^\r\n]{74,})(=20|=09)(?=\r?$)", re.MULTILINE)
_LINE = 57  # octets that make a line of 76 characters (RFC 2045 §6.8)

_Cut = tuple[bytes, bytes, bytes]
"""What ends the line that is open, the encoded whole lines after it, what begins the next one."""


class Part:
    """A MIME part with the transfer encoding that suits its text; `header` stands before it."""

    def __init__(self, subtype: str, text: SlottedText) -> None:
        self._literals = [_octets(literal) for literal in text.literals]
        self._slots, self._escape = text.slots, text.escape
        raw = b"".join(self._literals)
        self._is_base64 = len(_encode_base64(raw)) <= len(_encode_quoted_printable(raw))
        self._encode, self._cut = _BASE64 if self._is_base64 else _QUOTED_PRINTABLE
        self._cuts: dict[tuple[int, int], _Cut | None] = {}
        encoding = "base64" if self._is_base64 else "quoted-printable"
        self.header = (
            f'Content-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n'
        ).encode()

    def fill(self, values: Mapping[Slot, str]) -> bytes:
        """The part's encoded body, its lines parted by CRLF."""
        done: list[bytes] = []
        line = b""  # what is not encoded yet; grows by values and by literals too short to end it
        for n, literal in enumerate(self._literals):
            if n:
                line += _octets(self._escape(values[self._slots[n - 1]]))
            if (cut := self._cut_literal(n, len(line) % _LINE)) is None:
                line += literal
                continue
            done += (self._encode(line + cut[0]), cut[1])
            line = cut[2]
        body = b"".join((*done, self._encode(line)))
        return body.removesuffix(b"\r\n") if self._is_base64 else body

    def _cut_literal(self, n: int, begun: int) -> _Cut | None:
        """Literal `n` after `begun` octets of a line; None where it doesn't end that line."""
        place = n, begun if self._is_base64 else 0
        if place not in self._cuts:
            self._cuts[place] = self._cut(self._literals[n], begun)
        return self._cuts[place]


def _octets(text: str) -> bytes:
    return _LINE_END.sub("\r\n", text).encode()


def _encode_base64(raw: bytes) -> bytes:
    lines = [binascii.b2a_base64(raw[n : n + _LINE], newline=False) for n in range(0, len(raw), _LINE)]
    return b"\r\n".join((*lines, b"")) if lines else b""


def _cut_base64(literal: bytes, begun: int) -> _Cut | None:
    first = -begun % _LINE
    if len(literal) < first:
        return None
    last = first + (len(literal) - first) // _LINE * _LINE
    return literal[:first], _encode_base64(literal[first:last]), literal[last:]


def _encode_quoted_printable(raw: bytes) -> bytes:
    encoded = _LINE_END_BYTES.sub(b"\r\n", binascii.b2a_qp(raw, istext=True))
    return _LONG_LINE.sub(rb"\1=\r\n\2", encoded)


def _cut_quoted_printable(literal: bytes, begun: int) -> _Cut | None:
    first, last = literal.find(b"\r\n") + 2, literal.rfind(b"\r\n") + 2
    if first < 2:
        return None
    return literal[:first], _encode_quoted_printable(literal[first:last]), literal[last:]


_Encoding = tuple[Callable[[bytes], bytes], Callable[[bytes, int], _Cut | None]]
_BASE64: _Encoding = (_encode_base64, _cut_base64)
_QUOTED_PRINTABLE: _Encoding = (_encode_quoted_printable, _cut_quoted_printable)
