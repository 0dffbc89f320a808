"""The stage of a picture and what every landscape shares: sky, sun, ridges, fields, trees, towers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi, sin
from random import Random

from . import svg
from .colour import Palette, mix
from .svg import Point


@dataclass(frozen=True)
class Stage:
    """The room a motif has: `horizon` is where land begins, above `top` stays free, `unit` is the size of details."""

    width: float
    height: float
    horizon: float
    focus: float
    top: float
    unit: float
    palette: Palette
    random: Random

    @property
    def land(self) -> float:
        """How high the land is."""
        return self.height - self.horizon

    def sun_radius(self, wished: float) -> float:
        """A sun's radius, smaller than `wished` where its rings would rise above `top`."""
        return min(wished * self.unit, (self.horizon - self.top) * 0.54)


def sky(stage: Stage) -> str:
    """Light from the zenith to the horizon; down to `top`, where words may stand, it changes little."""
    end = stage.horizon + stage.land * 0.3
    definition, fill = svg.linear(stage.palette.sky, (0.0, 0.0, 0.0, end), (0.0, max(0.5, stage.top / end), 1.0))
    return definition + svg.rect(0, 0, stage.width, stage.height, fill)


def sun(stage: Stage, centre: Point, radius: float) -> str:
    """A disc with a halo and two fine rings."""
    colour, paper = stage.palette.sun, stage.palette.paper
    halo, glow = svg.radial((colour + "88", colour + "33", colour + "00"), centre, radius * 3.4)
    face, light = svg.linear((mix(colour, paper, 0.35), colour), (0.0, centre[1] - radius, 0.0, centre[1] + radius))
    rings = (
        svg.circle(*centre, radius * reach, fill="none", stroke=paper, stroke_width=1.6, stroke_opacity=0.5)
        for reach in (1.32, 1.72)
    )
    disc = svg.circle(*centre, radius, fill=light)
    return halo + face + svg.circle(*centre, radius * 3.4, fill=glow) + "".join(rings) + disc


def crest(stage: Stage, base: float, swing: float, length: float) -> list[Point]:
    """A ridge's line: three waves, each shorter and lower than the last."""
    waves = [
        (length / stretch * stage.random.uniform(0.85, 1.2), swing * share, stage.random.uniform(0, 2 * pi))
        for stretch, share in ((1, 0.62), (2.2, 0.27), (4.6, 0.11))
    ]
    step = 8 * stage.unit
    steps = int(stage.width / step) + 3
    return [
        (x, base + sum(height * sin(2 * pi * x / span + phase) for span, height, phase in waves))
        for x in (step * (index - 1) for index in range(steps))
    ]


def ground_below(stage: Stage, points: Sequence[Point], nearness: float, mist: float = 0.35) -> str:
    """The land below a crest, paler towards its foot as in morning mist."""
    colour = stage.palette.depth(nearness)
    upper = min(y for _, y in points)
    foot = min(stage.height, upper + stage.land * 0.62)
    pale = mix(colour, stage.palette.depth(max(0.0, nearness - 0.3)), mist)
    definition, fill = svg.linear((colour, pale), (0.0, upper, 0.0, foot))
    edge = f"L{points[-1][0]:.1f} {stage.height}L{points[0][0]:.1f} {stage.height}Z"
    return definition + svg.path(svg.polyline(points) + edge, fill=fill)


def terraces(stage: Stage, points: Sequence[Point], nearness: float, count: int) -> str:
    """Fine lines that follow a crest downhill, wider apart the lower they are, like fields on a slope."""
    light = mix(stage.palette.depth(nearness), stage.palette.paper, 0.55)
    mean = sum(y for _, y in points) / len(points)
    lines = []
    for index in range(1, count + 1):
        drop = stage.unit * (5 * index + 1.6 * index * index)
        flatter = [(x, mean + (y - mean) * (1 - index / (count + 3)) + drop) for x, y in points]
        fade = 0.5 * (1 - index / (count + 1))
        lines.append(svg.line(flatter, light, 1.5 * stage.unit, stroke_opacity=round(fade, 3)))
    return "".join(lines)


def trees(stage: Stage, points: Sequence[Point], nearness: float, count: int, height: float) -> str:
    """Groves that stand on a crest."""
    drawn: list[str] = []
    for _ in range(count):
        middle = stage.random.randrange(len(points))
        for _ in range(stage.random.randint(2, 5)):
            place = min(len(points) - 1, max(0, middle + stage.random.randint(-5, 5)))
            drawn.append(_tree(stage, points[place], nearness, height * stage.random.uniform(0.65, 1.15)))
    return "".join(drawn)


def _tree(stage: Stage, foot: Point, nearness: float, height: float) -> str:
    x, y = foot
    dark = stage.palette.depth(min(1.0, nearness + 0.12))
    light = mix(dark, stage.palette.depth(max(0.0, nearness - 0.25)), 0.5)
    middle, half = y - height * 0.62, height * 0.42
    wide = height * 0.21
    trunk = svg.line([(x, y + height * 0.08), (x, y - height * 0.5)], dark, max(1.2, height * 0.05))
    crown = svg.element("ellipse", cx=x, cy=middle, rx=wide, ry=half, fill=dark)
    lit = svg.path(
        f"M{x:.1f} {middle - half:.1f}A{wide:.1f} {half:.1f} 0 0 1 {x:.1f} {middle + half:.1f}"
        f"A{wide * 0.35:.1f} {half:.1f} 0 0 0 {x:.1f} {middle - half:.1f}Z",
        fill=light,
    )
    return trunk + crown + lit


def birds(stage: Stage, centre: Point, count: int) -> str:
    """A small flight."""
    strokes = []
    for _ in range(count):
        x = centre[0] + stage.random.uniform(-70, 70) * stage.unit
        y = centre[1] + stage.random.uniform(-26, 26) * stage.unit
        wing = stage.random.uniform(7, 12) * stage.unit
        strokes.append(
            f"M{x - wing:.1f} {y - wing * 0.4:.1f}Q{x - wing * 0.4:.1f} {y - wing * 0.5:.1f} {x:.1f} {y:.1f}"
            f"Q{x + wing * 0.4:.1f} {y - wing * 0.5:.1f} {x + wing:.1f} {y - wing * 0.4:.1f}"
        )
    colour = mix(stage.palette.depth(0.5), stage.palette.sky[1], 0.2)
    return svg.path("".join(strokes), fill="none", stroke=colour, stroke_width=2 * stage.unit, stroke_linecap="round")


def towers(stage: Stage, base: float, nearness: float, tallest: float) -> str:
    """A row of buildings whose outline rises towards the focus."""
    drawn: list[str] = []
    x = -20 * stage.unit
    while x < stage.width + 20:
        wide = stage.random.uniform(38, 84) * stage.unit
        closeness = max(0.0, 1 - abs(x + wide / 2 - stage.focus) / (stage.width * 0.62))
        high = tallest * (0.16 + 0.84 * closeness**1.6) * stage.random.uniform(0.55, 1.0)
        drawn.append(_tower(stage, (x, base), wide, high, nearness))
        x += wide + stage.random.choice((2, 4, 10, 26)) * stage.unit
    return "".join(drawn)


def _tower(stage: Stage, foot: Point, wide: float, high: float, nearness: float) -> str:
    x, y = foot
    top = y - high
    colour = stage.palette.depth(nearness)
    lit = mix(colour, stage.palette.paper, 0.13)
    definition, fill = svg.linear((lit, colour), (x, 0.0, x + wide, 0.0))
    down = stage.height - top
    body = svg.path(f"M{x:.1f} {top:.1f}{_roof(stage, wide)}v{down:.1f}h{-wide:.1f}Z", fill=fill)
    shade = svg.rect(x + wide * 0.62, top, wide * 0.38, down, stage.palette.depth(min(1, nearness + 0.1)), opacity=0.35)
    return definition + body + shade + _windows(stage, (x, top), wide, high, nearness)


def _roof(stage: Stage, wide: float) -> str:
    """Path data from a tower's left upper corner to its right one."""
    lift = wide * stage.random.uniform(0.18, 0.42)
    kinds = (
        f"h{wide:.1f}",
        f"v{-lift:.1f}h{wide * 0.62:.1f}v{lift:.1f}h{wide * 0.38:.1f}",
        f"v{-lift:.1f}L",
        f"a{wide / 2:.1f} {lift:.1f} 0 0 1 {wide:.1f} 0",
        f"h{wide * 0.3:.1f}v{-lift * 0.7:.1f}h{wide * 0.32:.1f}v{lift * 0.7:.1f}h{wide * 0.38:.1f}",
    )
    chosen = stage.random.choice(kinds)
    return f"v{-lift:.1f}l{wide:.1f} {lift:.1f}" if chosen.endswith("L") else chosen


def _windows(stage: Stage, corner: Point, wide: float, high: float, nearness: float) -> str:
    x, y = corner
    unit = stage.unit
    glass = mix(stage.palette.depth(nearness), stage.palette.sun, 0.6)
    drawn: list[str] = []
    row = y + 16 * unit
    while row < y + high - 8 * unit:
        for column in (0.16, 0.34):
            if stage.random.random() < 0.6:
                drawn.append(f"M{x + wide * column:.1f} {row:.1f}h{wide * 0.11:.1f}")
        row += 13 * unit
    return svg.path("".join(drawn), stroke=glass, stroke_width=4 * unit, stroke_opacity=0.55) if drawn else ""
