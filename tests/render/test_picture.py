from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from pressrun.render import picture
from pressrun.render.picture import HEIGHT, SCREENS, find_chromium, take_pictures

PAGE = "<!doctype html><style>body {{background: #{}}} @media (max-width: 500px) {{body {{background: #{}}}}}</style>"


async def test_without_chromium_there_are_no_pictures(tmp_path: Path) -> None:
    assert await take_pictures(tmp_path / "preview.html", None) == []


@pytest.mark.parametrize("script", ["exit 3", "exit 0", "exec sleep 100"])
async def test_a_picture_that_can_not_be_taken_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    program = tmp_path / "chromium"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o700)
    monkeypatch.setattr(picture, "SECONDS", 0.2)
    assert await take_pictures(tmp_path / "preview.html", str(program)) == []
    assert sorted(tmp_path.iterdir()) == [program]


@pytest.mark.chromium
async def test_each_screen_shows_the_mail_as_wide_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "a folder, 可持续"
    folder.mkdir()
    page = folder / "preview.html"
    page.write_text(PAGE.format("00ff00", "ff0000"), encoding="utf-8")
    taken = {one.screen: one.file for one in await take_pictures(page, find_chromium())}
    assert taken.keys() == SCREENS.keys()
    for screen, colour in (("phone", (255, 0, 0)), ("desktop", (0, 255, 0))):
        with Image.open(taken[screen]) as image:
            assert (image.size, image.format) == ((SCREENS[screen], HEIGHT), "JPEG")
            seen = image.getpixel((10, 10))
        assert isinstance(seen, tuple)
        assert all(abs(one - other) < 12 for one, other in zip(seen, colour, strict=True))
