"""Finds in parsed Markdown what mail can't have: HTML, pictures that are no block, first headings, blocks in others."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from pressrun.markdown import make_parser


@dataclass(frozen=True)
class Flaw:
    """What is wrong with `piece` from the 0-based `line` of a text on; with the whole line where there is no piece."""

    line: int
    piece: str
    code: str
    message: str
    hint: str


def parse_strictly(text: str, environment: MutableMapping[str, Any] | None = None) -> list[Token]:
    """The tokens of `text`, which tell HTML and pictures."""
    return _parser().parse(text, environment)


@cache
def _parser() -> MarkdownIt:
    return make_parser(html=True, images=True)


def find_flaws(tokens: Sequence[Token], *, has_blocks: bool) -> Iterator[Flaw]:
    """The flaws of a text whose `tokens` are parsed strictly; with `has_blocks` typed blocks may stand in it."""
    for token in tokens:
        line = token.map[0] if token.map else 0
        if token.type == "colon_fence" and (token.level > 0 or not has_blocks):
            what = (
                "a block can't stand inside a list or quote" if has_blocks else "a block can't stand in a block or key"
            )
            yield Flaw(line, "", "block-nested", what, "move it out")
        if token.type == "html_block":
            yield Flaw(line, "", "raw-html", "HTML is not allowed", "write it in Markdown, or as a block")
        if token.type == "heading_open" and token.tag == "h1":
            yield Flaw(line, "", "heading-level", "the title is the only first heading", "begin with ##")
        for child in token.children or ():
            if child.type == "html_inline":
                what = f"HTML is not allowed: {child.content}"
                hint = "write it in Markdown, or put a backslash before <"
                yield Flaw(line, child.content, "raw-html", what, hint)
            if child.type == "image":
                yield Flaw(line, "![", "markdown-image", "a picture needs a block", "write it as :::figure")
