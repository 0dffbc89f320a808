"""Themes: a workspace's own files win, faults are told with their place, colours can be read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from full_issue import write_full_issue
from pressrun.errors import RenderError
from pressrun.render.contrast import contrast
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
        ('page: "#eef1ec"', "page: green", ["theme.yaml:7:", "light.page"]),
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
        load_theme("bulletin", [write_theme(tmp_path, "width: 640\n", "width: x\nheight: 3\n")])
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


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ('quiet: "#586860"', 'quiet: "#8a9a92"', ["theme.yaml:11:", "light.quiet #8a9a92", ":1 on paper", "4.5:1"]),
        ('tint: "#222b26"', 'tint: "#7a857f"', ["theme.yaml:", "dark.ink #e4eae5", "on tint #7a857f"]),
        ('warning: "#9a4a12"', 'warning: "#d9822b"', ["light.warning", "on page"]),
    ],
)
def test_text_that_can_not_be_read_on_its_ground_is_a_fault(
    tmp_path: Path, old: str, new: str, names: list[str]
) -> None:
    with pytest.raises(RenderError) as caught:
        load_theme("bulletin", [write_theme(tmp_path, old, new)])
    assert all(name in str(caught.value) for name in names), str(caught.value)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_on_every_ground(theme: str, scheme: str) -> None:
    palette: Palette = getattr(load_theme(theme, [TEMPLATES]), scheme)
    for ink in (palette.ink, palette.quiet, palette.accent, palette.warning):
        assert all(contrast(ink, ground) >= 4.5 for ground in (palette.page, palette.paper, palette.tint))


@pytest.mark.parametrize("theme", THEMES)
def test_no_ground_is_pure_black_or_white(theme: str) -> None:
    loaded = load_theme(theme, [TEMPLATES])
    assert not {*loaded.light.model_dump().values(), *loaded.dark.model_dump().values()} & {"#000000", "#ffffff"}


def write_own(folder: Path, name: str, files: dict[str, str]) -> Path:
    """A workspace's theme `name` with `files`; gives the workspace's templates."""
    theme = folder / "templates" / "themes" / name
    for path, text in files.items():
        (theme / path).parent.mkdir(parents=True, exist_ok=True)
        (theme / path).write_text(text, encoding="utf-8")
    return folder / "templates"


QUOTE = "<p>QUOTED {{ block.text }}</p>\n"


def test_one_block_of_the_workspace_overrides_one_of_the_theme(tmp_path: Path) -> None:
    folder = write_full_issue(tmp_path)
    before = render_folder(folder).edition
    write_own(tmp_path, "bulletin", {"blocks/quote.mjml.j2": QUOTE})
    after = render_folder(folder).edition
    assert "QUOTED Small is what you make of it." in after.html
    assert after.text.replace(after.nonce, "") == before.text.replace(before.nonce, "")
    assert after.html.count("<table") == before.html.count("<table")


def test_a_theme_that_extends_another_has_its_files_and_tokens_but_for_its_own(tmp_path: Path) -> None:
    folder = write_full_issue(tmp_path, "ours")
    tokens = "title: Ours\nextends: letter\nwidth: 560\nlight: {accent: '#1a4e8a', warning: '#1a4e8a'}\n"
    templates = write_own(tmp_path, "ours", {"theme.yaml": tokens, "blocks/quote.mjml.j2": QUOTE})
    theme = load_theme("ours", [templates, TEMPLATES])
    letter = load_theme("letter", [TEMPLATES])
    assert (theme.title, theme.width, theme.light.accent) == ("Ours", 560, "#1a4e8a")
    assert (theme.light.ink, theme.scale, theme.dark) == (letter.light.ink, letter.scale, letter.dark)
    html = render_folder(folder).edition.html
    assert "QUOTED" in html and "#1a4e8a" in html and letter.light.accent not in html
    assert 'class="label"' not in html  # that is bulletin's, two themes below


def test_a_workspace_changes_one_token_of_a_shipped_theme(tmp_path: Path) -> None:
    templates = write_own(tmp_path, "letter", {"theme.yaml": "extends: letter\nlight:\n  accent: '#1a4e8a'\n"})
    theme = load_theme("letter", [templates, TEMPLATES])
    shipped = load_theme("letter", [TEMPLATES])
    assert theme.light.accent == "#1a4e8a"
    assert theme.light.model_dump(exclude={"accent"}) == shipped.light.model_dump(exclude={"accent"})
    assert theme.model_dump(exclude={"light", "extends"}) == shipped.model_dump(exclude={"light", "extends"})


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a": "b", "b": "a"}, "extends itself"),
        ({"a": "a"}, "extends itself"),
        ({"a": "../bulletin"}, r"theme\.yaml:2:.*extends"),
        ({"a": "nowhere"}, r"themes/a/theme\.yaml: no theme is called 'nowhere'"),
    ],
)
def test_themes_that_extend_in_a_circle_or_one_that_is_not_there_are_told(
    tmp_path: Path, files: dict[str, str], message: str
) -> None:
    for name, below in files.items():
        templates = write_own(tmp_path, name, {"theme.yaml": f"title: T\nextends: {below}\n"})
    with pytest.raises(RenderError, match=message):
        load_theme("a", [templates, TEMPLATES])


def test_a_fault_in_a_theme_that_extends_is_told_at_its_own_line(tmp_path: Path) -> None:
    tokens = "title: Ours\nextends: bulletin\nlight:\n  quiet: '#aaaaaa'\n"
    templates = write_own(tmp_path, "ours", {"theme.yaml": tokens})
    with pytest.raises(RenderError, match=r"themes/ours/theme\.yaml:4:.*light\.quiet"):
        load_theme("ours", [templates, TEMPLATES])


@pytest.mark.parametrize("changed", ["themes/below/theme.yaml", "themes/below/blocks/quote.mjml.j2"])
def test_what_a_theme_extends_is_of_the_editions_inputs(tmp_path: Path, changed: str) -> None:
    folder = write_full_issue(tmp_path, "ours")
    write_own(tmp_path, "below", {"theme.yaml": "extends: letter\n", "blocks/quote.mjml.j2": QUOTE})
    write_own(tmp_path, "ours", {"theme.yaml": "title: Ours\nextends: below\n"})
    before = render_folder(folder).edition.id
    with (tmp_path / "templates" / changed).open("a", encoding="utf-8") as file:
        file.write("\n")
    assert render_folder(folder).edition.id != before
