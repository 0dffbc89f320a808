"""The gallery of themes: every theme is in it, light and dark, on desktop and phone."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image

from pressrun.workspace import open_workspace
from rendered_issue import REPOSITORY

PICTURE = REPOSITORY / "docs" / "images" / "gallery.png"


@pytest.fixture(scope="module")
def gallery() -> ModuleType:
    """The script `docs/gallery.py`."""
    specification = importlib.util.spec_from_file_location("gallery", REPOSITORY / "docs" / "gallery.py")
    assert specification and specification.loader
    module = sys.modules["gallery"] = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_page_shows_every_theme_in_every_window_and_scheme(gallery: ModuleType, tmp_path: Path) -> None:
    workspace = open_workspace(REPOSITORY)
    themes = gallery.find_themes(workspace)
    assert set(themes) >= {"bulletin", "letter"}
    gallery.write_mails(workspace, themes, tmp_path)
    page = gallery.write_page(themes, tmp_path, drawn=True).read_text(encoding="utf-8")
    shown = re.findall(r'<iframe src="(\w+)/preview\.html" width="(\d+)".*?color-scheme: (\w+)', page)
    assert sorted(shown) == sorted(
        (theme, str(width), scheme) for theme in themes for width in (640, 375) for scheme in ("light", "dark")
    )
    for theme in themes:
        mail = (tmp_path / theme / "preview.html").read_text(encoding="utf-8")
        assert "&lt;tall&gt;" not in mail and "invalid" not in mail
        assert all((tmp_path / theme / source).is_file() for source in re.findall(r'src="([^"]*)"', mail))


def test_the_picture_in_the_docs_is_small_enough_to_load_fast() -> None:
    assert 20_000 < PICTURE.stat().st_size < 300_000
    with Image.open(PICTURE) as picture:
        assert picture.width > 1_500
