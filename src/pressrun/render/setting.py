"""How text of one language is set in a theme: which way it runs, in which fonts, with which emphasis."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from pressrun.language import direction, is_cjk_language
from pressrun.render.theme import Theme, Typeface

TARGET = 44
"""Height in px of what a thumb can press (WCAG 2.2 §2.5.5)."""

Side = Literal["left", "right"]


@dataclass(frozen=True)
class Setting:
    """What templates know of the language that a part of the mail is in."""

    language: str
    face: Typeface

    @property
    def direction(self) -> Literal["ltr", "rtl"]:
        """Which way its text runs."""
        return direction(self.language)

    @property
    def start(self) -> Side:
        """The side its lines begin at; mail programs know no `margin-inline-start`."""
        return "right" if self.direction == "rtl" else "left"

    @property
    def end(self) -> Side:
        """The side its lines end at."""
        return "left" if self.direction == "rtl" else "right"

    @property
    def cjk(self) -> bool:
        """Whether it is Chinese, Japanese or Korean."""
        return is_cjk_language(self.language)

    @property
    def slanted(self) -> bool:
        """Whether its letters have an italic: Chinese ones and those that run from the right have none."""
        return not self.cjk and self.direction == "ltr"

    @property
    def tracking(self) -> float:
        """Space between letters in px; none where letters may join."""
        return 0 if self.direction == "rtl" else self.face.tracking

    def touch(self, size: int, leading: float) -> int:
        """The padding in px above and below a line of this size that makes it as high as a thumb needs."""
        return max(0, math.ceil((TARGET - size * leading) / 2))


def set_language(theme: Theme, language: str) -> Setting:
    """How text in `language` is set in `theme`."""
    return Setting(language, theme.typeface(language))
