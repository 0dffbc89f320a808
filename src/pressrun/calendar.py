"""The calendar: what goes out when, which issues are expected, and what is not well about either."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from pressrun.schedule.cadence import Gap, expected
from pressrun.schedule.due import Verdict
from pressrun.schedule.timetable import Timetable, read_timetable
from pressrun.send_due import Due, find_due, find_missing
from pressrun.source.model import Publication
from pressrun.store.database import Database
from pressrun.workspace import Workspace

EXPECTED = "expected"
FAULTY = "faulty"
_ILL = frozenset({Verdict.UNAPPROVED, Verdict.REJECTED, Verdict.LATE_HELD, Verdict.LATE_ASKS})


@dataclass(frozen=True)
class Day:
    """A line of the calendar. `at` is in the publication's zone, and None where no time is known; `is_well`: whether
    nobody has to do anything about it."""

    at: dt.datetime | None
    publication: str
    issue: str
    lists: tuple[str, ...]
    state: str
    said: str
    is_well: bool


async def calendar(
    workspace: Workspace, database: Database, now: dt.datetime, *, days: int = 60, publications: Collection[str] = ()
) -> list[Day]:
    """The calendar of the next `days`, of all publications or those named, in the order of time."""
    timetable = read_timetable(workspace)
    dues = await find_due(workspace, database, now)
    gaps = await find_missing(workspace, database, now)
    lines = [
        *(_of_due(due, timetable, now) for due in dues),
        *(_of_gap(gap, timetable.publications[gap.publication]) for gap in gaps),
        *_to_come(timetable, gaps, now, days),
    ]
    wanted = [line for line in lines if not publications or line.publication in publications]
    return sorted(wanted, key=lambda line: (line.at or now, line.publication, line.issue))


def _of_due(due: Due, timetable: Timetable, now: dt.datetime) -> Day:
    name = due.issue.partition("/")[0]
    publication = timetable.publications.get(name)
    zone = publication.zone if publication else ZoneInfo("UTC")
    times = {entry.issue: entry.send_at for entry in timetable.entries}
    at = times.get(due.issue) or due.judgement.at
    state = FAULTY if due.fault else str(due.judgement.verdict)
    is_well = not due.fault and due.judgement.verdict not in _ILL
    said = due.fault or due.judgement.reason
    return Day(at and at.astimezone(zone), name, due.issue, due.lists, state, said, is_well)


def _of_gap(gap: Gap, publication: Publication) -> Day:
    said, issue = gap.said, gap.issue or ""
    return Day(_hour(gap.day, publication), gap.publication, issue, publication.lists, str(gap.lack), said, False)


def _to_come(timetable: Timetable, gaps: list[Gap], now: dt.datetime, days: int) -> list[Day]:
    """Expected days ahead that nothing else tells of yet."""
    told = {(gap.publication, gap.day) for gap in gaps}
    told |= {(entry.publication_id, entry.date) for entry in timetable.entries if entry.date}
    return [
        Day(_hour(day, publication), name, "", publication.lists, EXPECTED, "an issue is expected", True)
        for name, publication in timetable.publications.items()
        if publication.cadence
        for day in expected(publication.cadence, publication.zone, now, now + dt.timedelta(days=days))
        if (name, day) not in told
    ]


def _hour(day: dt.date, publication: Publication) -> dt.datetime:
    return dt.datetime.combine(day, publication.publish_time, publication.zone)
