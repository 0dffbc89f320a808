"""Vocabularies: which names a condition may ask for where it stands, and what can be said of each."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pressrun.condition.term import Term


class Kind(StrEnum):
    """What can be said of a name: which signs may follow it, and which values."""

    ANY = "any"
    TEXT = "text"
    SEVERAL = "several"
    NUMBER = "number"
    DATE = "date"
    FLAG = "flag"
    CHOICE = "choice"
    LANGUAGE = "language"
    DOMAIN = "domain"
    ADDRESS = "address"
    SEGMENT = "segment"


@dataclass(frozen=True)
class Subject:
    """What a name stands for; `choices` are all values that a choice has, or all names of a set."""

    kind: Kind
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Vocabulary:
    """The names there are. `others` is what any further name stands for; without it, there are no others.

    `elsewhere` tells of names that are known, but not here: why, and what to do instead. `segments` are what the
    name `segment` may be compared with: each stands for its own condition.
    """

    subjects: Mapping[str, Subject] = field(default_factory=dict)
    others: Subject | None = Subject(Kind.ANY)
    elsewhere: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    segments: Mapping[str, Term] = field(default_factory=dict)
    barred: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Segments that can't stand here: why, and what to do instead."""
    fallbacks: Mapping[str, str] = field(default_factory=dict)
    """What a text says of a name that is not known of somebody, where it says nothing itself."""
    has_today: bool = True
    """Whether days may be told from today."""

    def find(self, name: str) -> Subject | None:
        """What `name` stands for; None where nothing here is called so."""
        if name in self.elsewhere:
            return None
        return self.subjects.get(name) or self.others

    def explain(self, name: str) -> tuple[str, str]:
        """Why nothing here is called `name`, and what to do about it."""
        if name in self.elsewhere:
            return self.elsewhere[name]
        return f"nothing is known as {name}", suggest(name, self.subjects)


def suggest(name: str, known: Iterable[str]) -> str:
    """The known names nearest to `name`, or some of them."""
    names = [*known]
    if near := difflib.get_close_matches(name, names, n=3, cutoff=0.5):
        return f"did you mean {' or '.join(near)}?"
    shown = ", ".join(names[:12]) + (" …" if len(names) > 12 else "")
    return f"known: {shown}" if names else "none is known"


ANYTHING = Vocabulary()
"""Any name, and anything about it: for conditions that were found sound before."""
