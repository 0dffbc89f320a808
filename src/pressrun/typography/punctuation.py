"""Dots and dashes as keyboards have them made those of print."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pressrun.typography.line import HAN, Change

_BESIDE_HAN = re.compile(f"[{HAN}\u3001-\u301b\uff01-\uff60“”‘’\"']")
_DOTS = re.compile(r"(?<![.…])\.{3}(?![.…])")
_CHINESE_DOTS = re.compile(r"(?<![.…。])(?:\.{3,6}|。{3,6}|…)(?![.…。])")
_HYPHENS = re.compile(r"(?<![-–— ])( *)(-{2,3})( *)(?![-–—])")
_RANGE = re.compile(
    r"(?<![\w.,:/%+*=<>-])(?<![-+*/=<>×÷] )"
    r"(?:(?P<year>[12]\d{3}) - (?P<until>[12]\d{3})|\d{1,2}:\d\d - \d{1,2}:\d\d|\d[\d.]*[%‰]? - \d[\d.]*[%‰])"
    r"(?![\w.,:/%-]?\d)(?! [-+*/=<>×÷–—])"
)


def set_dots(text: str, *, chinese: bool) -> Iterator[Change]:
    """`...` as …, and beside Chinese as ……, the two places it has there (GB/T 15834-2011 §4.11)."""
    if "..." not in text and not (chinese and ("…" in text or "。。。" in text)):
        return
    for found in (_CHINESE_DOTS if chinese else _DOTS).finditer(text):
        beside = text[max(0, found.start() - 1) : found.start()] + text[found.end() : found.end() + 1]
        if chinese and (found[0][0] == "。" or _BESIDE_HAN.search(beside)):
            yield found.start(), found.end(), "……"
        elif found[0] == "...":
            yield found.start(), found.end(), "…"


def set_dashes(text: str, *, chinese: bool) -> Iterator[Change]:
    """`--` as a dash, by what stands around it."""
    if "--" not in text:
        return
    for found in _HYPHENS.finditer(text):
        before, after = text[: found.start()][-1:], text[found.end() : found.end() + 1]
        if chinese and _BESIDE_HAN.match(before) and _BESIDE_HAN.match(after):
            yield found.start(), found.end(), "——"
        elif found[1] and found[3]:
            yield found.start(2), found.end(2), "–" if found[2] == "--" else "—"
        elif before.isalnum() and after.isalnum() and not found[1] and not found[3]:
            between_numbers = before.isdigit() and after.isdigit() and not chinese
            yield found.start(2), found.end(2), "–" if between_numbers else "—"


def set_ranges(text: str, *, chinese: bool) -> Iterator[Change]:
    """` - ` as a dash only where it surely means up to: between years, hours or shares."""
    if " - " not in text:
        return
    for found in _RANGE.finditer(text):
        if found["year"] is None or found["year"] < found["until"]:
            at = found.start() + found[0].index(" - ")
            yield at, at + 3, "—" if chinese else "–"
