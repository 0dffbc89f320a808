"""Five palettes and the arithmetic of colour: mixing and contrast."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Palette:
    """Colours of one mood: a sky from zenith to horizon, land from far to near, a sun and an accent."""

    sky: tuple[str, str, str]
    land: tuple[str, str, str]
    sun: str
    accent: str
    ink: str
    paper: str

    def depth(self, nearness: float) -> str:
        """The land's colour at a nearness from 0 (on the horizon) to 1 (at our feet)."""
        far, middle, near = self.land
        if nearness < 0.5:
            return mix(far, middle, nearness * 2)
        return mix(middle, near, min(1.0, nearness * 2 - 1))

    def at_night(self) -> Palette:
        """The same mood after sunset: a dark sky that white words can stand on."""
        return replace(
            self,
            sky=(self.depth(1.0), self.depth(0.9), self.depth(0.6)),
            land=(self.depth(0.52), self.depth(0.76), mix(self.depth(1.0), "#000000", 0.22)),
            accent=self.sun,
        )


PALETTES = {
    "forest": Palette(
        sky=("#dfe9dc", "#eef1e2", "#f9f1dc"),
        land=("#bcd3bf", "#5a927a", "#113a30"),
        sun="#f2c46d",
        accent="#d98e32",
        ink="#10362d",
        paper="#fbfaf3",
    ),
    "ocean": Palette(
        sky=("#d3e6ed", "#e6f0ef", "#fbf0df"),
        land=("#b4d3dc", "#4a8fa8", "#0b3350"),
        sun="#f5b883",
        accent="#e07a52",
        ink="#0b2f49",
        paper="#f8fbfb",
    ),
    "earth": Palette(
        sky=("#f3e6d3", "#f8eddc", "#fbe3c2"),
        land=("#e6c39c", "#bb7349", "#4b261b"),
        sun="#e88e4f",
        accent="#2f7a74",
        ink="#472419",
        paper="#fdf9f2",
    ),
    "dusk": Palette(
        sky=("#2c2a56", "#5f5286", "#eeb09a"),
        land=("#b98ba2", "#675490", "#1c1a3d"),
        sun="#fbd79a",
        accent="#e98a6c",
        ink="#1f1c42",
        paper="#fcf6f1",
    ),
    "leaf": Palette(
        sky=("#e6f0d3", "#f3f6e0", "#fdf4d3"),
        land=("#cfe0a5", "#83ad4b", "#27501f"),
        sun="#f6cd57",
        accent="#dd7b3b",
        ink="#24451d",
        paper="#fdfdf4",
    ),
}


def channels(colour: str) -> tuple[int, int, int]:
    """Red, green and blue of `#rrggbb`."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def mix(one: str, other: str, share: float) -> str:
    """`one` with a `share` (0 to 1) of `other` in it."""
    pairs = zip(channels(one), channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def luminance(colour: str) -> float:
    """Relative luminance as WCAG defines it."""
    parts = [part / 255 for part in channels(colour)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours as WCAG defines it, from 1 to 21."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def readable(ground: str, *choices: str) -> str:
    """Of `choices`, the colour that stands out most from `ground`."""
    return max(choices, key=lambda choice: contrast(choice, ground))
