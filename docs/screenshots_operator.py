"""Takes the pictures of docs/operating.md: it runs the test that drives Prefect's UI, and keeps what that shows."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[1]
TEST = "tests/browser/test_operator.py"


def keep_small(picture: Path, out: Path) -> None:
    """Write `picture` to `out` with few colours: screens have no more."""
    with Image.open(picture) as opened:
        opened.convert("RGB").quantize(64, dither=Image.Dither.NONE).save(out, optimize=True)


def main() -> int:
    """Run the test; the pictures of one that fails are not kept."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"PRESSRUN_TEST_PICTURES": folder}
        command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", TEST]
        if status := subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode:
            return status
        pictures = sorted(Path(folder).glob("*.png"))
        for picture in pictures:
            out = ROOT / "docs" / "images" / picture.name
            keep_small(picture, out)
            print(f"wrote {out.relative_to(ROOT)} ({out.stat().st_size // 1024} KB)")
    return 0 if pictures else 2


if __name__ == "__main__":
    sys.exit(main())
