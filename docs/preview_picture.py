"""Makes the picture of docs/preview.md: the preview of an issue, as somebody who writes it has it beside the editor."""

from __future__ import annotations

import asyncio
import sys

from PIL import Image

from pressrun.preview.preview import previewing
from pressrun.render.chromium import find_chromium, open_chromium
from pressrun.workspace import open_workspace

ISSUE = "field-notes/2026-01"
SIZE = (1560, 960)
SECONDS = 120


async def main() -> int:
    """Serve, draw, keep small."""
    program = find_chromium()
    if program is None:
        print("Chromium is needed for the picture (Debian: apt install chromium fonts-noto-cjk)", file=sys.stderr)
        return 2
    workspace = open_workspace()
    async with previewing(workspace, ISSUE) as address, open_chromium(program, SECONDS) as tab:
        await tab.show(f"{address}?width=375&show=mail&show=archive&show=feed", SIZE[0])
        await tab.resize(*SIZE)
        picture = await tab.draw(*SIZE)
    out = workspace.root / "docs" / "images" / "preview.png"
    picture.quantize(256, dither=Image.Dither.NONE).save(out, optimize=True)
    print(f"wrote {out.relative_to(workspace.root)} ({out.stat().st_size // 1024} KB)")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
