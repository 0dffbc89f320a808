"""Addresses that links name by a label: `[the report][r]`, and anywhere in the article `[r]: https://…`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.utils import normalizeReference

from pressrun.markdown import make_parser
from pressrun.source.branch import without_forks
from pressrun.source.field import hide_fields

_LABEL = re.compile(r"\[((?:\\.|[^\\\[\]])+)\]", re.DOTALL)
_LINE_BREAK = re.compile(r"\n[ \t>]*")  # with what a quotation has before its lines


@dataclass(frozen=True)
class Reference:
    """An address with its label, as Markdown compares it, and the 1-based line of the file where it stands.

    `markdown` is what says it in a line of its own.
    """

    label: str
    url: str
    line: int
    markdown: str


@dataclass(frozen=True)
class References:
    """An article's addresses by label, and those whose label has another address already."""

    known: Mapping[str, Reference] = field(default_factory=dict)
    others: tuple[Reference, ...] = ()

    def environment(self) -> dict[str, Any]:
        """What a parser has to know of them beforehand."""
        return {"references": {label: {"href": one.url, "title": ""} for label, one in self.known.items()}}

    def lend(self, run: str, own: range = range(0)) -> str:
        """A run of Markdown after the addresses that it names, but for those in its `own` lines of the file.

        They stand before it: of two addresses with one label Markdown takes the first.
        """
        lent = [one.markdown for one in self._named_in(run) if one.line not in own]
        return "\n".join((*lent, "", run)) if lent else run

    def lacking_in(self, text: str) -> list[Reference]:
        """The addresses that a text of its own names and does not hold."""
        if "[" not in text or not self.known:
            return []
        held = find_references(text, 1).known
        return [one for one in self._named_in(text) if one.label not in held]

    def _named_in(self, text: str) -> Iterator[Reference]:
        named = {normalizeReference(label) for label in _LABEL.findall(_LINE_BREAK.sub(" ", text))}
        return (one for label, one in self.known.items() if label in named)


def find_references(text: str, first_line: int) -> References:
    """The addresses of an article's Markdown, which begins at `first_line`, those in conditional blocks too."""
    if "]:" not in text:
        return References()
    hidden, show = hide_fields(without_forks(text))
    found: dict[str, Any] = {}
    _parser().parse(hidden, found)

    def read(label: str, entry: dict[str, Any]) -> Reference:
        written = show(
            _write(label, entry["href"], entry["title"])
        )  # what fields hold is escaped where it is filled in
        return Reference(normalizeReference(show(label)), show(entry["href"]), first_line + entry["map"][0], written)

    known = {one.label: one for one in (read(label, entry) for label, entry in found.get("references", {}).items())}
    again = (read(entry["label"], entry) for entry in found.get("duplicate_refs", ()))
    return References(known, tuple(one for one in again if one.url != known[one.label].url))


def _write(label: str, url: str, title: str) -> str:
    destination = re.sub(r"[\\<>&]", r"\\\g<0>", url)
    quoted = re.sub(r'[\\"&]', r"\\\g<0>", title)
    return f"[{label}]: <{destination}>" + (f' "{quoted}"' if title else "")


def shows_nothing(run: str) -> bool:
    """Whether a run of Markdown has addresses only."""
    return "]:" in run and not _parser().parse(hide_fields(run)[0])


@cache
def _parser() -> MarkdownIt:
    """A parser that gives addresses as they are written; what mail can't link to is none."""
    parser = make_parser()
    parser.normalizeLink = lambda url: url  # type: ignore[method-assign]
    return parser
