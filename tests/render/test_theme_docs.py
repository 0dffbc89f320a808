"""docs/themes.md tells every token and every file of a theme, and its examples work."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from full_issue import write_full_issue
from pressrun.render.theme import Palette, Scale, Step, Theme, Typeface, load_theme
from pressrun.source.block import KINDS
from rendered_issue import REPOSITORY, render_folder

TEMPLATES = REPOSITORY / "templates"
PAGE = (REPOSITORY / "docs" / "themes.md").read_text(encoding="utf-8")
FILES = sorted(
    {
        file.relative_to(theme.parent).as_posix()
        for theme in TEMPLATES.glob("themes/*/theme.yaml")
        for file in theme.parent.rglob("*.j2")
    }
)


@pytest.mark.parametrize("model", [Theme, Palette, Scale, Step, Typeface], ids=lambda model: str(model.__name__))
def test_every_token_is_told(model: type[BaseModel]) -> None:
    assert [name for name in model.model_fields if not re.search(rf"[`{{ ]{name}[`:]", PAGE)] == []


@pytest.mark.parametrize("file", [file for file in FILES if not file.startswith("blocks/")])
def test_every_file_is_told(file: str) -> None:
    assert f"`{file}`" in PAGE


def test_every_kind_of_block_is_told_and_has_its_files() -> None:
    assert [kind for kind in KINDS.values() if f"`{kind}`" not in PAGE] == []
    named = {Path(file).name.partition(".")[0] for file in FILES if file.startswith("blocks/")}
    assert named == set(KINDS.values())


EXAMPLES = re.findall(r"```yaml\n# templates/themes/(\w+)/theme\.yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("name", "text"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_its_examples_are_themes(tmp_path: Path, name: str, text: str) -> None:
    folder = write_full_issue(tmp_path, name)
    own = tmp_path / "templates" / "themes" / name
    own.mkdir(parents=True)
    (own / "theme.yaml").write_text(text, encoding="utf-8")
    assert "</html>" in render_folder(folder).edition.html
    assert load_theme(name, [tmp_path / "templates", TEMPLATES]).extends


def test_there_are_examples() -> None:
    assert {name for name, _ in EXAMPLES} == {"letter", "ours"}
