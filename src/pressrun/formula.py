"""Cells of CSV that a spreadsheet would take for a formula, and run when the file is opened."""

from __future__ import annotations

# OWASP, "CSV Injection"; full-width forms too, which East Asian editions of Excel take for the others.
_STARTS = frozenset("=+-@\t\r\n＝＋－＠")


def guard_formula(text: str) -> str:
    """`text`, with a quote before it where it would be taken for a formula; spaces and quotes hide none."""
    return f"'{text}" if is_formula(text) else text


def is_formula(text: str) -> bool:
    """Whether a spreadsheet may take `text` for a formula."""
    return text[:1] in _STARTS or text.lstrip(" '\u3000\xa0")[:1] in _STARTS if text else False
