"""Whole pictures with words: cover, band, report cover; and the scene, which has none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

from . import svg
from .colour import Palette, mix, readable
from .landscape import Stage, crest, ground_below, terraces, trees
from .model import Band, Cover, Report, Scene
from .motifs import MOTIFS
from .typeset import Type, fit, is_arabic, set_lines, width_of

COVER = (1200, 800)
BAND = (1200, 240)
REPORT = (600, 800)
SCENE = (1200, 600)
BANK = 84  # how much of a cover's foot lies in front of its motif


def draw_scene(scene: Scene, palette: Palette, random: Random) -> str:
    """A landscape, seen off its middle."""
    width, height = SCENE
    focus = width * random.choice((0.3, 0.36, 0.64, 0.7))
    stage = Stage(width, height, height * 0.4, focus, height * 0.1, 1.0, palette, random)
    return svg.document(width, height, [MOTIFS[scene.motif](stage)])


def draw_cover(cover: Cover, palette: Palette, random: Random) -> str:
    """Words in the sky, the motif on the horizon, the slogan on the bank in front."""
    width, height = COVER
    words, bottom = _cover_words(cover, palette)
    horizon = max(height * 0.57, bottom + 90)
    focus = width * (0.26 if is_arabic(cover.lines[1]) else 0.74)
    stage = Stage(width, height - BANK, horizon, focus, bottom + 24, 1.0, palette, random)
    bank = Stage(width, height, horizon, focus, bottom, 1.0, palette, random)
    parts = [MOTIFS[cover.motif](stage), _foreground(bank, wooded=cover.motif != "leaves"), words]
    if cover.slogan:
        parts.append(_set([cover.slogan], 80, height - 44, Type(34, spacing=1.5), palette.paper, width))
    return svg.document(width, height, parts)


def _set(lines: Sequence[str], x: float, baseline: float, style: Type, fill: str, width: int) -> str:
    """Lines that begin `x` from the side where their script begins, on a page of that `width`."""
    if is_arabic("".join(lines)):
        return set_lines(lines, width - x, baseline, style, fill, "end")
    return set_lines(lines, x, baseline, style, fill)


def _bar(words: str, x: float, y: float, size: tuple[float, float], fill: str, width: int) -> str:
    """A bar that stands on the side where `words` begin."""
    return svg.rect(width - x - size[0] if is_arabic(words) else x, y, *size, fill)


def _foreground(stage: Stage, *, wooded: bool) -> str:
    """A dark bank along the foot, so that every cover of the family stands on the same ground."""
    line = crest(stage, stage.height - BANK - 26, 16, stage.width * 0.9)
    grove = trees(stage, line[len(line) // 2 :], 0.92, 4, 46) if wooded else ""
    return grove + ground_below(stage, line, 1.0, mist=0.1) + terraces(stage, line, 1.0, 3)


def _cover_words(cover: Cover, palette: Palette) -> tuple[str, float]:
    """Masthead, title and number, and the baseline of the last of them."""
    left, room = 80, COVER[0] - 160
    masthead, title, *rest = cover.lines
    colour = readable(palette.sky[0], palette.ink, palette.paper)
    style, lines = fit(title, room, 2, Type(88, bold=True, serif=True), 56)
    baseline = 134 + style.size * 0.98
    bottom = baseline + (len(lines) - 1) * style.leading
    parts = [
        _bar(masthead, left, 66, (8, 40), palette.accent, COVER[0]),
        _set([masthead], left + 26, 99, Type(38, bold=True, spacing=3), colour, COVER[0]),
        _set(lines, left - 4, baseline, style, colour, COVER[0]),
    ]
    if rest:
        small = Type(40, spacing=1)
        parts.append(_set(rest, left, bottom + 76, small, mix(colour, palette.sky[0], 0.1), COVER[0]))
        bottom += 76 + (len(rest) - 1) * small.leading
    return "".join(parts), bottom


def draw_band(band: Band, palette: Palette, random: Random) -> str:
    """A title on dark ground that clears towards a motif at night."""
    width, height = BAND
    night = palette.at_night()
    stage = Stage(width, height, height * 0.34, width * 0.85, 0, 0.62, night, random)
    style, lines = fit(band.title, width - 330, 2, Type(58, bold=True, spacing=1), 40)
    first = height / 2 - (len(lines) - 1) * style.leading / 2 + style.size * 0.36
    end = 104 + max(width_of(words, style) for words in lines)
    dark = night.sky[0]
    definition, veil = svg.linear((dark + "f2", dark + "d9", dark + "00"), (end - 90, 0.0, end + 210, 0.0))
    parts = [
        MOTIFS[band.motif](stage),
        definition,
        svg.rect(0, 0, width, height, veil),
        svg.rect(72, first - style.size * 0.86, 8, style.size * 1.02 + (len(lines) - 1) * style.leading, night.accent),
        set_lines(lines, 104, first, style, night.paper),
    ]
    return svg.document(width, height, parts)


def draw_report(report: Report, palette: Palette, random: Random) -> str:
    """A title over a motif, by day or by night, like a book seen from the front."""
    width, height = REPORT
    mood = palette.at_night() if random.random() < 0.4 else palette
    colour = readable(mood.sky[0], mood.ink, mood.paper)
    title, bottom = _report_title(report.title, colour)
    foot, top = _publisher(report.publisher, mood) if report.publisher else ("", float(height))
    horizon = max(height * 0.64, bottom + 110)
    stage = Stage(width, top, horizon, width * 0.6, bottom + 30, 0.8, mood, random)
    mark = _bar(report.title, 56, 64, (84, 8), mood.accent, width)
    spine = _spine(width, height, right=is_arabic(report.title))
    return svg.document(width, height, [MOTIFS[report.motif](stage), mark, title, foot, spine])


def _report_title(title: str, colour: str) -> tuple[str, float]:
    """The title, what follows a colon or a dash set smaller below it, and the last baseline."""
    main, *rest = (part.strip() for part in re.split("：|: |——", title, maxsplit=1))
    style, lines = fit(main, 496, 4, Type(58, bold=True, serif=True), 34)
    baseline = 100 + style.size
    bottom = baseline + (len(lines) - 1) * style.leading
    drawn = _set(lines, 54, baseline, style, colour, REPORT[0])
    if rest:
        small, others = fit(rest[0], 496, 3, Type(36), 26)
        drawn += _set(others, 56, bottom + 66, small, colour, REPORT[0])
        bottom += 66 + (len(others) - 1) * small.leading
    return drawn, bottom


def _publisher(name: str, palette: Palette) -> tuple[str, float]:
    """The publisher on a dark foot, and where that begins."""
    # Several names in one line each need smaller letters than one name in two.
    style, lines = fit(name, 488, 3, Type(30 if "、" in name else 34, bold=True), 25)
    top = REPORT[1] - 58 - len(lines) * style.leading
    foot = svg.rect(0, top, REPORT[0], REPORT[1] - top, palette.depth(1.0))
    return foot + _set(lines, 56, top + 32 + style.size * 0.86, style, palette.paper, REPORT[0]), top


def _spine(width: float, height: float, *, right: bool) -> str:
    """The fold of a book along its left edge, or the right one of a book that is read from there."""
    stops = ("#00000038", "#00000010", "#ffffff30", "#00000000")
    definition, fill = svg.linear(stops, (width, 0.0, width - 30, 0.0) if right else (0.0, 0.0, 30.0, 0.0))
    return definition + svg.rect(width - 30 if right else 0, 0, 30, height, fill)
