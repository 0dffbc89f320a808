"""The one canonical text of an attribute's value, by type: two values are the same if their texts are."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cache


class AttributeType(StrEnum):
    """What the value of an attribute is."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    LANGUAGE = "language"
    TIMEZONE = "timezone"


class ValueFault(ValueError):  # noqa: N818 - a fault is data here, as everywhere in the project
    """A text that is no value of its type: what is wrong, and the remedy."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


_NUMBER = re.compile(r"([+-]?)0*([0-9]+)(?:\.([0-9]*))?", re.ASCII)
_MOST_DIGITS = 15  # what a double holds exactly, as which SQLite compares them
_DATE = re.compile(r"([0-9]{4})(?:([-/.])([0-9]{1,2})\2([0-9]{1,2})|年([0-9]{1,2})月([0-9]{1,2})日)", re.ASCII)
_YES = frozenset({"true", "yes", "y", "1", "on", "是"})
_NO = frozenset({"false", "no", "n", "0", "off", "否"})
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8}){0,4}", re.ASCII)


def clean_value(kind: AttributeType, text: str) -> str:
    """`text` in the canonical form of `kind`, which is any but a choice. Raises `ValueFault`."""
    return _CLEANERS[kind](text)


def clean_choice(text: str, choices: tuple[str, ...]) -> str:
    """The one of `choices` that `text` is, or is but for its case. Raises `ValueFault`."""
    if text in choices:
        return text
    alike = [choice for choice in choices if choice.casefold() == text.casefold()]
    if len(alike) == 1:
        return alike[0]
    raise ValueFault(f"{shorten(text)} is none of its choices", f"choose one of {', '.join(choices)}")


def shorten(text: str) -> str:
    """`text` as a message shows it: quoted, and at most 40 characters of it."""
    return repr(text if len(text) <= 40 else f"{text[:39]}…")


def _clean_text(text: str) -> str:
    return text


def _clean_number(text: str) -> str:
    found = _NUMBER.fullmatch(text)
    if not found:
        raise ValueFault(f"{shorten(text)} is no number", "write digits with a point, such as 1234.5")
    whole, part = found[2], (found[3] or "").rstrip("0")
    if len(whole) + len(part) > _MOST_DIGITS:
        raise ValueFault(f"{shorten(text)} has more than {_MOST_DIGITS} digits", "declare it as text if it is a code")
    number = f"{whole}.{part}" if part else whole
    return f"-{number}" if found[1] == "-" and number != "0" else number


def _clean_date(text: str) -> str:
    # Year first only: 01/02/2026 is another day on either side of an ocean.
    if found := _DATE.fullmatch(text):
        year, month, day = (int(part) for part in (found[1], found[3] or found[5], found[4] or found[6]))
        try:
            return dt.date(year, month, day).isoformat()
        except ValueError:
            pass
    raise ValueFault(f"{shorten(text)} is no date", "write it as 2026-02-28")


def _clean_boolean(text: str) -> str:
    folded = text.casefold()
    if folded in _YES:
        return "true"
    if folded in _NO:
        return "false"
    raise ValueFault(f"{shorten(text)} is neither true nor false", "write true or false")


def _clean_language(text: str) -> str:
    tag = text.replace("_", "-").lower()
    if not _LANGUAGE.fullmatch(tag):
        raise ValueFault(f"{shorten(text)} is no language tag", "write it as zh-CN or en")
    first, *others = tag.split("-")
    return "-".join([first, *(_spell_subtag(part) for part in others)])


def _spell_subtag(part: str) -> str:
    # RFC 5646 §2.1.1: scripts as Hans, regions as CN.
    if len(part) == 4 and part.isalpha():
        return part.title()
    return part.upper() if len(part) == 2 else part


def _clean_timezone(text: str) -> str:
    if (name := _zones().get(text.casefold())) is None:
        raise ValueFault(f"no time zone is called {shorten(text)}", "write it as Asia/Shanghai")
    return name


@cache
def _zones() -> Mapping[str, str]:
    from zoneinfo import available_timezones

    return {name.casefold(): name for name in available_timezones()}  # which walks through a folder of 600 files


_CLEANERS: Mapping[AttributeType, Callable[[str], str]] = {
    AttributeType.TEXT: _clean_text,
    AttributeType.NUMBER: _clean_number,
    AttributeType.DATE: _clean_date,
    AttributeType.BOOLEAN: _clean_boolean,
    AttributeType.LANGUAGE: _clean_language,
    AttributeType.TIMEZONE: _clean_timezone,
}
