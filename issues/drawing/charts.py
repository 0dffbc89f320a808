"""Bars and rings whose lengths are the figures they stand for."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sin

from . import svg
from .colour import Palette, mix
from .model import BarChart, BarValue, RingChart
from .typeset import Type, fit, set_lines, width_of

WIDTH = 1200
MARGIN = 64
TITLE = Type(50, bold=True)
LABEL = Type(38)
FIGURE = Type(42, bold=True)
COLUMN = 330


@dataclass(frozen=True)
class Scale:
    """From figures to pixels: zero stands at `left`, `end` at `right`."""

    left: float
    right: float
    end: float

    def __call__(self, figure: float) -> float:
        """Where `figure` stands."""
        return self.left + (self.right - self.left) * figure / self.end


def figure_text(figure: float, unit: str) -> str:
    """A figure as readers see it: 2400亿元, 37%, 1.5 kg."""
    number = f"{figure:,.10g}" if figure >= 10000 else f"{figure:.10g}"
    return number + _spaced(unit)


def _spaced(unit: str) -> str:
    return f" {unit}" if unit[:1].isascii() and unit[:1].isalpha() else unit


def bar_text(bar: BarValue, unit: str) -> str:
    """A bar's figure, or its range."""
    if bar.value is not None or bar.start == bar.end:
        return figure_text(bar.end, unit)
    return f"{figure_text(bar.start, '')}–{figure_text(bar.end, unit)}"


def bar_scale(chart: BarChart) -> Scale:
    """The scale that leaves room for labels on the left and for the widest figure on the right."""
    labels = max(width_of(bar.label, LABEL) for bar in chart.bars)
    figures = max(width_of(bar_text(bar, chart.unit), FIGURE) for bar in chart.bars)
    left = MARGIN + labels + 28 if labels <= COLUMN else MARGIN
    return Scale(left, WIDTH - MARGIN - figures - 22, chart.scale_end)


def draw_bars(chart: BarChart, palette: Palette) -> str:
    """Bars below each other, labels beside them where they are short and above them elsewhere."""
    scale = bar_scale(chart)
    beside = scale.left > MARGIN
    title, lines = fit(chart.title, WIDTH - 2 * MARGIN, 2, TITLE, 40)
    top = 104 + len(lines) * title.leading
    step = 92 if beside else 138
    height = round(top + len(chart.bars) * step + 48)
    parts = [*_paper(height, palette), set_lines(lines, MARGIN - 2, 78 + title.size, title, palette.ink)]
    for index, bar in enumerate(chart.bars):
        parts += _bar_row(bar, chart, scale, top + index * step + step / 2, palette)
    return svg.document(WIDTH, height, parts)


def _paper(height: float, palette: Palette) -> list[str]:
    return [svg.rect(0, 0, WIDTH, height, palette.paper), svg.rect(MARGIN, 48, 84, 8, palette.accent)]


def _bar_row(bar: BarValue, chart: BarChart, scale: Scale, middle: float, palette: Palette) -> list[str]:
    beside = scale.left > MARGIN
    thick, y = (46, middle) if beside else (44, middle + 28)
    parts = []
    if chart.max is not None:
        parts.append(svg.rect(scale.left, y - thick / 2, scale.right - scale.left, thick, _track(palette)))
    parts += [_bar(bar, scale, (y, thick), palette), _zero_mark(scale.left, y, 92 if beside else 68, palette)]
    if beside:
        parts.append(set_lines([bar.label], scale.left - 24, y + 14, LABEL, palette.ink, anchor="end"))
    else:
        style, lines = fit(bar.label, WIDTH - 2 * MARGIN, 1, LABEL, 34)
        parts.append(set_lines(lines, MARGIN - 2, y - 46, style, palette.ink))
    figure = bar_text(bar, chart.unit)
    at = scale(chart.scale_end if chart.max is not None else bar.end) + 20
    parts.append(set_lines([figure], at, y + 15, FIGURE, palette.ink))
    return parts


def _zero_mark(x: float, y: float, high: float, palette: Palette) -> str:
    """The part of the zero line that belongs to one bar."""
    return svg.rect(x - 4, y - high / 2, 4, high, mix(palette.paper, palette.ink, 0.6))


def _bar(bar: BarValue, scale: Scale, row: tuple[float, float], palette: Palette) -> str:
    """The bar; a range is led to by a fine line from zero."""
    y, thick = row
    start, end = scale(bar.start), scale(bar.end)
    definition, fill = svg.linear((palette.depth(0.72), palette.depth(0.46)), (scale.left, 0.0, scale.right, 0.0))
    lead = ""
    if bar.start > 0:
        lead = svg.line([(scale.left + 6, y), (start - 8, y)], palette.depth(0.35), 3, stroke_dasharray="1 11")
    return definition + lead + svg.rect(start, y - thick / 2, end - start, thick, fill, class_="bar")


def _track(palette: Palette) -> str:
    return mix(palette.paper, palette.depth(0.0), 0.42)


def draw_ring(chart: RingChart, palette: Palette) -> str:
    """A ring with its label inside and the title beside it."""
    height, radius, thick = 560, 190, 54
    centre = (MARGIN + 30 + radius, height / 2)
    share = chart.value / chart.max
    style, lines = fit(chart.title, WIDTH - 620, 4, Type(56, bold=True), 40)
    first = height / 2 - (len(lines) - 1) * style.leading / 2 + style.size * 0.36
    label = chart.label or figure_text(chart.value, chart.unit)
    big, told = _ring_label(label, 2 * (radius - thick / 2) - 60)
    base = centre[1] - (len(told) - 1) * big.leading / 2 + big.size * 0.36
    parts = [
        svg.rect(0, 0, WIDTH, height, palette.paper),
        svg.circle(*centre, radius, fill="none", stroke=_track(palette), stroke_width=thick),
        svg.circle(*centre, radius + 46, fill="none", stroke=_track(palette), stroke_width=2),
        _share(centre, radius, thick, share, palette),
        set_lines(told, centre[0], base, big, palette.ink, anchor="middle"),
        svg.rect(556, first - style.size - 36, 84, 8, palette.accent),
        set_lines(lines, 554, first, style, palette.ink),
    ]
    return svg.document(WIDTH, height, parts)


def _ring_label(label: str, room: float) -> tuple[Type, tuple[str, ...]]:
    """The label in one line where it stays large, in up to three elsewhere."""
    largest = Type(92, bold=True)
    if width_of(label, largest.at(56)) <= room:
        return fit(label, room, 1, largest, 56)
    return fit(label, room, 3, largest.at(60), 36)


def _share(centre: tuple[float, float], radius: float, thick: float, share: float, palette: Palette) -> str:
    """The arc of a share, clockwise from the top."""
    x, y = centre
    definition, colour = svg.linear((palette.depth(0.72), palette.depth(0.46)), (x, y - radius, x, y + radius))
    if share >= 1:
        return definition + svg.circle(x, y, radius, fill="none", stroke=colour, stroke_width=thick)
    turn = 2 * pi * share
    tip = f"{x + radius * sin(turn):.2f} {y - radius * cos(turn):.2f}"
    d = f"M{x:.2f} {y - radius:.2f}A{radius} {radius} 0 {int(share > 0.5)} 1 {tip}"
    return definition + svg.path(d, fill="none", stroke=colour, stroke_width=thick)
