"""Lines of HTML: breaks those that are too long for a message where a break means nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

_WIDTH = 300  # octets after which the next chance is taken; most are not far from one another
_TAG = re.compile(r"""<[A-Za-z](?:[^"'<>]|"[^"]*"|'[^']*')*>""")
_BLANK = re.compile(r""""[^"]*"|'[^']*'|( )""")


def break_lines(html: str) -> str:
    """`html` with line breaks for some of the blanks between attributes.

    A renderer writes lines of 30 KB. Without these breaks hardly a mail could go as 8bit, which allows 998 octets.
    """
    pieces: list[str] = []
    done = column = 0
    for blank in _find_blanks(html):
        piece = html[done:blank]
        pieces.append(piece)
        end = piece.rfind("\n") + 1
        column = len(piece[end:].encode(errors="replace")) + (0 if end else column)
        done = blank
        if column >= _WIDTH:
            pieces.append("\n")
            done, column = blank + 1, 0
    return "".join((*pieces, html[done:]))


def _find_blanks(html: str) -> Iterator[int]:
    for tag in _TAG.finditer(html):
        for match in _BLANK.finditer(html, tag.start(), tag.end()):
            if match[1]:
                yield match.start()
