"""Fields: what `{{ city | your city }}` in an editor's text stands for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

# Addresses and marks that pressrun itself makes for each recipient; everything else is known of the subscriber or not.
MADE = frozenset({"unsubscribe_url", "preferences_url", "view_url", "message_id"})
_BRACES = re.compile(r"\\\{\{|\{\{(?P<inside>[^\n]*?)\}\}|\{\{")
_LITERAL = r"\{{"
_HINT = rf"write {{{{ name }}}} or {{{{ name | fallback }}}}, and {_LITERAL} for braces that readers see"


@dataclass(frozen=True)
class FieldUse:
    """An attribute's name, or one of `MADE`, and what stands there for those who have none."""

    name: str
    fallback: str = ""


@dataclass(frozen=True)
class FieldFault:
    """What is wrong at the 0-based character `at` of a text."""

    at: int
    message: str
    hint: str = _HINT


def write_fields(text: str, write: Callable[[FieldUse], str]) -> str:
    r"""`text` with what `write` makes of each field, and `{{` for `\{{`; a faulty field stays as it is."""

    def replace(match: re.Match[str]) -> str:
        if match[0] == _LITERAL:
            return "{{"
        use = _read(match)
        return write(use) if isinstance(use, FieldUse) else match[0]

    return _BRACES.sub(replace, text) if "{{" in text else text


def add_fallbacks(text: str, fallbacks: Mapping[str, str]) -> str:
    """`text` with a fallback for each field that has none of its own and whose name has one in `fallbacks`."""
    for at, use in reversed([*fields_in(text)]) if fallbacks else ():
        given = fallbacks.get(use.name, "")
        if given and not use.fallback and not set(given) & set("{}|") and given.isprintable():
            text = f"{text[:at]}{{{{ {use.name} | {given} }}}}{text[text.index('}}', at) + 2 :]}"
    return text


def fields_in(text: str) -> Iterator[tuple[int, FieldUse]]:
    """The sound fields of `text`, each with where it begins."""
    for match in _BRACES.finditer(text):
        if match[0] != _LITERAL and isinstance(use := _read(match), FieldUse):
            yield match.start(), use


def field_faults(text: str) -> Iterator[FieldFault]:
    """Every fault of the fields of `text`."""
    for match in _BRACES.finditer(text):
        if match[0] != _LITERAL and isinstance(fault := _read(match), FieldFault):
            yield fault


def _read(match: re.Match[str]) -> FieldUse | FieldFault:
    inside = match["inside"]
    if inside is None:
        return FieldFault(match.start(), "{{ opens here and is not closed in this line")
    name, bar, fallback = (part.strip() for part in inside.partition("|"))
    if not name:
        return FieldFault(match.start(), f"{match[0]} names no attribute")
    if unfit := set("{}|") & set(name + fallback):
        return FieldFault(match.start(), f"{min(unfit)} can't stand inside of {match[0]}")
    if not name.isprintable() or not fallback.isprintable():
        return FieldFault(match.start(), f"{match[0]} holds an invisible character")
    if name in MADE and bar:
        return FieldFault(match.start(), f"{name} is there for everybody", "take the fallback away")
    return FieldUse(name, fallback)


_HIDDEN = re.compile(r"@@(\d+)@@")


def hide_fields(text: str) -> tuple[str, Callable[[str], str]]:
    """`text` with a mark that Markdown takes as text for each field, and what puts the fields back into a piece."""
    written: list[str] = []

    def hide(match: re.Match[str]) -> str:
        written.append(match[0])
        return f"@@{len(written) - 1}@@"

    def show(piece: str) -> str:
        return _HIDDEN.sub(lambda mark: written[int(mark[1])] if int(mark[1]) < len(written) else mark[0], piece)

    return _BRACES.sub(hide, text), show
