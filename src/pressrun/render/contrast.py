"""How well one colour can be read on another, as WCAG 2.2 measures it."""

from __future__ import annotations

READABLE = 4.5
"""The ratio that text needs (WCAG 2.2 §1.4.3)."""


def contrast(one: str, other: str) -> float:
    """The ratio of two colours such as `#1d6b4c`, from 1 to 21."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
