"""The cadence: on which days issues are expected, and which of these have none that could go out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from zoneinfo import ZoneInfo

from pressrun.schedule.rule import read_rule
from pressrun.source.model import Cadence


class Lack(StrEnum):
    """What keeps an expected issue from going out."""

    MISSING = "missing"  # no issue is there
    FAULTY = "faulty"  # it has errors
    UNSCHEDULED = "unscheduled"  # nothing says when it goes out, and it has not gone out
    UNAPPROVED = "unapproved"  # nobody has approved it


@dataclass(frozen=True)
class Candidate:
    """An issue with its date, and what keeps it from going out, if anything."""

    issue: str
    date: dt.date
    lack: Lack | None = None
    said: str = ""


@dataclass(frozen=True)
class Gap:
    """An expected day without an issue that could go out. `said` tells it to a person."""

    publication: str
    day: dt.date
    lack: Lack
    issue: str | None
    said: str


def expected(cadence: Cadence, zone: ZoneInfo, start: dt.datetime, end: dt.datetime) -> list[dt.date]:
    """The days from `start` to `end`, both included, on which an issue is expected; the moments are read in `zone`."""
    first, last = (_midnight(moment.astimezone(zone).date()) for moment in (start, end))
    return [day.date() for day in read_rule(cadence.rule, cadence.since).between(first, last, inc=True)]


def near_days(cadence: Cadence, zone: ZoneInfo, now: dt.datetime) -> list[dt.date]:
    """The expected days that are at most `warn_days` away, before or after."""
    reach = dt.timedelta(days=cadence.warn_days)
    return expected(cadence, zone, now - reach, now + reach)


def find_gaps(
    publication: str, cadence: Cadence, zone: ZoneInfo, now: dt.datetime, issues: Iterable[Candidate]
) -> list[Gap]:
    """The expected days near `now` that have no issue, or only such as can't go out.

    An issue is for the expected day that its date is nearest to, the earlier one of two as near.
    """
    known = list(issues)
    days = {day: belongs_to(cadence, day) for day in near_days(cadence, zone, now)}
    found = [_gap(publication, day, [one for one in known if within(one.date, reach)]) for day, reach in days.items()]
    return [gap for gap in found if gap]


Reach = tuple[dt.date, dt.date]
"""A first and a last day."""


def belongs_to(cadence: Cadence, day: dt.date) -> Reach:
    """The first and last date of an issue that is for the expected `day`: it is nearer than the days beside it."""
    rule = read_rule(cadence.rule, cadence.since)
    before, after = rule.before(_midnight(day)), rule.after(_midnight(day))
    forward = (after.date() - day).days // 2 if after else None  # as near to the next: it is for this one
    back = ((day - before.date()).days - 1) // 2 if before else None
    spans = [span for span in (back, forward) if span is not None] or [_ALONE]
    return (
        day - dt.timedelta(days=spans[0] if back is None else back),
        day + dt.timedelta(days=spans[0] if forward is None else forward),
    )


def within(day: dt.date, reach: Reach) -> bool:
    """Whether `day` lies in `reach`."""
    return reach[0] <= day <= reach[1]


_ALONE = 183
"""Days to either side of the only day of a rule."""


def _gap(publication: str, day: dt.date, issues: list[Candidate]) -> Gap | None:
    if not issues:
        return Gap(publication, day, Lack.MISSING, None, f"an issue is expected on {day}, and none is there")
    best = min(issues, key=lambda one: one.lack is not None)  # one that can go out is enough
    if best.lack is None:
        return None
    return Gap(publication, day, best.lack, best.issue, f"{best.issue} is expected on {day}: {best.said}")


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time())
