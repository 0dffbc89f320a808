"""Reads recurrence rules (RFC 5545 §3.3.10) that give days."""

from __future__ import annotations

import datetime as dt
import re

from dateutil.rrule import rrule, rrulestr  # type: ignore[import-untyped,unused-ignore]

_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_PARTS = (
    *("FREQ", "INTERVAL", "COUNT", "UNTIL", "BYMONTH", "BYMONTHDAY", "BYDAY"),
    *("BYYEARDAY", "BYWEEKNO", "BYSETPOS", "WKST"),
)
_ANY_DAY = dt.date(2026, 1, 1)
_CYCLE = 400
"""Years after which the calendar repeats itself, weekdays included."""


def check_rule(text: str) -> str:
    """`text` where it is a rule for days, such as `FREQ=MONTHLY;BYMONTHDAY=-1`. Raises ValueError that says why not."""
    parts = _parts_of(text)
    if unknown := parts.keys() - set(_PARTS):
        raise ValueError(f"{min(unknown)} has no place in a rule for days; known: {', '.join(_PARTS)}")
    if parts.get("FREQ") not in _FREQUENCIES:
        raise ValueError(f"FREQ is one of {', '.join(_FREQUENCIES)}")
    if not re.fullmatch(r"0*[1-9]\d{0,2}", parts.get("INTERVAL", "1"), re.ASCII):  # dateutil never ends with 0
        raise ValueError("INTERVAL is a number from 1 to 999")
    if not re.fullmatch(r"\d{8}", parts.get("UNTIL", "20260101"), re.ASCII):
        raise ValueError("UNTIL is a day, such as 20261231")
    _read(text, _ANY_DAY)
    return text


def read_rule(text: str, since: dt.date) -> rrule:
    """The days `text` gives, counted from `since`, as midnights without a zone. Raises ValueError where it gives none.

    `since` is one of them only where the rule says so.
    """
    check_rule(text)
    # A rule without any day is looked through to the year 9999, which takes seconds. The calendar's last whole cycle
    # has the same days and is soon through.
    years_ahead = max(0, (dt.MAXYEAR - since.year) // _CYCLE - 1) * _CYCLE
    without_end = ";".join(part for part in text.split(";") if not part.upper().startswith(("UNTIL=", "COUNT=")))
    if not _has_day(_read(without_end, _years_later(since, years_ahead))):
        raise ValueError("the rule gives no day")
    rule = _read(text, since)
    if not _has_day(rule):
        raise ValueError("the rule ends before its first day")
    return rule


def _has_day(rule: rrule) -> bool:
    return next(iter(rule), None) is not None


def _years_later(day: dt.date, years: int) -> dt.date:
    return day.replace(year=day.year + years)  # a leap year stays one: `years` is a multiple of 400


def _parts_of(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in text.split(";"):
        name, sign, value = part.partition("=")
        if not sign or not value:
            raise ValueError("a rule is written like FREQ=MONTHLY;BYMONTHDAY=-1")
        if name.upper() in parts:
            raise ValueError(f"{name.upper()} stands in the rule twice")
        parts[name.upper()] = value.upper()
    return parts


def _read(text: str, since: dt.date) -> rrule:
    try:
        return rrulestr(text, dtstart=dt.datetime.combine(since, dt.time()))
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"not a rule of RFC 5545: {error}") from None
