"""A theme: a folder of templates with the colours, fonts and sizes they use, alone or on top of another."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from pressrun.errors import RenderError
from pressrun.finding import Finding
from pressrun.language import primary
from pressrun.render.contrast import READABLE, contrast
from pressrun.source.text import read_text
from pressrun.source.validation import validate
from pressrun.source.value import SLUG, Slug, SourceModel
from pressrun.source.yamlfile import YamlText, read_yaml

TOKENS = "theme.yaml"
_EXTENDS = "extends"

Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-f]{6}$")]


class Palette(SourceModel):
    """The colours of one scheme, light or dark."""

    page: Colour = Field(description="Around the mail")
    paper: Colour = Field(description="Behind the text, and the words on a button")
    tint: Colour = Field(description="Behind boxes")
    ink: Colour = Field(description="Text; like quiet, accent and warning at least 4.5:1 on page, paper and tint")
    quiet: Colour = Field(description="Captions and credits")
    accent: Colour = Field(description="Links, marks and buttons")
    warning: Colour = Field(description="The mark of a call-out that warns")
    rule: Colour = Field(description="Thin lines")


_GROUNDS = ("page", "paper", "tint")
_INKS = ("ink", "quiet", "accent", "warning")


class Typeface(SourceModel):
    """The fonts and measures of one language."""

    family: str = Field(description="The font families of text, quoted with single quotes")
    display: str | None = Field(None, description="The font families of titles, if not those of text")
    outlook: str | None = Field(None, description="What Outlook for Windows gets: it takes no other's fallbacks")
    size: int = Field(ge=12, le=24, description="Text size in px")
    leading: float = Field(ge=1.2, le=2.2, description="Line height as a multiple")
    tracking: int | float = Field(0, ge=0, le=4, description="Space between the letters of small headings in px")


class Step(SourceModel):
    """One step of the type scale."""

    size: int = Field(ge=10, le=72, description="Size in px")
    leading: float = Field(ge=1, le=2.2, description="Line height as a multiple")
    phone: int | None = Field(None, ge=10, le=72, description="Size in px on a phone, if it is another")


class Scale(SourceModel):
    """The type scale: what is larger or smaller than text."""

    masthead: Step = Field(description="The line above the title: the house or programme")
    title: Step = Field(description="The issue's title")
    heading: Step = Field(description="A section's heading")
    article: Step = Field(description="An article's title")
    subheading: Step = Field(description="A heading inside of an article")
    quote: Step = Field(description="A pull quote")
    note: Step = Field(description="Kickers, dates, sources, labels")
    small: Step = Field(description="Captions, the footer")


class Theme(SourceModel):
    """What `theme.yaml` says."""

    title: str = Field(description="The theme's name")
    extends: Slug | None = Field(None, description="The theme that has what this one lacks, file by file, key by key")
    width: int = Field(640, ge=480, le=720, description="Width of the mail in px")
    gutter: int = Field(32, ge=16, le=72, description="Space at the sides of the text in px")
    phone_gutter: int = Field(20, ge=12, le=32, description="The same on a phone")
    preferences: bool = Field(False, description="Whether the footer links to the page of a reader's preferences")
    forward: bool = Field(True, description="Whether the footer has a link to pass the issue on")
    light: Palette = Field(description="Colours")
    dark: Palette = Field(description="Colours where the reader prefers dark")
    scale: Scale = Field(description="Type scale")
    typefaces: dict[str, Typeface] = Field(description="By language tag's first part; `default` for the others")

    @property
    def measure(self) -> int:
        """Width of the text in px."""
        return self.width - 2 * self.gutter

    def typeface(self, language: str) -> Typeface:
        """The fonts for `language`."""
        return self.typefaces.get(primary(language)) or self.typefaces["default"]


@dataclass(frozen=True)
class ThemeFiles:
    """Where a theme's templates are looked for, the first folder first, and every `theme.yaml` that counts."""

    folders: tuple[Path, ...]
    tokens: tuple[Path, ...]

    def templates(self) -> Mapping[str, Path]:
        """The files in effect, by their path in the theme."""
        found: dict[str, Path] = {}
        for folder in reversed(self.folders):
            found |= {file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.is_file()}
        return {name: file for name, file in found.items() if name != TOKENS}


def load_theme(name: str, folders: Sequence[Path]) -> Theme:
    """The theme called `name` from the first of the template `folders` that has it, on top of what it extends.

    Raises RenderError where it can't be read, or text in its colours.
    """
    return _merge(tuple((str(file), _read(file)) for file in find_theme(name, folders).tokens))


def find_theme(name: str, folders: Sequence[Path]) -> ThemeFiles:
    """The files of the theme called `name`, and of those it extends.

    A theme that extends its own name goes on with the one in the next of the template `folders`.
    """
    tokens: list[Path] = []
    found: list[Path] = []
    below: str | None = name
    while below is not None:
        own = [folder / "themes" / below for folder in folders]
        file = next((folder / TOKENS for folder in own if (folder / TOKENS).is_file()), None)
        while file in tokens:  # its own name once more: the next one
            file = next(
                (each / TOKENS for each in own[own.index(file.parent) + 1 :] if (each / TOKENS).is_file()), None
            )
            if file is None:
                raise RenderError(f"{tokens[-1]}: the theme extends itself", "name another theme in extends")
        if file is None:
            raise _unknown(below, folders, tokens)
        tokens.append(file)
        found += [folder for folder in own if folder.is_dir() and folder not in found]
        below = _extended(file)
    return ThemeFiles(tuple(found), tuple(tokens))


def _unknown(name: str, folders: Sequence[Path], above: Sequence[Path]) -> RenderError:
    known = sorted({file.parent.name for folder in folders for file in folder.glob(f"themes/*/{TOKENS}")})
    place = f"{above[-1]}: " if above else ""
    return RenderError(f"{place}no theme is called {name!r}", f"known: {', '.join(known)}")


def _extended(file: Path) -> str | None:
    data = _parse(str(file), _read(file)).data
    name = data.get(_EXTENDS) if isinstance(data, dict) else None
    return name if isinstance(name, str) and re.fullmatch(SLUG, name) else None


def _read(file: Path) -> str:
    text, findings = read_text(file)
    if text is None or findings:
        raise RenderError("; ".join(map(str, findings)), "mend the theme")
    return text


@lru_cache(maxsize=64)
def _parse(path: str, text: str) -> YamlText:
    return read_yaml(text, path)


@lru_cache(maxsize=32)
def _merge(sources: tuple[tuple[str, str], ...]) -> Theme:
    """The theme that the texts of `sources` make, by their paths, the last one lowest: each must be sound on top."""
    data: Any = {}
    theme: Theme | None = None
    for path, text in reversed(sources):
        own = _parse(path, text)
        data = _lay(data, own.data) if own.data is not None else data
        on_top = YamlText(data, own.origin, own.places, own.key_places, own.findings)
        theme, findings = validate(Theme, on_top, path)
        if theme is not None and not findings:
            findings = [*_missing_default(theme, own, path), *_faint(theme, own, path)]
        if findings:
            raise RenderError("; ".join(map(str, findings)), "mend the theme")
    assert theme is not None  # there is one source at least
    return theme


def _lay(below: Any, above: Any) -> Any:
    """`above` on top of `below`, key by key."""
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    return below | {key: _lay(below.get(key), value) for key, value in above.items()}


def _missing_default(theme: Theme, text: YamlText, path: str) -> Iterator[Finding]:
    if "default" not in theme.typefaces:
        yield _finding(path, text, ("typefaces",), "missing-field", "typefaces has no default", "add one")


def _faint(theme: Theme, text: YamlText, path: str) -> Iterator[Finding]:
    """What can't be read on its ground; a button's words are `paper` on `accent`, which is the same ratio."""
    for scheme, palette in (("light", theme.light), ("dark", theme.dark)):
        for ink in _INKS:
            for ground in _GROUNDS:
                over, under = getattr(palette, ink), getattr(palette, ground)
                if (ratio := contrast(over, under)) < READABLE:
                    at = (scheme, ink) if (scheme, ink) in text.places else (scheme, ground)
                    what = f"{scheme}.{ink} {over} has {ratio:.2f}:1 on {ground} {under}"
                    yield _finding(path, text, at, "low-contrast", what, f"text needs {READABLE}:1")


def _finding(path: str, text: YamlText, at: tuple[str, ...], code: str, message: str, hint: str) -> Finding:
    place = text.place_of(at)
    return Finding(path=path, line=place.line, column=place.column, code=code, message=message, hint=hint)
