"""Six motifs: what stands on the stage of a picture."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import cos, hypot, pi, radians, sin

from . import svg
from .colour import mix
from .landscape import Stage, birds, crest, ground_below, sky, sun, terraces, towers, trees
from .svg import Point

# Of each twig: nearness, length as a share of the room, distance from the focus, lean in degrees.
TWIGS = (
    (0.2, 0.82, -0.16, -6),
    (0.34, 0.8, 0.14, 12),
    (0.5, 0.74, -0.07, -16),
    (0.66, 0.9, 0.04, 7),
    (0.82, 0.58, 0.12, 30),
    (0.86, 0.48, -0.15, -30),
)


def hills(stage: Stage) -> str:
    """Ridge behind ridge in morning mist, the near ones terraced."""
    x, radius = stage.focus, stage.sun_radius(62)
    parts = [sky(stage), sun(stage, (x, stage.horizon - radius * 0.35), radius)]
    parts.append(birds(stage, (x - 190 * stage.unit, stage.horizon - 70 * stage.unit), 5))
    for index in range(6):
        nearness = index / 5 * 0.92
        base = stage.horizon + stage.land * (0.02 + 0.78 * (index / 5) ** 1.15)
        line = crest(stage, base, stage.land * (0.17 - 0.014 * index), stage.width * (0.62 + 0.1 * index))
        if index in (2, 3, 4):
            parts.append(trees(stage, line, nearness, 3 + index, (12 + 9 * index) * stage.unit))
        parts.append(ground_below(stage, line, nearness))
        if index in (1, 3, 4):
            parts.append(terraces(stage, line, nearness, 5 + index))
    return "".join(parts)


def skyline(stage: Stage) -> str:
    """A town between far hills and a park."""
    radius = stage.sun_radius(70)
    side = -1 if stage.focus > stage.width / 2 else 1
    parts = [sky(stage), sun(stage, (stage.focus + side * 0.19 * stage.width * stage.unit, stage.horizon), radius)]
    for index, nearness in enumerate((0.02, 0.14)):
        line = crest(stage, stage.horizon + stage.land * (0.16 + 0.1 * index), stage.land * 0.1, stage.width * 0.7)
        parts.append(ground_below(stage, line, nearness))
    room = (stage.horizon - stage.top) + stage.land * 0.6
    for nearness, foot, share in ((0.22, 0.6, 1.0), (0.42, 0.7, 0.78), (0.62, 0.82, 0.52)):
        parts.append(towers(stage, stage.horizon + stage.land * foot, nearness, room * share))
    for index, nearness in enumerate((0.76, 0.92)):
        line = crest(stage, stage.horizon + stage.land * (0.7 + 0.13 * index), stage.land * 0.07, stage.width * 0.8)
        parts.append(trees(stage, line, nearness - 0.06, 9, (44 + 10 * index) * stage.unit))
        parts.append(ground_below(stage, line, nearness))
        parts.append(terraces(stage, line, nearness, 4))
    return "".join(parts)


def circle(stage: Stage) -> str:
    """A small world inside rings that turn: what is used comes round again."""
    radius = min(stage.width * 0.3, (stage.height - stage.top) * 0.38)
    centre = (stage.focus, stage.top + (stage.height - stage.top) * 0.53)
    parts = [sky(stage)]
    far = crest(stage, stage.horizon + stage.land * 0.3, stage.land * 0.12, stage.width * 0.7)
    parts += [ground_below(stage, far, 0.06), terraces(stage, far, 0.06, 6)]
    parts += [_world(stage, centre, radius), *_rings(stage, centre, radius)]
    for index, nearness in enumerate((0.7, 0.92)):
        base = stage.horizon + stage.land * (0.62 + 0.2 * index)
        line = crest(stage, base, stage.land * 0.09, stage.width * 0.8)
        parts.append(trees(stage, line, nearness - 0.05, 6, (40 + 8 * index) * stage.unit))
        parts += [ground_below(stage, line, nearness), terraces(stage, line, nearness, 4)]
    return "".join(parts)


def _world(stage: Stage, centre: Point, radius: float) -> str:
    x, y = centre
    palette = stage.palette
    definition, fill = svg.linear(
        (mix(palette.sun, palette.paper, 0.55), mix(palette.depth(0.1), palette.paper, 0.3)),
        (0.0, y - radius, 0.0, y + radius),
    )
    parts = [definition, svg.rect(x - radius, y - radius, 2 * radius, 2 * radius, fill)]
    parts.append(sun(stage, (x - radius * 0.3, y - radius * 0.28), radius * 0.17))
    for index in range(4):
        line = crest(stage, y + radius * (-0.02 + 0.24 * index), radius * 0.15, radius * (1.5 + 0.2 * index))
        nearness = 0.2 + 0.2 * index
        parts += [trees(stage, line, nearness, 14, radius * 0.14) if index == 2 else ""]
        parts += [ground_below(stage, line, nearness), terraces(stage, line, nearness, 5)]
    glow, light = svg.radial((palette.paper + "00", palette.paper + "aa", palette.paper + "00"), centre, radius * 1.3)
    aura = glow + svg.circle(x, y, radius * 1.3, fill=light)
    return aura + svg.clip("world", svg.circle(x, y, radius), parts)


def _rings(stage: Stage, centre: Point, radius: float) -> list[str]:
    palette = stage.palette
    drawn = []
    for reach, width, nearness in ((1.13, 9, 0.5), (1.27, 4, 0.3), (1.37, 14, 0.62)):
        start = stage.random.uniform(0, 360)
        for sweep, tone in ((128, palette.depth(nearness)), (84, palette.accent), (96, palette.depth(nearness - 0.2))):
            arc = _arc(centre, radius * reach, start, start + sweep)
            drawn.append(svg.line(arc, tone, width * stage.unit, stroke_opacity=0.92))
            start += sweep + 52 / 3
        tip = arc[-1]
        drawn.append(svg.circle(*tip, (width * 0.5 + 4) * stage.unit, fill=palette.paper, stroke=tone, stroke_width=3))
    return drawn


def _arc(centre: Point, radius: float, start: float, end: float) -> list[Point]:
    turns = [start + (end - start) * index / 40 for index in range(41)]
    return [(centre[0] + radius * cos(radians(turn)), centre[1] + radius * sin(radians(turn))) for turn in turns]


def waves(stage: Stage) -> str:
    """A calm sea under a low sun."""
    radius = stage.sun_radius(84)
    x = stage.focus
    parts = [sky(stage), sun(stage, (x, stage.horizon - radius * 0.1), radius)]
    coast = crest(stage, stage.horizon + stage.land * 0.02, stage.land * 0.06, stage.width * 0.5)
    parts.append(ground_below(stage, coast, 0.03))
    parts.append(birds(stage, (x - 210 * stage.unit, stage.horizon - 60 * stage.unit), 4))
    for index in range(7):
        share = index / 6
        base = stage.horizon + stage.land * (0.1 + 0.76 * share**1.2)
        line = _swell(stage, base, stage.land * (0.025 + 0.055 * share), stage.width * (0.16 + 0.24 * share))
        parts.append(ground_below(stage, line, 0.12 + 0.8 * share, mist=0.7))
        foam = mix(stage.palette.depth(0.8 * share), stage.palette.paper, 0.5)
        parts.append(svg.line(line, foam, (1.4 + 1.6 * share) * stage.unit, stroke_opacity=0.5))
        parts.append(terraces(stage, line, 0.12 + 0.8 * share, 3))
        parts.append(_glints(stage, base, share))
    return "".join(parts)


def _swell(stage: Stage, base: float, height: float, length: float) -> list[Point]:
    """A wave's line: steep to the right of each crest, of slowly changing height."""
    phase, slow = stage.random.uniform(0, 2 * pi), stage.random.uniform(0, 2 * pi)
    points = []
    for index in range(int(stage.width / (6 * stage.unit)) + 3):
        x = 6 * stage.unit * (index - 1)
        turn = 2 * pi * x / length + phase
        lean = sin(turn + 0.45 * sin(turn))
        points.append((x, base - height * lean * (0.7 + 0.3 * sin(x / length + slow))))
    return points


def _glints(stage: Stage, base: float, share: float) -> str:
    """Short strokes of sunlight on the water below the sun."""
    reach = (60 + 130 * share) * stage.unit
    strokes = []
    for _ in range(5):
        x = stage.focus + stage.random.uniform(-reach, reach)
        y = base + stage.random.uniform(0.02, 0.09) * stage.land
        strokes.append(f"M{x:.1f} {y:.1f}h{stage.random.uniform(14, 52) * stage.unit:.1f}")
    style = {"stroke_width": 3 * stage.unit, "stroke_linecap": "round", "stroke_opacity": 0.6}
    return svg.path("".join(strokes), fill="none", stroke=stage.palette.sun, **style)


def leaves(stage: Stage) -> str:
    """Twigs before a hazy hill, the far ones pale."""
    radius, side = stage.sun_radius(58), 1 if stage.focus > stage.width / 2 else -1
    parts = [sky(stage), sun(stage, (stage.focus - side * 0.24 * stage.width * stage.unit, stage.horizon), radius)]
    for index, nearness in enumerate((0.02, 0.16)):
        line = crest(stage, stage.horizon + stage.land * (0.3 + 0.2 * index), stage.land * 0.11, stage.width * 0.7)
        parts += [ground_below(stage, line, nearness), terraces(stage, line, nearness, 6)]
    room = stage.height - stage.top
    for nearness, reach, shift, lean in TWIGS:
        x = stage.focus + side * (shift + stage.random.uniform(-0.04, 0.04)) * stage.width
        length = room * reach * stage.random.uniform(0.85, 1.05)
        turn = side * lean + stage.random.uniform(-8, 8)
        parts.append(_twig(stage, (x, stage.height + 10 * stage.unit), length, turn, nearness))
    near = crest(stage, stage.height - stage.land * 0.12, stage.land * 0.06, stage.width * 0.9)
    return "".join(parts) + ground_below(stage, near, 0.95) + terraces(stage, near, 0.95, 4)


def _twig(stage: Stage, foot: Point, length: float, lean: float, nearness: float) -> str:
    """A bent stem with leaves on both sides, smaller towards the tip."""
    bend = stage.random.uniform(8, 20) * (1 if lean > 0 else -1)
    stem = [foot]
    for index in range(40):
        turn = radians(lean + bend * index / 40 - 90)
        stem.append((stem[-1][0] + length / 40 * cos(turn), stem[-1][1] + length / 40 * sin(turn)))
    drawn = [svg.line(stem, stage.palette.depth(min(1, nearness + 0.12)), 4.5 * stage.unit)]
    for index in range(7, 40, 4):
        size = length * (0.3 - 0.17 * index / 40) * stage.random.uniform(0.9, 1.1)
        side = 1 if index // 4 % 2 else -1
        turn = lean + bend * index / 40 + side * stage.random.uniform(44, 58)
        drawn.append(_leaf(stage, stem[index], size, turn, nearness + stage.random.uniform(-0.06, 0.06)))
    drawn.append(_leaf(stage, stem[-1], length * 0.15, lean + bend, nearness))
    return "".join(drawn)


def _leaf(stage: Stage, foot: Point, size: float, turn: float, nearness: float) -> str:
    """A leaf that points upwards before it is turned: one half in shade, fine veins."""
    dark = stage.palette.depth(min(1.0, max(0.0, nearness)))
    light = mix(dark, stage.palette.depth(max(0.0, nearness - 0.35)), 0.45)
    vein = mix(light, stage.palette.paper, 0.5)
    half = size * 0.26
    sides = (
        svg.path(
            f"M0 0C{side * half * 1.5:.1f} {-size * 0.3:.1f} {side * half:.1f} {-size * 0.78:.1f} 0 {-size:.1f}Z",
            fill=fill,
        )
        for side, fill in ((-1, light), (1, dark))
    )
    veins = "".join(
        f"M0 {-size * at:.1f}l{side * half * 0.66:.1f} {-size * 0.13:.1f}"
        for at in (0.2, 0.36, 0.52, 0.67)
        for side in (-1, 1)
    )
    lines = svg.path(
        f"M0 0V{-size * 0.94:.1f}{veins}",
        fill="none",
        stroke=vein,
        stroke_width=1.3 * stage.unit,
        stroke_opacity=0.55,
        stroke_linecap="round",
    )
    return svg.group((*sides, lines), transform=f"translate({foot[0]:.1f} {foot[1]:.1f}) rotate({turn:.1f})")


def network(stage: Stage) -> str:
    """A globe at dawn, its places joined by arcs."""
    radius = stage.width * 0.46
    centre = (stage.focus, stage.horizon + radius * 0.82)
    palette = stage.palette
    parts = [sky(stage)]
    dawn = mix(palette.sun, palette.sky[2], 0.5)
    halo, glow = svg.radial((dawn + "ff", dawn + "88", dawn + "00"), centre, radius * 1.3)
    parts += [halo, svg.circle(*centre, radius * 1.3, fill=glow)]
    parts += [_globe(stage, centre, radius), *_links(stage, _places(stage, centre, radius), centre)]
    near = crest(stage, stage.height - stage.land * 0.16, stage.land * 0.07, stage.width * 0.8)
    parts += [trees(stage, near, 0.84, 10, 40 * stage.unit), ground_below(stage, near, 0.95)]
    return "".join(parts) + terraces(stage, near, 0.95, 4)


def _globe(stage: Stage, centre: Point, radius: float) -> str:
    x, y = centre
    palette = stage.palette
    definition, fill = svg.radial(
        (palette.depth(0.8), palette.depth(0.62), palette.depth(0.34), palette.depth(0.12)), (x, y), radius * 1.02
    )
    grid = {"fill": "none", "stroke": palette.paper, "stroke_width": 1.4 * stage.unit, "stroke_opacity": 0.28}
    meridians = [
        svg.element("ellipse", cx=x, cy=y, rx=radius * sin(radians(turn)), ry=radius, **grid)
        for turn in range(15, 90, 15)
    ]
    parallels = [
        svg.element(
            "ellipse",
            cx=x,
            cy=y - radius * sin(radians(turn)) * 0.94,
            rx=radius * cos(radians(turn)),
            ry=radius * cos(radians(turn)) * 0.2,
            **grid,
        )
        for turn in range(0, 90, 14)
    ]
    disc = svg.circle(x, y, radius)
    return definition + svg.circle(x, y, radius, fill=fill) + svg.clip("globe", disc, meridians + parallels)


def _places(stage: Stage, centre: Point, radius: float) -> list[Point]:
    """Points on the upper half of the globe, none close to another."""
    found: list[Point] = []
    for _ in range(900):
        turn, reach = stage.random.uniform(195, 345), radius * stage.random.uniform(0.3, 0.97)
        point = (centre[0] + reach * cos(radians(turn)), centre[1] + reach * sin(radians(turn)))
        inside = 0 < point[0] < stage.width and point[1] < stage.height - stage.land * 0.2
        if inside and all(hypot(point[0] - x, point[1] - y) > 84 * stage.unit for x, y in found):
            found.append(point)
    return found[:22]


def _links(stage: Stage, places: list[Point], centre: Point) -> list[str]:
    palette = stage.palette
    drawn = []
    for index, place in enumerate(places):
        others = sorted((p for p in places if p != place), key=lambda p: hypot(p[0] - place[0], p[1] - place[1]))
        for other in others[: 3 if index % 3 == 0 else 2]:
            drawn.append(_link(stage, place, other, centre))
    for first, second in pairwise(places[:5]):
        drawn.append(_link(stage, first, second, centre))
    for index, (x, y) in enumerate(places):
        size = stage.random.choice((5, 6, 7, 10)) * stage.unit
        fill = palette.accent if index % 4 == 0 else palette.paper
        drawn.append(svg.circle(x, y, size * 2.1, fill=fill, fill_opacity=0.25))
        drawn.append(svg.circle(x, y, size, fill=fill))
    return drawn


def _link(stage: Stage, one: Point, other: Point, centre: Point) -> str:
    """An arc that rises away from the globe's centre."""
    middle = ((one[0] + other[0]) / 2, (one[1] + other[1]) / 2)
    rise = 1 + 0.3 * hypot(one[0] - other[0], one[1] - other[1]) / hypot(middle[0] - centre[0], middle[1] - centre[1])
    x, y = centre[0] + (middle[0] - centre[0]) * rise, max(stage.top, centre[1] + (middle[1] - centre[1]) * rise)
    d = f"M{one[0]:.1f} {one[1]:.1f}Q{x:.1f} {y:.1f} {other[0]:.1f} {other[1]:.1f}"
    return svg.path(
        d,
        fill="none",
        stroke=mix(stage.palette.sun, stage.palette.paper, 0.3),
        stroke_width=1.8 * stage.unit,
        stroke_opacity=0.75,
    )


MOTIFS: dict[str, Callable[[Stage], str]] = {
    "hills": hills,
    "skyline": skyline,
    "circle": circle,
    "waves": waves,
    "leaves": leaves,
    "network": network,
}
