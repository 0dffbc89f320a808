"""Literals: what a value of text says as a number or a day, and which day a relative one is."""

from __future__ import annotations

import calendar
import datetime as dt
import re

MOST_DIGITS = 15
"""Digits up to which a value is a number: as far as every database and Python agree on it to the last."""

LONGEST_BOUND = 13
"""Characters a number in a condition may have: what lies between two of them is then a number as well."""

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_AGO = re.compile(r"(?P<in>in )?(?P<count>[0-9]{1,4}) (?P<unit>day|week|month|year)s?(?P<ago> ago)?")
_MONTHS = {"month": 1, "year": 12}


def read_number(text: str) -> float | None:
    """The number that `text` is in decimal digits; None where it is none, or too long to be exact."""
    if not _NUMBER.fullmatch(text) or len(text.replace("-", "").replace(".", "")) > MOST_DIGITS:
        return None
    return float(text)


def clean_number(text: str) -> str:
    """A number's canonical form: no zeros that say nothing."""
    whole, _, rest = text.lstrip("-").partition(".")
    digits = f"{whole.lstrip('0') or '0'}.{rest.rstrip('0')}".rstrip(".")
    return f"-{digits}" if text.startswith("-") and digits != "0" else digits


def is_day(text: str) -> bool:
    """Whether `text` has the form of a day: `2026-01-31`."""
    return _DAY.fullmatch(text) is not None


def is_real_day(text: str) -> bool:
    """Whether `text` is a day of the calendar."""
    try:
        return is_day(text) and bool(dt.date.fromisoformat(text))
    except ValueError:
        return False


def is_relative(text: str) -> bool:
    """Whether `text` is a day told from today: `today`, `30 days ago`, `in 2 weeks`."""
    match = _AGO.fullmatch(text)
    return text == "today" or (match is not None and bool(match["in"]) != bool(match["ago"]))


def find_day(text: str, today: dt.date) -> str:
    """The day that `text` says, as `2026-01-31`; the nearest one the calendar has."""
    if not is_relative(text):
        return text
    if text == "today":
        return today.isoformat()
    match = _AGO.fullmatch(text)
    assert match is not None
    count = int(match["count"]) * (-1 if match["ago"] else 1)
    if match["unit"] in _MONTHS:
        return _add_months(today, count * _MONTHS[match["unit"]]).isoformat()
    days = count * (7 if match["unit"] == "week" else 1)
    return dt.date.fromordinal(min(max(today.toordinal() + days, 1), dt.date.max.toordinal())).isoformat()


def _add_months(day: dt.date, months: int) -> dt.date:
    number = min(max(day.year * 12 + day.month - 1 + months, 12), 9_999 * 12 + 11)
    year, month = number // 12, number % 12 + 1
    return dt.date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
