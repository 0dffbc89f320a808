"""A line of text in pieces, as markup cuts it, that is read as one and changed where it may be."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate

# What stands for a piece that no rule may look into: its edges, as a word, a reader's value or Han. They are of the
# private use area, which no text holds.
WORD, VALUE, HAN_WORD = "\ue000\ue001\ue002"
BREAK = "\u2028"  # a line's end that the writer asked for

Change = tuple[int, int, str]
"""From where to where in a text, and what stands there then."""

HAN = f"\u2e80-\u2fdf\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd{HAN_WORD}"
"""Han characters, for a set in a regular expression."""

_IS_HAN = re.compile(f"[{HAN}]")
_NOT_IN_ADDRESS = '\\s<>"“”‘’«»…—\u2e80-\u9fff\uff00-\uffef'
_OPAQUE = re.compile(
    r"@@[\w.-]+@@"  # a slot (render/slot.py)
    rf"|(?:https?://|mailto:|www\.)[^{_NOT_IN_ADDRESS}]*[^{_NOT_IN_ADDRESS}.,;:!?')]"
    r"|(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"
)


@dataclass
class Piece:
    """A run of characters at one depth of markup; what rules read of one they may not change is `stand_in`."""

    text: str
    depth: int = 0
    stand_in: str = ""


def cut_text(text: str, depth: int = 0) -> Iterator[Piece]:
    """`text` with its addresses and slots, which nothing may touch, in pieces of their own."""
    done = 0
    for found in _OPAQUE.finditer(text) if "@" in text or "www." in text or ":" in text else ():
        if found.start() > done:
            yield Piece(text[done : found.start()], depth)
        yield Piece(found[0], depth, VALUE if found[0].startswith("@@") else WORD)
        done = found.end()
    if done < len(text):
        yield Piece(text[done:], depth)


def hold_code(code: str, depth: int = 0) -> Piece:
    """A piece for what stands in code: a word, whatever is in it."""
    edges = (code[:1], code[-1:])
    return Piece(code, depth, "".join(HAN_WORD if _IS_HAN.match(edge) else WORD for edge in edges))


class Line:
    """Pieces read as one text. A change keeps to pieces that may be changed, and to the outermost of them."""

    def __init__(self, pieces: Iterable[Piece]) -> None:
        self.pieces = list(pieces)
        self.text = "".join([piece.stand_in or piece.text for piece in self.pieces])

    def change(self, changes: Iterable[Change]) -> None:
        """Write each `(start, end, text)` in place of what is there; they are in order and don't overlap."""
        wanted = [change for change in changes if self.text[change[0] : change[1]] != change[2]]
        if not wanted:
            return
        starts = [0, *accumulate(len(piece.stand_in or piece.text) for piece in self.pieces)]
        for change in reversed(wanted):  # from the end, so that what comes before keeps its place
            self._write(starts, *change)
        self.text = "".join([piece.stand_in or piece.text for piece in self.pieces])

    def _write(self, starts: list[int], start: int, end: int, text: str) -> None:
        touched = [n for n in self._beside(starts, start, end) if not self.pieces[n].stand_in]
        if not touched:
            return
        outermost = min(touched, key=lambda n: self.pieces[n].depth)
        for n in touched:
            piece, first, last = self.pieces[n], starts[n], starts[n + 1]
            there = piece.text
            kept = text if n == outermost else ""
            piece.text = there[: max(start - first, 0)] + kept + there[min(end, last) - first :]

    def _beside(self, starts: list[int], start: int, end: int) -> Iterator[int]:
        """The pieces that `start` to `end` are in; where nothing is between the two, those that meet there."""
        n = max(bisect_left(starts, start) - 1, 0)
        while n < len(self.pieces) and starts[n] <= end:
            first, last = starts[n], starts[n + 1]
            if (first < end and last > start) or first <= start == end <= last:
                yield n
            n += 1
