"""Terms: what a condition says, and whether it holds by what is known of a person."""

from __future__ import annotations

import datetime as dt
import operator
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from pressrun.condition.literal import find_day, is_day, is_relative, read_number

Facts = Mapping[str, str | AbstractSet[str]]
"""What is known of a person, by name: a text, or all of them where there may be several, as with tags."""

ANY_BELOW = "-*"
"""Ends a value of `language` that stands for all tags which begin so: `zh-*` (RFC 4647 §2.1)."""


class Sign(StrEnum):
    """How two values are compared by order."""

    EQUAL = "=="
    BELOW = "<"
    AT_MOST = "<="
    ABOVE = ">"
    AT_LEAST = ">="

    @property
    def compare(self) -> Callable[[Any, Any], Any]:
        """What compares values, or SQL expressions, so."""
        return _COMPARE[self]


_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


@dataclass(frozen=True)
class OneOf:
    """What is known as `name` is one of `values`; what is not known is the empty text."""

    name: str
    values: tuple[str, ...]

    def holds(self, facts: Facts) -> bool:
        """Whether it is so by these facts."""
        known = facts.get(self.name, "")
        if not isinstance(known, str):
            return any(value in known for value in self.values) or (not known and "" in self.values)
        return known in self.values or (self.name == "language" and known.startswith(self.ranges))

    @property
    def ranges(self) -> tuple[str, ...]:
        """What tags begin with that a value such as `zh-*` stands for: `zh-`."""
        return tuple(value[:-1] for value in self.values if value.endswith(ANY_BELOW))


@dataclass(frozen=True)
class Number:
    """What is known as `name` is a number that compares so with `value`, which is one in canonical form."""

    name: str
    sign: Sign
    value: str

    def holds(self, facts: Facts) -> bool:
        """Whether it is so by these facts."""
        known = facts.get(self.name, "")
        number = read_number(known) if isinstance(known, str) else None
        return number is not None and bool(self.sign.compare(number, float(self.value)))


@dataclass(frozen=True)
class Day:
    """What is known as `name` is a day before or after `value`: `2026-01-31`, or `30 days ago`, see `settle_days`."""

    name: str
    sign: Sign
    value: str

    def holds(self, facts: Facts) -> bool:
        """Whether it is so by these facts."""
        known = facts.get(self.name, "")
        return isinstance(known, str) and is_day(known) and bool(self.sign.compare(known, self.value))


@dataclass(frozen=True)
class Contains:
    """What is known as `name` has `value` in it, letter by letter."""

    name: str
    value: str

    def holds(self, facts: Facts) -> bool:
        """Whether it is so by these facts."""
        known = facts.get(self.name, "")
        return isinstance(known, str) and self.value in known


@dataclass(frozen=True)
class Not:
    """The contrary of `term`."""

    term: Term

    def holds(self, facts: Facts) -> bool:
        """Whether it is so by these facts."""
        return not self.term.holds(facts)


@dataclass(frozen=True)
class Both:
    """All of `terms`; without any, it holds for everybody."""

    terms: tuple[Term, ...]

    def holds(self, facts: Facts) -> bool:
        """Whether it is so by these facts."""
        return all(term.holds(facts) for term in self.terms)


@dataclass(frozen=True)
class Either:
    """At least one of `terms`."""

    terms: tuple[Term, ...]

    def holds(self, facts: Facts) -> bool:
        """Whether it is so by these facts."""
        return any(term.holds(facts) for term in self.terms)


Leaf = OneOf | Number | Day | Contains
Term = Leaf | Not | Both | Either


@dataclass(frozen=True)
class Condition:
    """A condition as written, and what it says."""

    text: str
    term: Term

    def holds(self, facts: Facts) -> bool:
        """Whether a person of whom `facts` are known meets it."""
        return self.term.holds(facts)

    @property
    def names(self) -> frozenset[str]:
        """The facts it asks for."""
        return frozenset(leaf.name for leaf in leaves(self.term))


def leaves(term: Term) -> Iterator[Leaf]:
    """The comparisons that `term` is made of, in order."""
    if isinstance(term, Not):
        yield from leaves(term.term)
    elif isinstance(term, Both | Either):
        for inner in term.terms:
            yield from leaves(inner)
    else:
        yield term


def settle_days(term: Term, today: dt.date) -> Term:
    """`term` with each day that is told from today as the day it is."""
    if isinstance(term, Day):
        return replace(term, value=find_day(term.value, today)) if is_relative(term.value) else term
    if isinstance(term, Not):
        return Not(settle_days(term.term, today))
    if isinstance(term, Both | Either):
        return replace(term, terms=tuple(settle_days(inner, today) for inner in term.terms))
    return term
