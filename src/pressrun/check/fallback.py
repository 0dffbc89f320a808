"""The rule on fields that leave a gap: what readers see of whom the attribute is not known."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from pressrun.attribute import ATTRIBUTES_FILE, AttributeSchema, read_attribute_schema
from pressrun.check.manuscript import Manuscript
from pressrun.check.page import Page
from pressrun.check.rule import Fault, rule
from pressrun.condition import Both, Either, Not, Term, parse_condition
from pressrun.finding import Severity
from pressrun.source.block import Block, Branch, map_text
from pressrun.source.branch import Fork, split_forks
from pressrun.source.field import MADE, FieldUse, fields_in
from pressrun.source.issue import Article
from pressrun.source.text import split_front_matter
from pressrun.source.yamlfile import Place

_KNOWN = MADE | {"address", "domain", "list"}  # of everybody
_IN_TARGET = re.compile(r"\]\([^()\s]*$")
Found = tuple[Place, FieldUse]


@rule("field-without-fallback", Severity.WARNING, "A field has a fallback, or is only for those of whom it is known.")
def find_gaps(manuscript: Manuscript) -> Iterator[Fault]:
    """Fields that some readers see as nothing: no fallback, not required by the schema, not in a block that asks."""
    schema = read_attribute_schema(_root_of(manuscript) / ATTRIBUTES_FILE)[0] or AttributeSchema()
    for file, place, use in _naked_fields(manuscript):
        attribute = schema.attributes.get(use.name)
        if use.name in _KNOWN or use.fallback or (attribute and (attribute.required or attribute.fallback)):
            continue
        what = f"{{{{ {use.name} }}}} is nothing to those of whom it is not known"
        hint = f'write {{{{ {use.name} | … }}}}, or put it into ::: when {use.name} != ""'
        yield Fault(file, place, what, hint)


def _root_of(manuscript: Manuscript) -> Path:
    return manuscript.issue.folder.parents[2]


def _naked_fields(manuscript: Manuscript) -> Iterator[tuple[Path, Place, FieldUse]]:
    """The fields that stand where no condition makes sure of a value."""
    for page, keys in ((manuscript.publication, _PUBLICATION_KEYS), (manuscript.own, _ISSUE_KEYS)):
        for key in keys:
            yield from ((page.file, place, use) for place, use in _in_value(page, key))
    pages = {page.file: page for page in manuscript.articles}
    for section in manuscript.issue.sections:
        above = _terms(section.meta.when)
        for article in section.articles:
            found = _in_article(article, pages[article.file], above)
            yield from ((article.file, place, use) for place, use in found)


_PUBLICATION_KEYS = (("greeting",), ("greeting_anonymous",), ("colophon", "statement"))
_ISSUE_KEYS = (("subject",), ("preheader",), ("intro",), ("colophon", "statement"))


def _in_value(page: Page, key: tuple[str, ...]) -> Iterator[Found]:
    value = page.head.data
    for part in key:
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, str):
        yield from ((page.head.place_of(key), use) for _, use in _in_text(value, 1, ()))


def _in_article(article: Article, page: Page, above: Sequence[Term]) -> Iterator[Found]:
    parts, _ = split_front_matter(page.text, article.file)
    if parts is not None:
        found = _in_text(parts.body, parts.body_line, (*above, *_terms(article.condition)))
        live = set(_live_names(article.blocks))  # in a caption, say, a field stays as it is
        yield from ((place, use) for place, use in found if use.name in live)


def _live_names(blocks: Sequence[Block]) -> Iterator[str]:
    """The names of the fields that are filled in."""
    names: list[str] = []

    def note(text: str) -> str:
        names.extend(use.name for _, use in fields_in(text))
        return text

    for block in blocks:
        if isinstance(block, Branch):
            names += _live_names((*block.blocks, *block.otherwise))
        else:
            map_text(block, note)
    yield from names


def _in_text(text: str, line: int, above: Sequence[Term]) -> Iterator[Found]:
    """The fields of Markdown that begins at `line`, where those read it for whom all of `above` holds."""
    for part in split_forks(text)[0]:
        if isinstance(part, Fork):
            term = parse_condition(part.condition).term
            yield from _in_text(part.then.text, line + part.then.line, (*above, term))
            if part.otherwise:
                yield from _in_text(part.otherwise.text, line + part.otherwise.line, (*above, Not(term)))
            continue
        for at, use in fields_in(part.text):
            if not any(_makes_sure(term, use.name) for term in above) and not _IN_TARGET.search(part.text[:at]):
                start = part.text.rfind("\n", 0, at) + 1
                yield Place(line + part.line + part.text.count("\n", 0, at), at - start + 1), use


def _terms(condition: str | None) -> tuple[Term, ...]:
    return (parse_condition(condition).term,) if condition else ()


def _makes_sure(term: Term, name: str) -> bool:
    """Whether `term` holds only for those of whom `name` is known."""
    if isinstance(term, Both):
        return any(_makes_sure(inner, name) for inner in term.terms)
    if isinstance(term, Either):
        return all(_makes_sure(inner, name) for inner in term.terms)
    if isinstance(term, Not):
        return _denied(term.term, name)
    return term.name == name and not term.holds({})


def _denied(term: Term, name: str) -> bool:
    """Whether the contrary of `term` holds only for those of whom `name` is known."""
    if isinstance(term, Not):
        return _makes_sure(term.term, name)
    if isinstance(term, Both):
        return all(_denied(inner, name) for inner in term.terms)
    if isinstance(term, Either):
        return any(_denied(inner, name) for inner in term.terms)
    return term.name == name and term.holds({})
