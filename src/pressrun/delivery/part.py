"""A text part of a message: its literals in the transfer encoding that suits them, and where values go."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pressrun.delivery.mime import BOUNDARY_MARK
from pressrun.delivery.transfer import Base64, EightBit, Encoding, QuotedPrintable
from pressrun.delivery.value import Places
from pressrun.render.slot import SlottedText

_LINE_END = re.compile(r"\r\n|\r|\n")


class Part:
    """A MIME part with its own header; its literals are encoded once."""

    def __init__(self, subtype: str, text: SlottedText, places: Places, *, eight_bit: bool = False) -> None:
        literals = [encode_text(literal) for literal in text.literals]
        numbers = [places[pair] for pair in zip(text.slots, text.escapes, strict=True)]
        base64, quoted = Base64(literals, numbers), QuotedPrintable(literals, numbers)
        self._seven_bit: Encoding = base64 if base64.size <= quoted.size else quoted
        self._header = _write_header(subtype, self._seven_bit)
        whole = EightBit(literals, numbers, BOUNDARY_MARK)
        self._eight_bit = whole if eight_bit and whole.is_possible else None
        self._eight_bit_header = _write_header(subtype, whole)

    def append(self, values: Sequence[bytes], out: list[bytes]) -> None:
        """Add header and body, filled with `values` by place, to `out`; lines end with CRLF, but for the last."""
        if self._eight_bit is not None and self._eight_bit.fits(values):
            out.append(self._eight_bit_header)
            self._eight_bit.append(values, out)
        else:
            out.append(self._header)
            self._seven_bit.append(values, out)

    def append_canonical(self, values: Sequence[bytes], out: list[bytes]) -> None:
        """Like `append`, but what DKIM hashes of it (RFC 6376 §3.4.4); only 8bit is written otherwise."""
        if self._eight_bit is not None and self._eight_bit.fits(values):
            out.append(self._eight_bit_header)
            self._eight_bit.append_canonical(values, out)
        else:
            self.append(values, out)

    @property
    def beginning(self) -> bytes:
        """What is the same for everybody at its start, where it is not 8bit for some."""
        return b"" if self._eight_bit else self._header + self._seven_bit.beginning


def encode_text(text: str) -> bytes:
    """`text` in UTF-8 with CRLF for every line end; a lone surrogate becomes a question mark."""
    return _LINE_END.sub("\r\n", text).encode(errors="replace")


def _write_header(subtype: str, encoding: Encoding) -> bytes:
    return (
        f'Content-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: {encoding.name}\r\n\r\n'
    ).encode()
