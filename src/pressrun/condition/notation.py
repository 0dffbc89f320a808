"""Notation: a term written as the text that says it."""

from __future__ import annotations

import re

from pressrun.condition.term import Both, Contains, Either, Not, Number, OneOf, Term

PLAIN_NAME = re.compile(r"[^\W\d][\w-]*")
WORDS = frozenset({"and", "or", "not", "in"})


def write_condition(term: Term) -> str:
    """The text that `parse_condition` reads as `term`."""
    if isinstance(term, Not):
        return _write_contrary(term.term)
    if isinstance(term, Both):
        return " and ".join(map(_write_part, term.terms))
    if isinstance(term, Either):
        return " or ".join(map(_write_part, term.terms))
    if isinstance(term, OneOf):
        return f"{_name(term.name)} {_write_values(term, '==', 'in')}"
    if isinstance(term, Contains):
        return f"{_name(term.name)} contains {_quote(term.value)}"
    value = term.value if isinstance(term, Number) else _quote(term.value)
    return f"{_name(term.name)} {term.sign} {value}"


def _write_contrary(term: Term) -> str:
    if isinstance(term, OneOf):
        return f"{_name(term.name)} {_write_values(term, '!=', 'not in')}"
    return f"not {_write_part(term)}"


def _write_part(term: Term) -> str:
    written = write_condition(term)
    return f"({written})" if isinstance(term, Both | Either) else written


def _write_values(term: OneOf, sign: str, word: str) -> str:
    if len(term.values) == 1:
        return f"{sign} {_quote(term.values[0])}"
    return f"{word} ({', '.join(map(_quote, term.values))})"


def _name(name: str) -> str:
    return name if PLAIN_NAME.fullmatch(name) and name not in WORDS else f"`{name}`"


def _quote(value: str) -> str:
    return '"' + value.replace("\\", r"\\").replace('"', r"\"") + '"'
