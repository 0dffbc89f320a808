"""A picture may be called what its maker called it: its address is encoded (RFC 3986 §2.1) wherever it is named."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx
import pytest
from PIL import Image

from pressrun.check import RULES
from pressrun.check.manuscript import Manuscript
from pressrun.check.picture import widths_in
from pressrun.preview.app import make_preview_app
from pressrun.preview.board import Board
from pressrun.preview.proof import attempt
from pressrun.render.sample import write_sample
from pressrun.site.build import site
from pressrun.workspace import open_workspace
from rendered_issue import load_folder, render_folder
from small_issue import ISSUE, PUBLICATION, write_small_issue

NAMES = ["图 1#2%.png", "Figure 1 (final).png", '100%25 a&b\'s "?".png', "deep/采购;x=1.png"]
SOURCE = re.compile(r'<img\b[^<>]*?\ssrc="([^"]*)"')
BASE = "https://small.example.com/news/"

pytestmark = pytest.mark.parametrize("name", NAMES)


def write_named(folder: Path, name: str, images: str = "hosted", width: int = 1280) -> Path:
    """The small issue whose cover is called `name`."""
    issue = ISSUE.replace("media/cover.png", json.dumps(f"media/{name}", ensure_ascii=False))
    written = write_small_issue(folder, issue=issue, publication=f"{PUBLICATION}images: {images}\n")
    file = written / "media" / name
    file.parent.mkdir(exist_ok=True)
    Image.new("L", (width, 300)).save(file)
    return written


def cover_in(html: str) -> str:
    """The address of the first picture."""
    return unescape(SOURCE.findall(html)[0])


def test_the_mail_names_it_by_an_address_that_the_archive_answers(name: str, tmp_path: Path) -> None:
    address = cover_in(render_folder(write_named(tmp_path, name)).edition.html)
    parts = urlsplit(address)
    assert re.fullmatch(r"https://[\w.~/%-]+", address, re.ASCII) and not parts.query and not parts.fragment
    site(open_workspace(tmp_path), tmp_path / "out")
    assert (tmp_path / "out/small" / unquote(address.removeprefix(BASE))).is_file()
    assert address in (tmp_path / "out/small/2026-01/index.html").read_text()  # og:image


def test_an_inline_one_goes_with_the_mail(name: str, tmp_path: Path) -> None:
    edition = render_folder(write_named(tmp_path, name, "inline")).edition
    assert edition.inline[0].name == name.rpartition("/")[2]
    assert cover_in(edition.html) == f"cid:{edition.inline[0].content_id}"


@pytest.mark.parametrize("images", ["hosted", "inline"])
def test_a_sample_shows_the_copy_beside_it(name: str, images: str, tmp_path: Path) -> None:
    folder = write_named(tmp_path, name, images)
    write_sample(render_folder(folder), folder, tmp_path / "out")
    shown = urlsplit(cover_in((tmp_path / "out/preview.html").read_text(encoding="utf-8")))
    assert not shown.query and not shown.fragment
    assert (tmp_path / "out" / unquote(shown.path)).read_bytes() == (folder / "media" / name).read_bytes()


@pytest.mark.parametrize("images", ["hosted", "inline"])
async def test_every_view_of_the_preview_shows_it(name: str, images: str, tmp_path: Path) -> None:
    folder = write_named(tmp_path, name, images)
    workspace, board = open_workspace(tmp_path), Board()
    board.show(attempt(workspace, folder))
    transport = httpx.ASGITransport(make_preview_app(board, workspace, "small/2026-01"))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:4280") as client:
        for view in ("/view/mail", "/view/archive/light/2026-01/"):
            address = cover_in((await client.get(view)).text)
            answer = await client.get(address)
            assert (answer.status_code, answer.content) == (200, (folder / "media" / name).read_bytes()), view


@pytest.mark.parametrize("images", ["hosted", "inline"])
def test_the_checks_know_how_wide_it_is_shown(name: str, images: str, tmp_path: Path) -> None:
    folder = write_named(tmp_path, name, images, width=900)
    manuscript = Manuscript(load_folder(folder), open_workspace(tmp_path).template_folders)
    assert widths_in(manuscript)[f"media/{name}"] == 640
    (finding,) = RULES["picture-size"].find(manuscript)
    assert f"media/{name} is 900 pixels wide and shown at 640" in finding.message
