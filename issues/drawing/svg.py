"""SVG elements as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape, quoteattr
from zlib import crc32

Point = tuple[float, float]


def element(name: str, inner: str = "", /, **attributes: object) -> str:
    """An element; `_` in a keyword stands for `-`, numbers are cut to two decimals, None is left out."""
    told = "".join(
        f" {key.rstrip('_').replace('_', '-')}={quoteattr(_number(value))}"
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{told}>{inner}</{name}>" if inner else f"<{name}{told}/>"


def _number(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def group(parts: Iterable[str], **attributes: object) -> str:
    """Elements with attributes in common."""
    return element("g", "".join(parts), **attributes)


def document(width: int, height: int, parts: Iterable[str]) -> str:
    """A whole drawing."""
    return element("svg", "".join(parts), xmlns="http://www.w3.org/2000/svg", width=width, height=height)


def rect(x: float, y: float, width: float, height: float, fill: str, **attributes: object) -> str:
    """A rectangle."""
    return element("rect", x=x, y=y, width=width, height=height, fill=fill, **attributes)


def circle(x: float, y: float, radius: float, **attributes: object) -> str:
    """A circle, filled or not."""
    return element("circle", cx=x, cy=y, r=radius, **attributes)


def path(d: str, **attributes: object) -> str:
    """A shape from path data."""
    return element("path", d=d, **attributes)


def line(points: Sequence[Point], stroke: str, width: float, **attributes: object) -> str:
    """An open line with round ends."""
    return path(polyline(points), fill="none", stroke=stroke, stroke_width=width, stroke_linecap="round", **attributes)


def polyline(points: Sequence[Point]) -> str:
    """Path data that joins `points` in order."""
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def text(words: str, x: float, y: float, size: float, fill: str, **attributes: object) -> str:
    """A line of text on the baseline `y`."""
    return element("text", escape(words), x=x, y=y, font_size=size, fill=fill, **attributes)


def linear(
    stops: Sequence[str], area: tuple[float, float, float, float], offsets: Sequence[float] = ()
) -> tuple[str, str]:
    """A gradient from (x1, y1) to (x2, y2) in the drawing's units: its definition, and how to fill with it."""
    x1, y1, x2, y2 = area
    return _gradient("linearGradient", stops, offsets, x1=x1, y1=y1, x2=x2, y2=y2)


def radial(stops: Sequence[str], centre: Point, radius: float) -> tuple[str, str]:
    """A gradient outwards from `centre`: its definition, and how to fill with it."""
    return _gradient("radialGradient", stops, (), cx=centre[0], cy=centre[1], r=radius)


def _gradient(name: str, stops: Sequence[str], offsets: Sequence[float], **place: float) -> tuple[str, str]:
    evenly = [index / (len(stops) - 1) for index in range(len(stops))]
    inner = "".join(_stop(offset, stop) for offset, stop in zip(offsets or evenly, stops, strict=True))
    key = f"g{crc32(f'{name}{place}{inner}'.encode()):08x}"
    return element(name, inner, id=key, gradientUnits="userSpaceOnUse", **place), f"url(#{key})"


def _stop(offset: float, colour: str) -> str:
    # `#rrggbbaa` is not a colour in SVG 1.1; the last two digits become the stop's opacity.
    opacity = int(colour[7:9], 16) / 255 if len(colour) == 9 else None
    return element("stop", offset=offset, stop_color=colour[:7], stop_opacity=opacity)


def clip(key: str, shape: str, parts: Iterable[str]) -> str:
    """`parts` as far as they lie inside `shape`."""
    return element("clipPath", shape, id=key) + group(parts, clip_path=f"url(#{key})")
