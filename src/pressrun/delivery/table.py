"""Writes tables and what servers said as Markdown, so that it shows as it was said."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

_MARKS = re.compile(r"([\\`*_{}\[\]<>|#~])")


def plain(text: str) -> str:
    """`text` on one line, with no marks of its own that Markdown or HTML would take for theirs."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))


def unlinked(text: str) -> str:
    """`text` on one line for a table that takes links in Markdown's form and nothing else of Markdown."""
    return " ".join(text.split()).replace("](", "] (")


def table(head: Sequence[str], rows: Sequence[Sequence[str]], texts: Collection[str] = ()) -> str:
    """A table of cells that are Markdown already; empty where it has no rows.

    The first column and those called as in `texts` stand to the left, others to the right, as numbers do.
    """
    if not rows:
        return ""
    rule = ["---" if number == 0 or name in texts else "---:" for number, name in enumerate(head)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))
