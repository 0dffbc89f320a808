"""A theme: a folder of templates with the colours, fonts and sizes they use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from pressrun.errors import RenderError
from pressrun.source.text import read_text
from pressrun.source.validation import validate
from pressrun.source.yamlfile import read_yaml

Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-f]{6}$")]


class _Tokens(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Palette(_Tokens):
    """The colours of one scheme, light or dark."""

    page: Colour = Field(description="Around the mail")
    paper: Colour = Field(description="Behind the text")
    tint: Colour = Field(description="Behind boxes")
    ink: Colour = Field(description="Text")
    quiet: Colour = Field(description="Captions and credits; at least 4.5:1 on paper and tint")
    accent: Colour = Field(description="Links and marks; at least 4.5:1 on paper and tint")
    rule: Colour = Field(description="Thin lines")


class Typeface(_Tokens):
    """The fonts and measures of one language."""

    family: str = Field(description="The font families, quoted with single quotes")
    size: int = Field(ge=12, le=24, description="Text size in px")
    leading: float = Field(ge=1.2, le=2.2, description="Line height as a multiple")


class Theme(_Tokens):
    """What `theme.yaml` says."""

    title: str = Field(description="The theme's name")
    width: int = Field(640, ge=480, le=720, description="Width of the mail in px")
    light: Palette = Field(description="Colours")
    dark: Palette = Field(description="Colours where the reader prefers dark")
    typefaces: dict[str, Typeface] = Field(description="By language tag's first part; `default` for the others")

    def typeface(self, language: str) -> Typeface:
        """The fonts for `language`."""
        return self.typefaces.get(language.split("-")[0].lower()) or self.typefaces["default"]


def load_theme(name: str, folders: Sequence[Path]) -> Theme:
    """The theme called `name` from the first of the template `folders` that has it."""
    for folder in folders:
        file = folder / "themes" / name / "theme.yaml"
        if file.is_file():
            return _read_theme(file)
    known = sorted({file.parent.name for folder in folders for file in folder.glob("themes/*/theme.yaml")})
    raise RenderError(f"no theme is called {name!r}", f"known: {', '.join(known)}")


def _read_theme(file: Path) -> Theme:
    text, findings = read_text(file)
    theme = None
    if text is not None and not findings:
        theme, findings = validate(Theme, read_yaml(text, str(file)), str(file))
    if theme is None:
        raise RenderError("; ".join(map(str, findings)), "mend the theme")
    if "default" not in theme.typefaces:
        raise RenderError(f"{file}: typefaces has no default", "add one")
    return theme
