"""The levels of headings: what a writer begins at h2 is moved to where it stands in a mail or on a page."""

from __future__ import annotations

import re

_HEADING = re.compile(r"<(/?)h([2-6])(?=[ >])")


def shift_headings(html: str, top: int) -> str:
    """`html` with its `h2` made `h<top>` and the rest below it, none deeper than one step at a time."""
    # Levels that are open: what the writer gave, and what it became.
    given: list[int] = []
    made = top - 1

    def shift(match: re.Match[str]) -> str:
        nonlocal made
        if not match[1]:
            level = int(match[2])
            while given and given[-1] >= level:
                given.pop()
            given.append(level)
            made = min(6, top - 1 + len(given))
        return f"<{match[1]}h{made}"

    return _HEADING.sub(shift, html)
