from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from pressrun.errors import UsageError
from pressrun.preview import screenshot as module
from pressrun.preview.screenshot import screenshot, shots_of
from pressrun.render.chromium import find_chromium
from pressrun.workspace import open_workspace
from small_issue import write_small_issue

NAMES = {
    *(f"mail-{width}-{scheme}.png" for width in (375, 640) for scheme in ("light", "dark")),
    *(f"archive-{width}-{scheme}.png" for width in (375, 1280) for scheme in ("light", "dark")),
    *("mail-640-images-off.png", "text.png", "feed.png"),
}


def test_every_view_is_drawn_at_its_widths_in_both_schemes() -> None:
    shots = list(shots_of("2026-01"))
    assert {shot.name for shot in shots} == NAMES
    assert len(shots) == len(NAMES)
    for shot in shots:
        if "-dark" in shot.name:
            assert "dark" in shot.path


async def test_without_chromium_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_small_issue(tmp_path)
    monkeypatch.setattr(module, "find_chromium", lambda: None)
    with pytest.raises(UsageError, match="apt install chromium"):
        await screenshot(open_workspace(tmp_path), "2026-01", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.chromium
@pytest.mark.skipif(not find_chromium(), reason="no Chromium here")
async def test_each_picture_is_as_wide_as_it_says_and_as_high_as_the_view(tmp_path: Path) -> None:
    write_small_issue(tmp_path)
    files = await screenshot(open_workspace(tmp_path), "2026-01", tmp_path / "out")
    assert {file.name for file in files} == NAMES == {file.name for file in (tmp_path / "out").iterdir()}
    lightness = {}
    for file in files:
        with Image.open(file) as picture:
            width = int(file.name.split("-")[1]) if "-" in file.name else 640
            assert picture.width == width
            assert picture.height > 200
            corner = picture.convert("L").getpixel((2, picture.height - 2))
            assert isinstance(corner, int)
            lightness[file.name] = corner
    for name in NAMES:
        assert (lightness[name] < 100) == ("-dark" in name), name
