"""Reads conditions, by recursive descent: or binds loosest, then and, then not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from pressrun.condition.literal import LONGEST_BOUND, clean_number, is_real_day, is_relative
from pressrun.condition.meaning import fault_of, meant_by
from pressrun.condition.notation import WORDS, write_condition
from pressrun.condition.term import (
    Both,
    Condition,
    Contains,
    Day,
    Either,
    Not,
    Number,
    OneOf,
    Sign,
    Term,
    leaves,
)
from pressrun.condition.vocabulary import ANYTHING, Kind, Subject, Vocabulary, suggest
from pressrun.errors import PressrunError

_DEPTH_LIMIT = 50
_ROOM = 6  # how many brackets an issue's other conditions may put around one
_LENGTH_LIMIT = 20_000
_LEAVES_LIMIT = 500  # SQLite takes no expression that is deeper than 1,000
_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\["\\])*")|(?P<name>[^\W\d][\w-]*|`[^`]+`)"""
    r"""|(?P<number>-?[0-9]+(?:\.[0-9]+)?(?![\w.]))|(?P<sign>==|!=|<=|>=|[<>(),])|(?P<end>$))"""
)
_FORM = 'write it as city == "Beijing", joined by and, or, not'
_REMEDIES = {"=": "compare with ==", "'": 'put "straight double quotes" around a value', '"': "close the quotes"}
_REMEDIES |= dict.fromkeys("“”‘’「」＂", _REMEDIES["'"])
_UNFIT = re.compile("[\0\ud800-\udfff]")
_ORDERS = tuple(sign.value for sign in Sign if sign is not Sign.EQUAL)
_ORDERED = (Kind.ANY, Kind.NUMBER, Kind.DATE)
_SEARCHED = (Kind.ANY, Kind.TEXT, Kind.LANGUAGE, Kind.DOMAIN, Kind.ADDRESS)
_DAYS = 'days are told as "2026-01-31", "today", "30 days ago" or "in 2 weeks"'


class ConditionError(PressrunError):
    """A condition that can't be read; `column` is the 1-based character where it goes wrong."""

    def __init__(self, message: str, column: int, remedy: str = _FORM) -> None:
        super().__init__(message, remedy)
        self.column = column


def parse_condition(text: str, vocabulary: Vocabulary = ANYTHING) -> Condition:
    """The condition that `text` says; raises ConditionError with the column where it is none.

    A vocabulary also says what the names stand for: a segment's name stands for its condition, and `language == "zh"`
    for zh-CN as well. Without one, a text says no more than what is written.
    """
    return Condition(text, _Parser(text, vocabulary).parse())


def spell_out(text: str, vocabulary: Vocabulary) -> str:
    """`text` as it says the same without a vocabulary: segments and ranges of languages are written out.

    A text that says all by itself stays as it is. Raises ConditionError.
    """
    condition = parse_condition(text, vocabulary)
    if condition.term == parse_condition(text).term:
        return text
    written = write_condition(condition.term)
    try:
        parse_condition("(" * _ROOM + written + ")" * _ROOM)
    except ConditionError as error:
        what = f"with its segments written out, {error.message}"
        raise ConditionError(what, 1, "use fewer segments in one condition") from None
    return written


class _Value(NamedTuple):
    """A value as written: a number where it is one without quotes; `at` is where it stands."""

    text: str
    is_number: bool
    at: int


class _Parser:
    def __init__(self, text: str, vocabulary: Vocabulary) -> None:
        self._text, self._vocabulary = text, vocabulary
        self._depth = self._next = self._at = 0
        if len(text) > _LENGTH_LIMIT:
            raise ConditionError(f"it is longer than {_LENGTH_LIMIT:,} characters", _LENGTH_LIMIT + 1, "say less in it")
        self._advance()

    def parse(self) -> Term:
        term = self._either()
        if self._kind != "end":
            raise self._error("and or or is missing before this" if self._kind == "name" else "this is too much")
        if sum(1 for _ in leaves(term)) > _LEAVES_LIMIT:
            raise ConditionError(f"it makes more than {_LEAVES_LIMIT} comparisons", 1, "say less in it, or use in (…)")
        return term

    def _either(self) -> Term:
        return self._joined("or", self._both, Either)

    def _both(self) -> Term:
        return self._joined("and", self._single, Both)

    def _joined(self, word: str, part: Callable[[], Term], make: type[Either | Both]) -> Term:
        terms = [part()]
        while self._took(word):
            terms.append(part())
        return make(tuple(terms)) if len(terms) > 1 else terms[0]

    def _single(self) -> Term:
        self._depth += 1
        if self._depth > _DEPTH_LIMIT:
            raise self._error("this is nested too deep")
        if self._took("not"):
            term: Term = Not(self._single())
        elif self._took("("):
            term = self._either()
            self._demand(")", "the bracket is not closed")
        else:
            term = self._comparison()
        self._depth -= 1
        return term

    def _comparison(self) -> Term:
        if self._kind != "name" or self._word in WORDS:
            raise self._error("the name of an attribute belongs here")
        name = self._word.strip("`")
        subject = self._vocabulary.find(name)
        if subject is None:
            raise self._error(*self._vocabulary.explain(name))
        self._advance()
        if self._kind == "sign" and self._word in _ORDERS:
            return self._ordered(name, subject)
        return self._equal(name, subject)

    def _equal(self, name: str, subject: Subject) -> Term:
        if self._took("=="):
            return self._equality(name, subject, (self._value(subject),))
        if self._took("!="):
            return Not(self._equality(name, subject, (self._value(subject),)))
        is_not = self._took("not")
        if self._kind == "name" and self._word == "contains":
            term: Term = self._contains(name, subject)
        else:
            self._demand("in", "in belongs here" if is_not else '==, != or in ("…") belongs here')
            term = self._equality(name, subject, self._values(subject))
        return Not(term) if is_not else term

    def _ordered(self, name: str, subject: Subject) -> Term:
        if subject.kind not in _ORDERED:
            raise self._error(f"{name} has no order", "compare numbers and days with < <= > >=, all else with == or in")
        sign = Sign(self._word)
        self._advance()
        at, is_number = self._at, self._kind == "number"
        if subject.kind is Kind.NUMBER and not is_number:
            raise self._error("a number belongs here", "write it without quotes")
        if self._kind not in ("number", "text"):
            raise self._error("a number or a day belongs here", _DAYS)
        if is_number:
            if subject.kind is Kind.DATE:
                raise self._error(f"{name} is a day", _DAYS)
            return Number(name, sign, self._number())
        return Day(name, sign, self._day(self._quoted(), at))

    def _contains(self, name: str, subject: Subject) -> Term:
        if subject.kind not in _SEARCHED:
            raise self._error(f"{name} is no text that could contain another", "compare it with == or in")
        self._advance()
        at, value = self._at, self._quoted()
        if not value:
            raise ConditionError("everything contains an empty text", at + 1, "say what it is to contain")
        return Contains(name, value.lower() if subject.kind in (Kind.DOMAIN, Kind.ADDRESS) else value)

    def _day(self, text: str, at: int) -> str:
        if is_real_day(text):
            return text
        if not is_relative(text):
            raise ConditionError(f'"{text}" is no day', at + 1, _DAYS)
        if not self._vocabulary.has_today:
            what = f'"{text}" changes from day to day, and a message may not'
            raise ConditionError(what, at + 1, 'name the day: "2026-01-31"')
        return text

    def _equality(self, name: str, subject: Subject, values: Iterable[_Value]) -> Term:
        terms: list[Term] = []
        texts: list[str] = []
        for value in values:
            if subject.kind is Kind.SEGMENT:
                terms.append(self._segment(value))
            elif value.is_number:
                terms.append(Number(name, Sign.EQUAL, value.text))
            else:
                texts += meant_by(subject.kind, value.text)
        if texts:
            terms.insert(0, OneOf(name, tuple(dict.fromkeys(texts) if subject.kind is not Kind.ANY else texts)))
        return terms[0] if len(terms) == 1 else Either(tuple(terms))

    def _segment(self, value: _Value) -> Term:
        segments = self._vocabulary.segments
        if value.text in self._vocabulary.barred:
            message, remedy = self._vocabulary.barred[value.text]
            raise ConditionError(message, value.at + 1, remedy)
        if value.text not in segments:
            raise ConditionError(f"no segment is called {value.text}", value.at + 1, suggest(value.text, segments))
        return segments[value.text]

    def _values(self, subject: Subject) -> tuple[_Value, ...]:
        self._demand("(", 'a list in brackets belongs here: ("a", "b")')
        values = [self._value(subject)]
        while self._took(","):
            values.append(self._value(subject))
        self._demand(")", "the list is not closed")
        return tuple(values)

    def _value(self, subject: Subject) -> _Value:
        at, is_number = self._at, self._kind == "number"
        if is_number and subject.kind not in (Kind.ANY, Kind.NUMBER):
            raise self._error("a value in double quotes belongs here", "put quotes around it")
        if is_number:
            return _Value(self._number(), True, at)
        if self._kind == "name" and self._word in ("true", "false") and subject.kind in (Kind.ANY, Kind.FLAG):
            text = self._word
            self._advance()
        else:
            text = self._quoted()
        if fault := fault_of(subject, text):
            raise ConditionError(fault[0], at + 1, fault[1])
        return _Value(text, False, at)

    def _number(self) -> str:
        if len(self._word) > LONGEST_BOUND:
            raise self._error("this number is too long", f"use {LONGEST_BOUND} digits at most")
        text = clean_number(self._word)
        self._advance()
        return text

    def _quoted(self) -> str:
        if self._kind != "text":
            raise self._error("a value in double quotes belongs here")
        if _UNFIT.search(self._word):
            raise self._error("this value holds a character that no text may hold", "take it out")
        value = re.sub(r"\\(.)", r"\1", self._word[1:-1])
        self._advance()
        return value

    def _took(self, word: str) -> bool:
        took = self._kind in ("name", "sign") and self._word == word
        if took:
            self._advance()
        return took

    def _demand(self, word: str, message: str) -> None:
        if not self._took(word):
            raise self._error(message)

    def _advance(self) -> None:
        token = _TOKEN.match(self._text, self._next)
        if token is None or token.lastgroup is None:
            self._at = len(self._text) - len(self._text[self._next :].lstrip())
            sign = self._text[self._at]
            raise self._error(f"{sign} can't stand here", _REMEDIES.get(sign, _FORM))
        self._kind, self._word = token.lastgroup, token[token.lastgroup]
        self._at, self._next = token.start(token.lastgroup), token.end()

    def _error(self, message: str, remedy: str = _FORM) -> ConditionError:
        return ConditionError(message, self._at + 1, remedy)
