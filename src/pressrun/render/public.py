"""An issue as the public reads it, of whom nothing is known: fallbacks for fields, and what is for everybody."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace

from pressrun.condition import parse_condition
from pressrun.render.slot import SlotTokens, cut_html
from pressrun.source.block import Block, Branch, Quote
from pressrun.source.branch import fold_forks
from pressrun.source.field import FieldUse, write_fields
from pressrun.source.issue import Issue, Section
from pressrun.source.model import Colophon
from pressrun.source.reference import find_references

_NOWHERE = re.compile(r'<a href=""[^<>]*>(.*?)</a>', re.DOTALL)


def make_public(issue: Issue) -> Issue:
    """`issue` with only what is for everybody; its Markdown keeps its fields, which `show_public` fills."""
    meta = issue.meta.model_copy(
        update={
            "subject": _fill(issue.meta.subject) if issue.meta.subject else None,
            "preheader": _fill(issue.meta.preheader),
            "intro": _fold(issue.meta.intro) if issue.meta.intro else None,
            "colophon": _fold_colophon(issue.meta.colophon) if issue.meta.colophon else None,
        }
    )
    publication = issue.publication.model_copy(update={"colophon": _fold_colophon(issue.publication.colophon)})
    sections = tuple(_keep_public(section) for section in issue.sections if _is_public(section.condition))
    return replace(issue, publication=publication, meta=meta, sections=sections)


def show_public(markdown: str, render: Callable[[str], str]) -> str:
    """The HTML that `render` makes of `markdown`, with its fields' fallbacks; a link without an address is its text."""
    if "{{" not in markdown:
        return render(markdown)
    tokens = SlotTokens(f"p{hashlib.sha256(markdown.encode()).hexdigest()[:12]}")
    fallbacks: list[str] = []

    def hold(use: FieldUse) -> str:
        fallbacks.append(use.fallback)
        return tokens[f"field{len(fallbacks) - 1}"]

    cut = cut_html(render(write_fields(markdown, hold)), tokens)
    filled = cut.fill({f"field{n}": fallback for n, fallback in enumerate(fallbacks)})
    return _NOWHERE.sub(r"\1", filled)


def _fill(line: str) -> str:
    """A line that is not Markdown, with the fallbacks of its fields, and no gap where one has none."""
    return " ".join(write_fields(line, lambda use: use.fallback).split())


def _fill_quote(quote: Quote) -> Quote:
    """A quote's words are a plain line, where nothing fills fields later."""
    return quote.model_copy(update={"text": _fill(quote.text)})


def _fold(markdown: str) -> str | None:
    """What everybody reads of a text; its links may name addresses that stand in what only some read."""
    public = fold_forks(markdown, lambda condition, text, otherwise: text if _is_public(condition) else otherwise)
    return find_references(markdown, 1).lend(public) or None


def _fold_colophon(colophon: Colophon) -> Colophon:
    return colophon.model_copy(update={"statement": _fold(colophon.statement) if colophon.statement else None})


def _is_public(condition: str | None) -> bool:
    return condition is None or parse_condition(condition).holds({})


def _keep_public(section: Section) -> Section:
    kept = (article for article in section.articles if _is_public(article.condition))
    articles = tuple(replace(article, blocks=_keep_blocks(article.blocks)) for article in kept)
    return replace(section, articles=articles)


def _keep_blocks(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    kept: list[Block] = []
    for block in blocks:
        if isinstance(block, Branch):
            kept += _keep_blocks(block.blocks if _is_public(block.condition) else block.otherwise)
        else:
            kept.append(_fill_quote(block) if isinstance(block, Quote) else block)
    return tuple(kept)
