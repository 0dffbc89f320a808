"""How wide a line of text shows: Chinese, Japanese and Korean letters take two columns, marks none."""

from __future__ import annotations

import unicodedata


def columns_of(text: str) -> int:
    """The columns that `text` takes where all letters are as wide as each other."""
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Cf", "Me", "Mn"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
