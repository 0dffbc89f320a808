"""Draw the pictures that `media/drawings.yaml` of each issue lists, as PNG files beside it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from drawing.charts import draw_bars, draw_ring
from drawing.colour import PALETTES
from drawing.model import (
    AnyDrawing,
    Band,
    BarChart,
    Cover,
    DrawingError,
    DrawingList,
    Report,
    RingChart,
    Scene,
    read_drawings,
)
from drawing.pages import draw_band, draw_cover, draw_report, draw_scene
from drawing.raster import to_png

ISSUES = Path(__file__).resolve().parent
LISTING = Path("media") / "drawings.yaml"
PICTURES = {".png", ".jpg", ".jpeg", ".gif"}
# Most bytes a picture may have: a mail loads all of an issue's.
BUDGETS = {"cover": 180_000, "scene": 120_000, "band": 60_000, "report": 70_000, "bar": 40_000, "ring": 40_000}


def compose(drawing: AnyDrawing, listed: DrawingList) -> str:
    """The drawing as SVG; chance comes from the issue's seed and the file's name alone."""
    palette = PALETTES[listed.palette_of(drawing)]
    random = Random(f"{listed.seed}/{drawing.file}")
    match drawing:
        case Cover():
            return draw_cover(drawing, palette, random)
        case Band():
            return draw_band(drawing, palette, random)
        case Report():
            return draw_report(drawing, palette, random)
        case Scene():
            return draw_scene(drawing, palette, random)
        case BarChart():
            return draw_bars(drawing, palette)
        case RingChart():
            return draw_ring(drawing, palette)


def draw_issue(folder: Path) -> list[Path]:
    """Write the pictures of the issue in `folder`; the files it wrote, unchanged ones included."""
    listed = read_drawings(folder / LISTING)
    written = []
    for drawing in listed.drawings:
        picture = to_png(compose(drawing, listed), BUDGETS[drawing.kind])
        target = folder / "media" / drawing.file
        if not target.is_file() or target.read_bytes() != picture:
            target.write_bytes(picture)
        written.append(target)
    return written


def faults_of(folder: Path) -> Iterator[str]:
    """What `--check` finds: listed files that are missing, media files that are not listed."""
    names = {drawing.file for drawing in read_drawings(folder / LISTING).drawings}
    media = folder / "media"
    present = {file.name for file in media.iterdir() if file.suffix.lower() in PICTURES}
    for name in sorted(names - present):
        yield f"{media / name}: listed in {LISTING.name}, but missing"
    for name in sorted(present - names):
        yield f"{media / name}: not listed in {LISTING.name}"


def every_issue() -> list[Path]:
    """The issues that list drawings, told from the working directory where they lie below it."""
    root = ISSUES.relative_to(Path.cwd()) if ISSUES.is_relative_to(Path.cwd()) else ISSUES
    return [listing.parents[1] for listing in sorted(root.glob(f"*/*/{LISTING}"))]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 0 when all is well, 1 when a check finds faults, 2 when something must be mended first."""
    parser = argparse.ArgumentParser(prog="draw.py", description=__doc__)
    parser.add_argument("folders", metavar="FOLDER", nargs="*", type=Path, help="issue folders (default: all)")
    parser.add_argument("--check", action="store_true", help="only compare the list with the files")
    options = parser.parse_args(arguments)
    folders = options.folders or every_issue()
    try:
        return _check(folders) if options.check else _draw(folders)
    except DrawingError as error:
        print(error, file=sys.stderr)
        return 2


def _check(folders: Sequence[Path]) -> int:
    faults = [fault for folder in folders for fault in faults_of(folder)]
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


def _draw(folders: Sequence[Path]) -> int:
    for folder in folders:
        for target in draw_issue(folder):
            print(f"{target} {target.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
