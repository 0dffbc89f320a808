"""Finds every link in an issue's files, with its place; in a text Markdown decides what is one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from pressrun.markdown import make_parser
from pressrun.source.text import Locator, read_text, split_front_matter
from pressrun.source.yamlfile import Place, YamlText, each_text, read_yaml

_ADDRESS_KEYS = ("url", "website", "base_url")
# Mail programs make a link of an address in a text, though Markdown does not.
_BARE = re.compile(r"(?<![A-Za-z0-9])https?:[^\s<>\"“”，。；、：！？（）《》】」』]+")
_LONGER = "[A-Za-z0-9_/?&=#%-]"


@dataclass(frozen=True)
class Link:
    """An address as it is written, and where."""

    url: str
    line: int
    column: int


def links_in(file: Path) -> list[Link]:
    """Every link of a YAML file, or of an article's front matter, text and blocks."""
    text, _ = read_text(file)
    if text is None:
        return []
    locator = Locator(text)
    if file.suffix != ".md":
        return list(_in_yaml(read_yaml(text, str(file)), locator))
    parts, _ = split_front_matter(text, file)
    if parts is None:
        return []
    head = read_yaml(parts.head, str(file), Place(parts.head_line, 1))
    return [*_in_yaml(head, locator), *_in_body(parts.body, parts.body_line, locator)]


def _in_body(text: str, first_line: int, locator: Locator) -> Iterator[Link]:
    for token in _parser().parse(text):
        line = first_line + (token.map[0] if token.map else 0)
        if token.type == "colon_fence":
            yield from _in_yaml(read_yaml(token.content, "", Place(line + 1, 1)), locator)
        for url in _addresses(token.children or ()):
            yield _link(url, line, locator)


def _in_yaml(text: YamlText, locator: Locator) -> Iterator[Link]:
    for at, value in each_text(text.data):
        line = text.place_of(at).line
        if at[-1:] and at[-1] in _ADDRESS_KEYS:
            yield _link(value, line, locator)
            continue
        for token in _parser().parse(value):
            for url in _addresses(token.children or ()):
                yield _link(url, line, locator)


def _link(url: str, line: int, locator: Locator) -> Link:
    # An empty address is found by the brackets before it.
    place = locator.find(url, line, not_before=_LONGER) if url.strip("#") else locator.find(f"]({url}", line)
    return Link(url, place.line, place.column)


def _addresses(tokens: Sequence[Token]) -> Iterator[str]:
    """The addresses of a run of inline text: what Markdown links to, and what stands in the open."""
    depth = 0
    for token in tokens:
        if token.type == "link_open":
            yield str(token.attrs.get("href", ""))
        depth += token.nesting if token.type.startswith("link_") else 0
        if token.type == "text" and not depth:
            yield from (_trim(match, token.content) for match in _BARE.finditer(token.content))


def _trim(match: re.Match[str], text: str) -> str:
    """A bare address without the punctuation of its sentence: a bracket is its own unless one is open before it."""
    url = match[0].rstrip(".,;:!?*'")
    before = text[: match.start()]
    if url.endswith(")") and url.count("(") < url.count(")") and before.count("(") > before.count(")"):
        return url[:-1]
    return url


@cache
def _parser() -> MarkdownIt:
    """Takes every address as it is written, the forbidden ones too."""
    parser = make_parser()
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    parser.normalizeLink = lambda url: url  # type: ignore[method-assign]
    return parser
