"""Finds what is wrong with fields, conditions, conditional blocks and Markdown in a source file's texts."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from pressrun.condition import ANYTHING, ConditionError, Vocabulary, spell_out
from pressrun.finding import Finding, Severity
from pressrun.source.branch import fork_faults, without_forks
from pressrun.source.field import field_faults, fields_in
from pressrun.source.flaw import find_flaws, parse_strictly
from pressrun.source.text import Locator
from pressrun.source.yamlfile import Path as KeyPath
from pressrun.source.yamlfile import Place, YamlText, each_text


@dataclass(frozen=True)
class Kind:
    """Which keys of a kind of file hold fields, which of them conditional blocks too, and which a condition.

    Those of `markdown` hold Markdown; in those of `braces` doubled braces mean something else.
    """

    fields: Collection[str] = ()
    blocks: Collection[str] = ()
    conditions: Collection[str] = ()
    braces: Collection[str] = ()
    markdown: Collection[str] = ()


PUBLICATION = Kind(
    fields=("greeting", "greeting_anonymous", "statement"),
    blocks=("statement",),
    braces=("issue_label",),
    markdown=("statement",),
)
ISSUE = Kind(
    fields=("subject", "preheader", "intro", "statement"),
    blocks=("intro", "statement"),
    conditions=("when",),
    markdown=("intro", "statement", "what"),
)
ARTICLE = Kind(conditions=("when",))
BLOCK = Kind(fields=("summary", "text"), markdown=("summary", "text"))
LINES = Kind(fields=("text",))  # a block whose text is a plain line


def check_prose(text: str, path: str, first_line: int) -> Iterator[Finding]:
    """The faults of the fields in a run of Markdown that begins at `first_line` of `path`."""
    for fault in field_faults(text):
        line = text.count("\n", 0, fault.at)
        place = Place(first_line + line, fault.at - text.rfind("\n", 0, fault.at))
        yield _finding(path, place, "bad-field", fault.message, fault.hint)


def check_texts(
    text: YamlText, kind: Kind, raw: str, first_line: int, path: str, vocabulary: Vocabulary = ANYTHING
) -> Iterator[Finding]:
    """The faults of a file's or block's YAML; `raw` is what it stands in, from `first_line` of `path` on.

    Conditions may ask for what is in `vocabulary`.
    """
    source = _Source(Locator(raw), first_line, raw.count("\n") + 1)
    for at, value in each_text(text.data):
        key = next((part for part in reversed(at) if isinstance(part, str)), "")
        line = text.place_of(at)
        if key in kind.conditions:
            yield from _check_condition(value, line, source, path, vocabulary)
        elif key in kind.fields:
            yield from _check_fields(value, line, source, path)
        elif key not in kind.braces:
            yield from _check_misplaced(at, value, line, source, path)
        if key in kind.blocks:
            yield from _check_blocks(value, line, source, path, vocabulary)
        if key in kind.markdown:
            yield from _check_markdown(value, line, source, path, has_forks=key in kind.blocks)


@dataclass(frozen=True)
class _Source:
    """Where pieces of values stand in a file."""

    locator: Locator
    first_line: int
    lines: int

    def place_of(self, piece: str, near: Place) -> Place:
        """The place of `piece` from `near` on; `near` itself where the file writes it otherwise."""
        if not 0 < (line := near.line - self.first_line + 1) <= self.lines:
            return near
        place = self.locator.find(piece, line)
        found = Place(place.line + self.first_line - 1, place.column)
        return near if place == Place(line, 1) and near.column > 1 else found


def _check_condition(value: str, near: Place, source: _Source, path: str, vocabulary: Vocabulary) -> Iterator[Finding]:
    try:
        spell_out(value, vocabulary)
    except ConditionError as error:
        place = source.place_of(value, near)
        column = place.column + error.column - 1
        yield _finding(path, Place(place.line, column), "bad-condition", error.message, error.remedy)


def _check_fields(value: str, near: Place, source: _Source, path: str) -> Iterator[Finding]:
    for fault in field_faults(value):
        piece = value[fault.at :].partition("\n")[0].partition("}}")[0]
        yield _finding(path, source.place_of(piece, near), "bad-field", fault.message, fault.hint)


def _check_misplaced(at: KeyPath, value: str, near: Place, source: _Source, path: str) -> Iterator[Finding]:
    for start, use in fields_in(value):
        what = f"{{{{ {use.name} }}}} stays as it is here: {at[-1] if at else 'this'} is the same for everybody"
        hint = "fields stand in subject, preheader, greeting, intro, and articles' text and blocks"
        place = source.place_of(value[start:].partition("}}")[0], near)
        yield _finding(path, place, "field-misplaced", what, hint, Severity.WARNING)


def _check_blocks(value: str, near: Place, source: _Source, path: str, vocabulary: Vocabulary) -> Iterator[Finding]:
    lines = value.split("\n")
    for fault in fork_faults(value, vocabulary):
        place = source.place_of(lines[fault.line], near)
        column = place.column + fault.column - 1
        yield _finding(path, Place(place.line, column), fault.code, fault.message, fault.hint)


def _check_markdown(value: str, near: Place, source: _Source, path: str, *, has_forks: bool) -> Iterator[Finding]:
    text = without_forks(value) if has_forks else value
    lines = text.split("\n")
    # Where conditional blocks may stand, every other one is told as misplaced.
    for flaw in find_flaws(parse_strictly(text), has_blocks=has_forks):
        place = source.place_of(flaw.piece or lines[flaw.line].strip(), near)
        yield _finding(path, place, flaw.code, flaw.message, flaw.hint)


def _finding(
    path: str, place: Place, code: str, message: str, hint: str, severity: Severity = Severity.ERROR
) -> Finding:
    return Finding(
        path=path, line=place.line, column=place.column, severity=severity, code=code, message=message, hint=hint
    )
