"""Fonts, the width of words, and where lines of Chinese, English and Arabic may break."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from PIL import ImageFont

from . import svg
from .model import DrawingError

FONT_FOLDERS = ("/usr/share/fonts/opentype/noto", "/usr/share/fonts/noto-cjk", "/usr/share/fonts/google-noto-cjk")
# A face of a collection and the family it goes by. Only the Korean one sets ’ and “ narrow, as words without Han need.
CHINESE, WESTERN = (2, "SC"), (1, "KR")
ARABIC_FOLDERS = ("/usr/share/fonts/truetype/noto", "/usr/share/fonts/noto", "/usr/share/fonts/google-noto")

NEVER_FIRST = "的，。、；：！？）》」』”’…—％%·,.;:!?)]}،؛؟»"
NEVER_LAST = "和与及（《「『“‘([{«"
HALF_EMPTY = "（《「『“‘"  # full-width marks with nothing in their left half
# Words of the trade that look broken when a line ends inside them.
KEPT_TOGETHER = (Path(__file__).parent / "kept_together.txt").read_text(encoding="utf-8").split()
_TOKEN = re.compile(
    "|".join(sorted(map(re.escape, KEPT_TOGETHER), key=len, reverse=True))
    + r"|“[^”]{1,9}”|《[^》]{1,9}》"
    + r"|[\u0600-\u06ff]+|第?[A-Za-zÀ-ÿ0-9][A-Za-zÀ-ÿ0-9.,'’&/+%–-]*[年月日期版号届次个]?| +|."
)


@dataclass(frozen=True)
class Type:
    """A way to set words: size in pixels, weight, serif or not, and extra space between letters."""

    size: float
    bold: bool = False
    serif: bool = False
    spacing: float = 0.0

    def at(self, size: float) -> Type:
        """The same type in another size."""
        return replace(self, size=size)

    @property
    def leading(self) -> float:
        """From one baseline to the next."""
        return self.size * 1.34

    def family(self, words: str) -> str:
        """The font that sets `words`: Chinese marks are full-width, those of Western words narrow."""
        if is_arabic(words):
            return f"Noto {_arabic_style(self.serif)} Arabic"
        return f"Noto {'Serif' if self.serif else 'Sans'} CJK {_face(words)[1]}"


def is_arabic(words: str) -> bool:
    """Whether `words` run from right to left."""
    return any("\u0600" <= letter <= "\u06ff" for letter in words)


def _arabic_style(serif: bool) -> str:
    return "Naskh" if serif else "Kufi"


def _face(words: str) -> tuple[int, str]:
    return CHINESE if any("\u3000" <= letter <= "\u9fff" for letter in words) else WESTERN


def font_file(bold: bool, serif: bool, *, arabic: bool = False) -> Path:
    """The font file for a weight; raises DrawingError where this machine has none."""
    weight = "Bold" if bold else "Regular"
    if arabic:
        return _find(f"Noto{_arabic_style(serif)}Arabic-{weight}.ttf", ARABIC_FOLDERS, "fonts-noto-core")
    return _find(f"Noto{'Serif' if serif else 'Sans'}CJK-{weight}.ttc", FONT_FOLDERS, "fonts-noto-cjk")


def _find(name: str, folders: Sequence[str], package: str) -> Path:
    for folder in folders:
        if (Path(folder) / name).is_file():
            return Path(folder) / name
    raise DrawingError(f"the font {name} is missing: install {package}")


def all_font_files(*, arabic: bool = False) -> list[Path]:
    """The four weights a drawing may use, and with `arabic` those four as well."""
    kinds = (False, True) if arabic else (False,)
    weights = (False, True)
    return [font_file(bold, serif, arabic=kind) for kind in kinds for bold in weights for serif in weights]


@cache
def _font(bold: bool, serif: bool, face: int, arabic: bool) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(font_file(bold, serif, arabic=arabic), 100, index=face)


def width_of(words: str, style: Type) -> float:
    """How wide `words` run in one line."""
    if is_arabic(words):  # its letters join, so nothing may come between them
        return _font(style.bold, style.serif, 0, True).getlength(words) * style.size / 100
    font = _font(style.bold, style.serif, _face(words)[0], False)
    return font.getlength(words) * style.size / 100 + style.spacing * len(words)


def break_lines(words: str, width: float, style: Type) -> tuple[str, ...]:
    """`words` in as few lines as `width` allows: broken after a mark where that costs no line, else evenly."""
    units = _units(words)
    lines = _filled(units, width, style)
    phrases = _filled(_phrases(units), width, style)
    if len(phrases) == len(lines) and max(width_of(line, style) for line in phrases) <= width:
        return phrases
    narrower = width
    while len(lines) > 1 and narrower > width * 0.5:
        narrower -= style.size / 4
        tried = _filled(units, narrower, style)
        if len(tried) > len(lines) or max(width_of(line, style) for line in tried) > width:
            break
        lines = tried
    return lines


def _units(words: str) -> list[str]:
    """The parts of `words` that stay whole, closing marks with what they close."""
    units: list[str] = []
    for token in _TOKEN.findall(words):
        glued = units and (token[0] in NEVER_FIRST or units[-1][-1] in NEVER_LAST)
        if glued:
            units[-1] += token
        else:
            units.append(token)
    return units


def _phrases(units: Sequence[str]) -> list[str]:
    """Units joined up to the marks that end a phrase."""
    phrases = [""]
    for unit in units:
        phrases[-1] += unit
        if unit[-1] in "，、；：":
            phrases.append("")
    return [phrase for phrase in phrases if phrase]


def _filled(units: Sequence[str], width: float, style: Type) -> tuple[str, ...]:
    lines = [""]
    for unit in units:
        if lines[-1] and width_of((lines[-1] + unit).strip(), style) > width:
            lines.append("")
        lines[-1] += unit if lines[-1] else unit.lstrip()
    return tuple(line.strip() for line in lines if line.strip())


def fit(words: str, width: float, most_lines: int, style: Type, smallest: float) -> tuple[Type, tuple[str, ...]]:
    """The largest size from `style` down to `smallest` that sets `words` in `most_lines`, and those lines."""
    size = style.size
    while True:
        tried = style.at(size)
        lines = break_lines(words, width, tried)
        fits = len(lines) <= most_lines and all(width_of(line, tried) <= width for line in lines)
        if fits or size <= smallest:
            return tried, lines
        size = max(smallest, size - 2)


def set_lines(lines: Sequence[str], x: float, baseline: float, style: Type, fill: str, anchor: str = "start") -> str:
    """Lines below each other, the first on `baseline`; an opening mark hangs in the margin."""
    joined = is_arabic("".join(lines))
    wide = anchor == "start" and _face("".join(lines)) == CHINESE
    hung = [x - style.size * 0.46 if wide and words[0] in HALF_EMPTY else x for words in lines]
    return svg.group(
        (
            svg.text(words, left, baseline + index * style.leading, style.size, fill)
            for index, (words, left) in enumerate(zip(lines, hung, strict=True))
        ),
        font_family=style.family("".join(lines)),
        font_weight=700 if style.bold else 400,
        letter_spacing=None if joined else style.spacing or None,
        text_anchor=anchor,
    )
