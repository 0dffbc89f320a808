"""Alt texts that say nothing are found, and pictures that are too heavy, too small or too large for their place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from pressrun.check import RULES
from pressrun.check.manuscript import Manuscript
from pressrun.source.loader import load_issue
from pressrun.workspace import open_workspace
from rule_findings import article, find, manuscript, places
from small_issue import ISSUE, PUBLICATION, write_small_issue


def figure(alt: str, more: str = "") -> str:
    return article(f":::figure\nimage: media/chart.png\nalt: '{alt}'\n{more}:::")


@pytest.mark.parametrize(
    "alt",
    [
        *("chart.png", "chart", "IMG_2041", "DSC01234.JPG", "screenshot 3", "image", "图片", "封面", "صورة"),
        *("Image of a house", "A picture showing hills", "图片：山丘", "照片显示一座桥", "a" * 300),
    ],
)
def test_an_alt_text_that_says_nothing_is_found(alt: str, tmp_path: Path) -> None:
    assert places("alt-text", tmp_path, second=figure(alt)) == [("second.md", 6, 6)]


@pytest.mark.parametrize("alt", ["A small chart", "起伏的山丘", "Imagery of war", "封面：山丘上的太阳", "图表：三国"])
def test_one_that_says_it_is_left_alone(alt: str, tmp_path: Path) -> None:
    assert places("alt-text", tmp_path, second=figure(alt, "caption: A caption\n")) == []


def test_one_that_the_caption_or_title_repeats_is_found(tmp_path: Path) -> None:
    (finding,) = find("alt-text", tmp_path, second=figure("A small chart", "caption: a small chart\n"))
    assert "the alt text is the caption again" in finding.message
    report = ":::report\ntitle: A report\ncover: media/cover.png\nalt: A report\nsummary: It says.\n:::"
    (finding,) = find("alt-text", tmp_path, second=article(report))
    assert (finding.line, "the alt text is the title again" in finding.message) == (7, True)


def test_covers_bands_and_leading_pictures_are_looked_at_too(tmp_path: Path) -> None:
    band = "    band: {image: media/chart.png, alt: band}\n    articles"
    issue = ISSUE.replace("alt: A small house", "alt: cover.png").replace("    articles", band)
    second = article("A.", "image: {image: media/chart.png, alt: chart}\n")
    assert places("alt-text", tmp_path, issue=issue, second=second) == [("issue.yaml", 8, 8), ("second.md", 3, 38)]


def test_a_heavy_picture_is_found_once(tmp_path: Path) -> None:
    issue = write_small_issue(tmp_path, second=figure("A chart"))
    chart = issue / "media" / "chart.png"
    chart.write_bytes(chart.read_bytes() + os.urandom(1024 * 1024))
    loaded = load_issue(issue)
    assert loaded.issue
    (finding,) = RULES["picture-heavy"].find(Manuscript(loaded.issue))
    assert finding.message == "media/chart.png has 1.0 MB"


@pytest.mark.parametrize("images", ["hosted", "inline"])
@pytest.mark.parametrize(
    ("width", "octets", "said"),
    [
        (900, 0, "it blurs on phones"),
        (1200, 0, None),
        (1280, 0, None),
        (4000, 0, None),
        (4000, 300_000, "the rest is loaded for nothing"),
    ],
)
def test_pixels_are_held_against_the_place_in_the_mail(
    width: int, octets: int, said: str | None, images: str, tmp_path: Path
) -> None:
    issue = write_small_issue(tmp_path, publication=PUBLICATION + f"images: {images}\n")
    cover = issue / "media" / "cover.png"
    Image.new("L", (width, 300)).save(cover)
    cover.write_bytes(cover.read_bytes() + os.urandom(octets))
    loaded = load_issue(issue)
    assert loaded.issue
    found = list(RULES["picture-size"].find(Manuscript(loaded.issue, open_workspace(tmp_path).template_folders)))
    assert [finding.message.rpartition(": ")[2] for finding in found] == ([said] if said else [])
    assert all(f"media/cover.png is {width} pixels wide and shown at 640" in finding.message for finding in found)


def test_a_picture_that_the_mail_does_not_show_is_nobodys_fault(tmp_path: Path) -> None:
    small = manuscript(tmp_path)
    assert list(RULES["picture-size"].find(small)) == []
