"""Makes the README's picture: an issue as mail on desktop and phone, and in the archive, side by side."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

from pressrun.render.sample import write_sample
from pressrun.render.source import render_issue
from pressrun.site.build import site
from pressrun.workspace import open_workspace

ISSUE = "spp/2026-02"
SIZE = (1600, 1000)
PAGE = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; width: 1600px; height: 1000px; overflow: hidden; background: #dfe6de; position: relative }}
figure {{ position: absolute; margin: 0; overflow: hidden; border-radius: 10px; box-shadow: 0 18px 50px #1d3b2c40 }}
iframe {{ border: 0; background: #fff }}
</style>
<figure style="left:50px;top:50px;width:680px;height:1000px"><iframe src="{mail}" width="680" height="2600"
  style="margin-top:0"></iframe></figure>
<figure style="left:780px;top:50px;width:375px;height:1000px;border-radius:28px"><iframe src="{mail}" width="375"
  height="5000" style="margin-top:-1205px"></iframe></figure>
<figure style="left:1205px;top:50px;width:345px;height:1000px"><iframe src="{page}" width="1060" height="3100"
  style="transform:scale(.3255);transform-origin:0 0"></iframe></figure>
"""


def take_picture(page: Path, out: Path, chromium: str) -> None:
    """Have Chromium draw `page`, which needs nothing from outside, and keep it small."""
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                chromium,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--no-first-run",
                "--hide-scrollbars",
                "--allow-file-access-from-files",
                f"--user-data-dir={profile}",
                f"--window-size={SIZE[0]},{SIZE[1]}",
                f"--screenshot={out}",
                page.as_uri(),
            ],
            check=True,
            capture_output=True,
        )
    with Image.open(out) as picture:
        picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(out, optimize=True)


def main() -> int:
    """Render, lay out, draw."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        print("Chromium is needed for the picture (Debian: apt install chromium fonts-noto-cjk)", file=sys.stderr)
        return 2
    workspace = open_workspace()
    out = workspace.root / "docs" / "images" / "issue.png"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_sample(render_issue(workspace, ISSUE), workspace.issue_folder(ISSUE), folder / "mail")
        site(workspace, folder / "site")
        page = folder / "page.html"
        page.write_text(PAGE.format(mail="mail/preview.html", page=f"site/{ISSUE}/index.html"), encoding="utf-8")
        take_picture(page, out, chromium)
    print(f"wrote {out.relative_to(workspace.root)} ({out.stat().st_size // 1024} KB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
