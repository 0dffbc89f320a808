"""Finds the links of a parsed text: what Markdown links to, and addresses that stand in the open."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from pressrun.markdown import make_parser

# Mail programs make a link of an address in a text, though Markdown does not.
_BARE = re.compile(r"(?<![A-Za-z0-9])https?:[^\s<>\"“”，。；、：！？（）《》】」』]+")


@dataclass(frozen=True)
class Link:
    """An address as it is written, and where; `text` is what a reader presses, None for the value of a key."""

    url: str
    line: int
    column: int
    text: str | None = None


@dataclass(frozen=True)
class Address:
    """An address in a run of inline text, and the words that are its link: itself, where it stands in the open."""

    url: str
    text: str


def addresses(tokens: Sequence[Token]) -> Iterator[Address]:
    """The addresses of a run of inline text: what Markdown links to, and what stands in the open."""
    opened: int | None = None
    for n, token in enumerate(tokens):
        if token.type == "link_open":
            yield Address(str(token.attrs.get("href", "")), _words_from(tokens, n + 1))
            opened = n
        elif token.type == "link_close":
            opened = None
        elif token.type == "text" and opened is None:
            yield from (Address(url, url) for url in bare_addresses(token.content))


def bare_addresses(text: str) -> Iterator[str]:
    """The web addresses that stand in the open in `text`."""
    return (_trim(match, text) for match in _BARE.finditer(text))


def _words_from(tokens: Sequence[Token], start: int) -> str:
    words = []
    for token in tokens[start:]:
        if token.type == "link_close":
            break
        words.append(" " if token.type == "softbreak" else token.content)
    return "".join(words)


def _trim(match: re.Match[str], text: str) -> str:
    """A bare address without the punctuation of its sentence: a bracket is its own unless one is open before it."""
    url = match[0].rstrip(".,;:!?*'")
    before = text[: match.start()]
    if url.endswith(")") and url.count("(") < url.count(")") and before.count("(") > before.count(")"):
        return url[:-1]
    return url


@cache
def link_parser() -> MarkdownIt:
    """A parser that takes every address as it is written, the forbidden ones too."""
    parser = make_parser()
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    parser.normalizeLink = lambda url: url  # type: ignore[method-assign]
    return parser
