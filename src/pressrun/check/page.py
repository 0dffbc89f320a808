"""One source file as the rules read it: its passages, links and headings, each with its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from markdown_it.token import Token

from pressrun.source.branch import without_forks
from pressrun.source.field import hide_fields
from pressrun.source.link import Link, addresses, link_parser
from pressrun.source.text import Locator, read_text, split_front_matter
from pressrun.source.yamlfile import Place, YamlText, each_text, read_yaml

ADDRESS_KEYS = frozenset({"url", "website", "base_url"})
MARKDOWN_KEYS = frozenset({"text", "summary", "statement", "intro", "what"})
LINE_KEYS = frozenset(
    "title short_title kicker labels caption credit alt name publisher subject preheader slogan masthead description "
    "copyright place columns rows by".split()
)
_LONGER = "[A-Za-z0-9_/?&=#%-]"
_NO_PROSE = re.compile(
    r"(?P<ticks>`+)(?!`).*?(?<!`)(?P=ticks)(?!`)"  # code
    r"|\]\((?:<[^>\n]*>|[^\s()]*(?:\([^\s()]*\)[^\s()]*)*)(?:\s+(?:\"[^\"]*\"|'[^']*'))?\s*\)"  # a link's target
    r"|<[^<>\s]+>"  # an address in angle brackets
    r"|https?:(?:[^\s()<>“”，。；、：！？（）《》】」』]|\([^\s()<>]*\))+"
    r"|\{\{.*?\}\}",  # a field
    re.DOTALL,
)


@dataclass(frozen=True)
class Passage:
    """A paragraph, heading, cell or value as it is written, from `line` on; `key` where it is the value of one."""

    text: str
    line: int
    key: str = ""

    @cached_property
    def prose(self) -> str:
        """The text, of the same length, with `x` for all that is no prose: code, addresses and fields."""
        return _NO_PROSE.sub(lambda match: "x" * len(match[0]), self.text)


@dataclass(frozen=True)
class Heading:
    """A heading of an article's text: its level, 2 for `##`, and words."""

    level: int
    text: str
    line: int


@dataclass(frozen=True)
class Page:
    """What the rules know of one source file.

    `head` is its YAML, `blocks` the YAML of its typed blocks by kind; `elements` are the HTML elements that its
    Markdown makes, each with the line of its first.
    """

    file: Path
    text: str = ""
    head: YamlText = field(default_factory=YamlText)
    blocks: tuple[tuple[str, YamlText], ...] = ()
    passages: tuple[Passage, ...] = ()
    links: tuple[Link, ...] = ()
    headings: tuple[Heading, ...] = ()
    elements: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def _lines(self) -> list[str]:
        return self.text.split("\n")

    @cached_property
    def body(self) -> tuple[Passage, ...]:
        """The passages of an article's Markdown, without its front matter and blocks."""
        return tuple(passage for passage in self.passages if not passage.key)

    def place_of(self, *path: str | int) -> Place:
        """Where the value of a key of the YAML head stands."""
        return self.head.place_of(path)

    def place_in(self, passage: Passage, offset: int) -> Place:
        """Where the character at `offset` of a passage stands; the passage itself where it is written otherwise."""
        start = passage.text.rfind("\n", 0, offset) + 1
        end = passage.text.find("\n", offset)
        whole = passage.text[start : end if end >= 0 else None]
        lines_above = passage.text.count("\n", 0, offset)
        for reach in (len(passage.text), 12, 4, 0):
            left, right = max(start, offset - reach), min(start + len(whole), offset + reach + 1)
            if place := self._find(passage.text[left:right], passage.line + lines_above, passage.line):
                return Place(place.line, place.column + offset - left)
        return Place(passage.line, 1)

    def _find(self, piece: str, line: int, otherwise: int) -> Place | None:
        for first in dict.fromkeys((line, otherwise)):
            for n in range(first, min(first + 200, len(self._lines)) + 1):
                if piece and (at := self._lines[n - 1].find(piece)) >= 0:
                    return Place(n, at + 1)
        return None


def read_page(file: Path) -> Page:
    """The source file `file`; nothing of it where it can't be read."""
    text, _ = read_text(file)
    if text is None:
        return Page(file)
    reading = _Reading(Locator(text))
    if file.suffix != ".md":
        head = read_yaml(text, str(file))
        reading.read_yaml(head)
    else:
        parts, _ = split_front_matter(text, file)
        if parts is None:
            return Page(file, text)
        head = read_yaml(parts.head, str(file), Place(parts.head_line, 1))
        reading.read_yaml(head)
        reading.read_body(parts.body, parts.body_line)
    return Page(
        file,
        text,
        head,
        tuple(reading.blocks),
        tuple(reading.passages),
        tuple(reading.links),
        tuple(reading.headings),
        reading.elements,
    )


@dataclass
class _Reading:
    """What is gathered of one file, in the order it stands there."""

    locator: Locator
    blocks: list[tuple[str, YamlText]] = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    headings: list[Heading] = field(default_factory=list)
    elements: dict[str, int] = field(default_factory=dict)

    def read_yaml(self, text: YamlText) -> None:
        """Take up every text of `text`."""
        for at, value in each_text(text.data):
            line = text.place_of(at).line
            key = next((part for part in reversed(at) if isinstance(part, str)), "")
            if at[-1:] and at[-1] in ADDRESS_KEYS:
                self.links.append(self._link(value, line, None))
            elif key in MARKDOWN_KEYS:
                self._read_inline(value, line, key)
            else:
                self._read_line(value, line, key)

    def read_body(self, text: str, first_line: int) -> None:
        """Take up an article's Markdown, which begins at `first_line`."""
        hidden, show = hide_fields(without_forks(text))
        tokens = link_parser().parse(hidden)
        for n, token in enumerate(tokens):
            line = first_line + (token.map[0] if token.map else 0)
            if token.type == "colon_fence":
                block = read_yaml(show(token.content), "", Place(line + 1, 1))
                self.blocks.append((token.info.strip().strip("{}"), block))
                self.read_yaml(block)
            elif token.type == "heading_open":
                self.headings.append(Heading(int(token.tag[1]), show(tokens[n + 1].content), line))
            elif token.type == "inline":
                self.passages.append(Passage(show(token.content), line))
            self._take(token, line, show)

    def _take(self, token: Token, line: int, show: Callable[[str], str]) -> None:
        """Take up the links and elements of a token."""
        for one in (token, *(token.children or ())):
            if one.tag and one.nesting >= 0 and one.type != "colon_fence":
                self.elements.setdefault(one.tag, line)
        for found in addresses(token.children or ()):
            self.links.append(self._link(show(found.url), line, show(found.text)))

    def _read_line(self, value: str, line: int, key: str) -> None:
        if key in LINE_KEYS:
            self.passages.append(Passage(value, line, key))
        if "http" in value or "](" in value or "]:" in value or "<" in value:
            self._read_inline(value, line, None)

    def _read_inline(self, value: str, line: int, key: str | None) -> None:
        hidden, show = hide_fields(without_forks(value))
        for token in link_parser().parse(hidden):
            if key and token.type == "inline":
                self.passages.append(Passage(show(token.content), line, key))
            self._take(token, line, show)

    def _link(self, url: str, line: int, text: str | None) -> Link:
        # An empty address is found by the brackets before it.
        shown = url.strip("#")
        find = self.locator.find
        place = find(url, line, not_before=_LONGER) if shown else find(f"]({url}", line)
        return Link(url, place.line, place.column, text)
