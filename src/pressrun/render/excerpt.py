"""Ends an issue's longest articles early, at the end of a paragraph, where its mail would be too large."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import accumulate

from markdown_it.token import Token

from pressrun.markdown import parser
from pressrun.source.block import Block, Branch, Continuation, Prose
from pressrun.source.issue import Article, Issue

# What a part takes in the mail beside its own text, about: only the shares count, as what an article weighs is known.
_FRAME_OCTETS = 900
_BLOCK_OCTETS = 700
_PIECE_OCTETS = 80
_LINK_OCTETS = 300


@dataclass(frozen=True)
class _Piece:
    """What stays whole: a typed block, a branch, or the part of a prose up to `end`, a line of it."""

    block: int
    end: int | None
    octets: int
    is_paragraph: bool = False
    leads_on: bool = False


@dataclass(frozen=True)
class _End:
    """A place where an article may end: after `piece`, with about `octets` of it in the mail."""

    piece: _Piece
    octets: float


def excerpt(issue: Issue, octets: Mapping[str, int], over: int) -> Issue:
    """`issue` without about `over` octets of its mail: its longest articles end early, with a link to the whole.

    `octets` tells what each article takes of the mail, by slug. What stays of an article is its beginning, up to its
    first paragraph at least; lists, tables, quotes and typed blocks stay or go as they are. Where that does not make
    up `over` octets, less goes. An issue that needs no shortening is given back as it is.
    """
    ends = _choose({article.slug: _ends(article, octets.get(article.slug, 0)) for article in issue.articles}, over)
    if not ends:
        return issue
    return replace(
        issue,
        sections=tuple(
            replace(
                section, articles=tuple(_cut(issue, article, ends.get(article.slug)) for article in section.articles)
            )
            for section in issue.sections
        ),
    )


def excerpted(issue: Issue) -> tuple[str, ...]:
    """The slugs of the articles that end early."""
    return tuple(
        article.slug for article in issue.articles if any(isinstance(block, Continuation) for block in article.blocks)
    )


def _choose(ends: Mapping[str, tuple[float, list[_End]]], over: int) -> dict[str, _Piece]:
    """After which piece each article ends, that about `over` octets go: the longest gives way, again and again."""
    left = {slug: whole for slug, (whole, _) in ends.items()}
    places = {slug: iter(each) for slug, (_, each) in ends.items()}
    chosen: dict[str, _Piece] = {}
    while places and over > sum(whole for whole, _ in ends.values()) - sum(left.values()):
        longest = max(places, key=lambda slug: left[slug])
        if (end := next(places[longest], None)) is None:
            del places[longest]
            continue
        left[longest], chosen[longest] = end.octets, end.piece
    return chosen


def _ends(article: Article, octets: int) -> tuple[float, list[_End]]:
    """What `article` weighs, and where it may end, the latest place first."""
    pieces = list(_pieces(article.blocks))
    share = octets / (_FRAME_OCTETS + sum(piece.octets for piece in pieces))
    stops = [n for n, piece in enumerate(pieces) if not piece.leads_on] or [0]
    least = next((n for n, piece in enumerate(pieces) if piece.is_paragraph), stops[0])
    sums = accumulate((piece.octets for piece in pieces), initial=_FRAME_OCTETS + _LINK_OCTETS / (share or 1))
    places = [
        _End(piece, weight * share)
        for n, (piece, weight) in enumerate(zip(pieces, list(sums)[1:], strict=True))
        if n == least or (n > least and not piece.leads_on)
    ]
    return octets, [place for place in reversed(places) if place.octets < octets]


def _pieces(blocks: tuple[Block, ...]) -> Iterator[_Piece]:
    for number, block in enumerate(blocks):
        if isinstance(block, Prose):
            yield from _pieces_of_prose(number, block)
        else:
            yield _Piece(number, None, _weigh(block))


def _pieces_of_prose(number: int, prose: Prose) -> Iterator[_Piece]:
    lines = prose.markdown.split("\n")
    tokens = parser().parse(prose.markdown)
    for at, token in enumerate(tokens):
        if token.level == 0 and token.map:
            start, end = token.map
            octets = sum(len(line.encode()) + 1 for line in lines[start:end]) + _PIECE_OCTETS * (1 + _items(tokens, at))
            is_paragraph = token.type == "paragraph_open"
            leads_on = token.type in ("heading_open", "hr") or (is_paragraph and _announces(tokens[at + 1]))
            yield _Piece(number, end, octets, is_paragraph, leads_on)


def _items(tokens: list[Token], at: int) -> int:
    """How many items or cells the list or table has that begins there."""
    count = 0
    for token in tokens[at + 1 :]:
        if token.level == 0:
            break
        count += token.type in ("list_item_open", "td_open", "th_open", "paragraph_open")
    return count


def _announces(text: Token) -> bool:
    """Whether a paragraph of this text promises what comes after it."""
    return text.content.rstrip("*_ ").endswith((":", "："))


def _weigh(block: Block) -> int:
    match block:
        case Prose():
            return len(block.markdown.encode()) + _PIECE_OCTETS
        case Branch():
            return sum(map(_weigh, (*block.blocks, *block.otherwise)))
        case Continuation():
            return _LINK_OCTETS
        case _:
            return len(block.model_dump_json(exclude_none=True).encode()) + _BLOCK_OCTETS


def _cut(issue: Issue, article: Article, last: _Piece | None) -> Article:
    if last is None:
        return article
    kept = article.blocks[: last.block + 1]
    if last.end is not None and isinstance(kept[-1], Prose):
        kept = (*kept[:-1], _cut_prose(kept[-1], last.end))
    title = article.meta.short_title or article.meta.title
    return replace(article, blocks=(*kept, Continuation(title, issue.article_url(article.slug))))


def _cut_prose(prose: Prose, end: int) -> Prose:
    """Its lines up to `end`, and the addresses that links in them may name from further down."""
    lines = prose.markdown.split("\n")
    shown = {n for token in parser().parse(prose.markdown) if token.map for n in range(*token.map)}
    named = [line for n, line in enumerate(lines) if n >= end and n not in shown and line.strip()]
    kept = "\n".join(lines[:end]).rstrip()
    return replace(prose, markdown="\n".join((kept, "", *named)) if named else kept)
