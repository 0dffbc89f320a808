"""Languages are set each in its own way: direction, fonts, emphasis."""

from __future__ import annotations

import pytest

from pressrun.render.setting import TARGET, set_language
from pressrun.render.theme import load_theme
from rendered_issue import REPOSITORY

THEME = load_theme("bulletin", [REPOSITORY / "templates"])


@pytest.mark.parametrize(
    ("language", "direction", "start", "end", "cjk", "slanted"),
    [
        ("en", "ltr", "left", "right", False, True),
        ("zh-CN", "ltr", "left", "right", True, False),
        ("ar", "rtl", "right", "left", False, False),
        ("he-IL", "rtl", "right", "left", False, False),
    ],
)
def test_a_language_has_its_sides_and_its_emphasis(
    language: str, direction: str, start: str, end: str, cjk: bool, slanted: bool
) -> None:
    here = set_language(THEME, language)
    assert (here.direction, here.start, here.end) == (direction, start, end)
    assert (here.cjk, here.slanted) == (cjk, slanted)


def test_letters_that_join_are_never_spaced() -> None:
    assert set_language(THEME, "he").face.tracking == set_language(THEME, "en").tracking == 2
    assert set_language(THEME, "he").tracking == set_language(THEME, "ar").tracking == 0


@pytest.mark.parametrize(("size", "leading"), [(13, 1.6), (17, 1.75), (16, 1.45), (40, 1.5)])
def test_the_padding_of_a_link_makes_it_as_high_as_a_thumb_needs(size: int, leading: float) -> None:
    padding = set_language(THEME, "en").touch(size, leading)
    assert size * leading + 2 * padding >= TARGET == 44
    assert padding == 0 or size * leading + 2 * (padding - 1) < TARGET
