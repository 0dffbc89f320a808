"""Makes the gallery of themes: one made-up issue with every block, in each theme, light and dark, on desktop and phone.

Writes build/gallery/index.html, which shows the mails themselves, and where Chromium is their pictures beside it; and
from these docs/images/gallery.png.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from pressrun.errors import PressrunError
from pressrun.render.chromium import find_chromium, open_chromium
from pressrun.render.mail import render
from pressrun.render.sample import write_sample
from pressrun.source.loader import load_issue
from pressrun.workspace import Workspace, open_workspace

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from full_issue import write_full_issue

WIDTHS = {"desktop": 640, "phone": 375}
SCHEMES = ("light", "dark")
SECONDS = 60.0
# Pictures the samples have, for those that tests make of a few pixels.
PICTURES = {
    "cover": "field-notes/2026-01/media/cover.png",
    "band": "field-notes/2026-01/media/band-practice.png",
    "hills": "field-notes/2026-01/media/laptops.png",
    "chart": "field-notes/2026-01/media/chart-built.png",
    "report": "field-notes/2026-01/media/report-status.png",
}
# What is in the issue for the sake of tests and looks odd.
PLAIN = {
    " & <tall>": " and tall",
    " & <best>": " and best",
    "A start; then more. One line\\\nand another, `a; b  \\{{ slots.name }}`, ~~gone~~ and": "A start, and",
    "@@s0123456789ab.name@@ and https://s0123456789ab.invalid/unsubscribe_url are no slots, nor is": "Braces are",
    " \\{{ slots.name }}.": " written \\{{.",
    "## no heading\nx = a < b;  y": "x = a + b",
}
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Themes</title><style>
body {{ margin: 2rem; font: 16px/1.5 system-ui, sans-serif; background: #d8dcda; color: #1c2421 }}
section {{ display: flex; gap: 1.5rem; overflow-x: auto; padding-bottom: 1rem }}
figure {{ margin: 0; flex: none }} figcaption {{ margin-bottom: .5rem }}
iframe {{ border: 0; height: 80vh; border-radius: 6px; background: #fff }}
</style></head><body><h1>Themes</h1>
{themes}
</body></html>
"""
FIGURE = (
    '<figure><figcaption>{name}, {scheme}{picture}</figcaption><iframe src="{theme}/preview.html" width="{width}"'
    ' title="{theme}, {name}, {scheme}" style="color-scheme: {scheme}"></iframe></figure>'
)
MONTAGE = (1750, 1180)


@dataclass(frozen=True)
class View:
    """One picture of the gallery."""

    theme: str
    name: str
    width: int
    scheme: str

    @property
    def file(self) -> str:
        """The picture's name."""
        return f"{self.theme}-{self.name}-{self.scheme}.png"


def find_themes(workspace: Workspace) -> list[str]:
    """Every theme there is, the workspace's own as well."""
    files = (file for folder in workspace.template_folders for file in folder.glob("themes/*/theme.yaml"))
    return sorted({file.parent.name for file in files})


def list_views(themes: list[str]) -> Iterator[View]:
    """Each theme in each window and scheme."""
    return (
        View(theme, name, width, scheme) for theme in themes for name, width in WIDTHS.items() for scheme in SCHEMES
    )


def write_issue(folder: Path, workspace: Workspace, theme: str) -> Path:
    """The issue with every block, with pictures to look at."""
    issue = write_full_issue(folder, theme)
    for name, source in PICTURES.items():
        shutil.copyfile(workspace.issues / source, issue / "media" / f"{name}.png")
    for file in (*issue.glob("*.md"), issue / "issue.yaml"):
        text = file.read_text(encoding="utf-8")
        for odd, plain in PLAIN.items():
            text = text.replace(odd, plain)
        file.write_text(text, encoding="utf-8")
    return issue


def write_mails(workspace: Workspace, themes: list[str], out: Path) -> None:
    """The issue in each theme, in a folder of that name."""
    for theme in themes:
        with tempfile.TemporaryDirectory() as name:
            folder = write_issue(Path(name), workspace, theme)
            loaded = load_issue(folder)
            if loaded.issue is None:
                raise PressrunError("; ".join(map(str, loaded.findings)), "mend tests/full_issue.py")
            write_sample(render(loaded.issue, workspace.template_folders), folder, out / theme)


def write_page(themes: list[str], out: Path, *, drawn: bool) -> Path:
    """The page that shows them all."""
    parts = []
    for theme in themes:
        figures = (
            FIGURE.format(
                **{"theme": view.theme, "name": view.name, "scheme": view.scheme, "width": view.width},
                picture=f' (<a href="{view.file}">picture</a>)' if drawn else "",
            )
            for view in list_views([theme])
        )
        parts.append(f"<h2>{theme}</h2><section>{''.join(figures)}</section>")
    page = out / "index.html"
    page.write_text(PAGE.format(themes="\n".join(parts)), encoding="utf-8")
    return page


async def draw(themes: list[str], out: Path, chromium: str) -> None:
    """A picture of each mail, whole."""
    async with open_chromium(chromium, SECONDS) as tab:
        for view in list_views(themes):
            async with asyncio.timeout(SECONDS):
                await tab.show((out / view.theme / "preview.html").absolute().as_uri(), view.width, view.scheme)
                (await tab.draw(view.width)).save(out / view.file, optimize=True)


def draw_montage(out: Path, file: Path) -> None:
    """The two shipped themes side by side: the top of each on a desktop, and further down on a phone."""
    whole = Image.new("RGB", MONTAGE, "#c9cfcb")
    at = 30
    for theme, top in (("bulletin", 3_420), ("letter", 3_420)):
        for name, scheme, from_top in (("desktop", "light", 0), ("phone", "dark", top)):
            with Image.open(out / f"{theme}-{name}-{scheme}.png") as drawn:
                width = drawn.width if name == "phone" else drawn.width * 11 // 16
                scaled = drawn.crop((0, from_top, drawn.width, from_top + (MONTAGE[1] - 60) * drawn.width // width))
                whole.paste(scaled.resize((width, MONTAGE[1] - 60), Image.Resampling.LANCZOS), (at, 30))
                at += width + 20
    whole.quantize(256, kmeans=2, dither=Image.Dither.NONE).save(file, optimize=True)


def main() -> int:
    """Render, lay out, draw."""
    workspace = open_workspace()
    out, chromium = workspace.root / "build" / "gallery", find_chromium()
    shutil.rmtree(out, ignore_errors=True)
    themes = find_themes(workspace)
    write_mails(workspace, themes, out)
    page = write_page(themes, out, drawn=chromium is not None)
    print(f"wrote {page.relative_to(workspace.root)}: {', '.join(themes)}")
    if chromium is None:
        print("no pictures: Chromium is not here (Debian: apt install chromium fonts-noto-cjk)")
        return 0
    asyncio.run(draw(themes, out, chromium))
    picture = workspace.root / "docs" / "images" / "gallery.png"
    draw_montage(out, picture)
    print(f"wrote {picture.relative_to(workspace.root)} ({picture.stat().st_size // 1024} KB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
