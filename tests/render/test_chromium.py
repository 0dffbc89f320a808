from __future__ import annotations

from pathlib import Path

import pytest

from pressrun.render.chromium import ChromiumError, find_chromium, open_chromium

SECONDS = 180.0
PAGE = """<!doctype html><style>
body {{ margin: 0; height: {height}px; background: linear-gradient(#ff0000 50%, #0000ff 50%) }}
@media (prefers-color-scheme: dark) {{ body {{ background: #000000 }} }}
</style>"""

needs_chromium = [pytest.mark.chromium, pytest.mark.skipif(not find_chromium(), reason="no Chromium here")]


@pytest.mark.parametrize("script", ["exit 3", "exec sleep 100", "echo ws://127.0.0.1:1/x >&2; exec sleep 100"])
async def test_a_program_that_does_not_start_is_told_in_time(tmp_path: Path, script: str) -> None:
    program = tmp_path / "chromium"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o700)
    with pytest.raises(ChromiumError, match="Chromium"):
        async with open_chromium(str(program), 0.3):
            raise AssertionError("it did not start")


@pytest.mark.parametrize("mark", [pytest.param(None, marks=needs_chromium)])
async def test_a_picture_is_as_high_as_the_page_however_long(tmp_path: Path, mark: None) -> None:
    page = tmp_path / "page.html"
    page.write_text(PAGE.format(height=20_000), encoding="utf-8")
    async with open_chromium(find_chromium() or "", SECONDS) as tab:
        await tab.show(page.as_uri(), 320)
        picture = await tab.draw(320)
        assert picture.size == (320, 20_000)
        assert (picture.getpixel((9, 9_990)), picture.getpixel((9, 10_010))) == ((255, 0, 0), (0, 0, 255))
        assert picture.getpixel((9, 19_990)) == (0, 0, 255)
        await tab.show(page.as_uri(), 320, "dark")
        assert (await tab.draw(320, 50)).getpixel((9, 9)) == (0, 0, 0)


@pytest.mark.parametrize("mark", [pytest.param(None, marks=needs_chromium)])
async def test_a_page_that_is_not_there_is_told(tmp_path: Path, mark: None) -> None:
    async with open_chromium(find_chromium() or "", SECONDS) as tab:
        for address in ((tmp_path / "none.html").as_uri(), "http://www.example.com/"):
            with pytest.raises(ChromiumError, match="can't open"):
                await tab.show(address, 320)
        with pytest.raises(ChromiumError, match="refuses"):
            await tab.call("Nothing.known")
