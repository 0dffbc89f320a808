"""Themes: a workspace's own files win, faults are told with their place, colours can be read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from full_issue import write_full_issue
from pressrun.errors import RenderError
from pressrun.render.theme import Palette, load_theme
from rendered_issue import REPOSITORY, render_folder

TEMPLATES = REPOSITORY / "templates"
BULLETIN = TEMPLATES / "themes" / "bulletin"
THEMES = sorted(file.parent.name for file in TEMPLATES.glob("themes/*/theme.yaml"))


def write_theme(folder: Path, old: str = "", new: str = "", name: str = "bulletin") -> Path:
    theme = folder / "templates" / "themes" / name
    theme.mkdir(parents=True)
    text = (BULLETIN / "theme.yaml").read_text(encoding="utf-8")
    assert old in text
    (theme / "theme.yaml").write_text(text.replace(old, new), encoding="utf-8")
    return folder / "templates"


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ("width: 640", "width: wide", ["theme.yaml:3:", "width"]),
        ("width: 640", "width: 2000", ["theme.yaml:3:", "width"]),
        ('page: "#eef1ec"', "page: green", ["theme.yaml:5:", "light.page"]),
        ('page: "#eef1ec"', 'pages: "#eef1ec"', ["theme.yaml:", "light.pages", "page"]),
        ("title: Bulletin", "title: [", ["theme.yaml:"]),
        ("  default:", "  other:", ["typefaces", "default"]),
        ("    size: 17", "    size: 99", ["theme.yaml:", "size"]),
        ("title: Bulletin", "title: Bulle\x0btin", ["theme.yaml:2:", "U+000B"]),
    ],
)
def test_a_fault_in_theme_yaml_is_told_with_its_place(tmp_path: Path, old: str, new: str, names: list[str]) -> None:
    with pytest.raises(RenderError) as caught:
        load_theme("bulletin", [write_theme(tmp_path, old, new)])
    assert all(name in str(caught.value) for name in names), str(caught.value)


def test_every_fault_of_theme_yaml_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(RenderError) as caught:
        load_theme("bulletin", [write_theme(tmp_path, "width: 640\nlight:\n", "width: x\nheight: 3\nlight:\n")])
    assert "width" in str(caught.value) and "height" in str(caught.value)


def test_an_unknown_theme_is_told_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match=r"'bulletins'.*known: bulletin"):
        load_theme("bulletins", [tmp_path, TEMPLATES])


@pytest.mark.parametrize(
    ("language", "key"), [("zh-CN", "zh"), ("ZH-hant", "zh"), ("zh", "zh"), ("en", "default"), ("zha", "default")]
)
def test_a_language_has_its_typeface(language: str, key: str) -> None:
    theme = load_theme("bulletin", [TEMPLATES])
    assert theme.typeface(language) == theme.typefaces[key]


def test_one_file_in_the_workspace_overrides_one_of_the_theme(tmp_path: Path) -> None:
    folder = write_full_issue(tmp_path)
    own = tmp_path / "templates" / "themes" / "bulletin"
    own.mkdir(parents=True)
    before = render_folder(folder).edition
    (own / "mail.txt.j2").write_text("Only this: {{ issue.label }}\n", encoding="utf-8")
    after = render_folder(folder).edition
    assert after.text == "Only this: Issue 1 of 2026, 7 in all\n"
    assert after.html.replace(after.nonce, "") == before.html.replace(before.nonce, "")
    assert after.id != before.id


def test_colours_and_width_of_the_workspace_reach_the_mail(tmp_path: Path) -> None:
    folder = write_full_issue(tmp_path)
    write_theme(tmp_path, 'accent: "#1d6b4c"', 'accent: "#123456"')
    html = render_folder(folder).edition.html
    assert "#123456" in html and "#1d6b4c" not in html


def test_a_theme_of_the_workspace_can_have_a_name_of_its_own(tmp_path: Path) -> None:
    folder = write_full_issue(tmp_path)
    shutil.copytree(BULLETIN, tmp_path / "templates" / "themes" / "quiet-days")
    publication = folder.parent / "publication.yaml"
    publication.write_text(publication.read_text(encoding="utf-8") + "theme: quiet-days\n", encoding="utf-8")
    assert "Dear" not in render_folder(folder).edition.html  # still a slot
    assert "The first &amp; &lt;best&gt;" in render_folder(folder).edition.html


def luminance(colour: str) -> float:
    """WCAG 2.2's relative luminance."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG 2.2's contrast ratio."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_measured_as_wcag_does() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("ink", ["ink", "quiet", "accent"])
@pytest.mark.parametrize("ground", ["paper", "tint", "page"])
def test_text_can_be_read_on_every_ground(theme: str, scheme: str, ink: str, ground: str) -> None:
    palette: Palette = getattr(load_theme(theme, [TEMPLATES]), scheme)
    assert contrast(getattr(palette, ink), getattr(palette, ground)) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
def test_no_ground_is_pure_black_or_white(theme: str) -> None:
    text = (TEMPLATES / "themes" / theme / "theme.yaml").read_text(encoding="utf-8")
    colours = {value for scheme in ("light", "dark") for value in yaml.safe_load(text)[scheme].values()}
    assert not colours & {"#000000", "#ffffff"}
