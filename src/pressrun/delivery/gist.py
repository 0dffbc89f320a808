"""Tells what a server said without whom it said it about, for reports that must name nobody."""

from __future__ import annotations

import re

MOST = 200
"""Characters of a reply that a report shows."""

LONGEST = 1_000
"""Characters of it that are looked at, as many as the log keeps: a run without an @ costs the square of its length."""

HIDDEN = "…"
"""What stands where a person was named."""

# Bare, in angle brackets, quoted (RFC 5321 §4.1.2), or as part of a link; not in ASCII too.
_ADDRESS = re.compile(r'(?:"(?:[^"\\]|\\.){1,64}"|[^\s<>"\'(),:;=&?/\[\]]+)(?:@|%40)[^\s<>"\'(),:;&?/]+', re.IGNORECASE)
_SHORTEST = 3


def gist_of(text: str, address: str = "") -> str:
    """`text` without addresses, at most 200 characters; with `address`, without its part before the @ either."""
    text = _ADDRESS.sub(HIDDEN, text[:LONGEST])
    local = address.rpartition("@")[0].strip('"')
    if len(local) >= _SHORTEST:  # a shorter one tells next to nothing, and stands in half of all words
        text = re.sub(rf"(?<!\w){re.escape(local)}(?!\w)", HIDDEN, text, flags=re.IGNORECASE)
    return text if len(text) <= MOST else f"{text[: MOST - 1]}…"
