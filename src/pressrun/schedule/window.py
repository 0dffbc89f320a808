"""The send window: on which days and at which hours of the clock mail may leave."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from pressrun.schedule.hours import DAY, Hours, open_hours
from pressrun.source.model import Publication
from pressrun.source.value import WEEKDAYS

_LOOK_AHEAD = 16
"""Days after which every window has opened and closed: a week, and another where clocks skip its only hours."""

_ALL_HOURS: Hours = ((0, DAY),)
_ALL_DAYS = frozenset(range(7))
_SECOND = dt.timedelta(seconds=1)


@dataclass(frozen=True)
class Window:
    """What clocks in `zone` must show for mail to leave: one of `days` (0 is Monday), and an hour within `hours`.

    Only the clock counts: an hour that it shows twice is open twice, and one that it skips does not open.
    """

    zone: ZoneInfo
    hours: Hours = _ALL_HOURS
    days: frozenset[int] = _ALL_DAYS

    def in_zone(self, zone: ZoneInfo) -> Window:
        """The same days and hours by the clocks of another zone."""
        return replace(self, zone=zone)

    def is_open(self, moment: dt.datetime) -> bool:
        """Whether mail may leave at `moment`."""
        local = moment.astimezone(self.zone)
        clock = local.hour * 3600 + local.minute * 60 + local.second
        return local.weekday() in self.days and any(begin <= clock < end for begin, end in self.hours)

    def opens(self, moment: dt.datetime) -> dt.datetime:
        """The first moment from `moment` on at which mail may leave, in UTC: `moment` itself where it is open."""
        if self.is_open(moment):
            return moment.astimezone(dt.UTC)
        return next(edge for edge in self._edges(moment) if self.is_open(edge))

    def closes(self, moment: dt.datetime) -> dt.datetime | None:
        """The first moment from `moment` on at which no mail may leave, in UTC; None where that never comes."""
        if not self.is_open(moment):
            return moment.astimezone(dt.UTC)
        if self.hours == _ALL_HOURS and self.days == _ALL_DAYS:
            return None
        return next((edge for edge in self._edges(moment) if not self.is_open(edge)), None)

    def _edges(self, after: dt.datetime) -> list[dt.datetime]:
        """Every moment in the next days at which the window may open or close, in order."""
        edges = {*self._clock_edges(after), *_jumps(self.zone, after)}
        return sorted(edge for edge in edges if edge > after)

    def _clock_edges(self, after: dt.datetime) -> Iterator[dt.datetime]:
        midnight = dt.datetime.combine(after.astimezone(self.zone).date(), dt.time())
        for day in range(_LOOK_AHEAD):
            for second in {0, *(edge for stretch in self.hours for edge in stretch)}:
                local = midnight + dt.timedelta(days=day, seconds=second)
                for fold in (0, 1):  # an hour that clocks show twice begins twice
                    yield local.replace(tzinfo=self.zone, fold=fold).astimezone(dt.UTC)


def _jumps(zone: ZoneInfo, after: dt.datetime) -> Iterator[dt.datetime]:
    """The moments in the next days at which clocks in `zone` jump: the first second with the new offset."""
    day = after.astimezone(dt.UTC).replace(microsecond=0)
    for _ in range(_LOOK_AHEAD):
        before, day = day, day + dt.timedelta(days=1)
        if _offset(zone, before) != _offset(zone, day):
            yield _first_with_offset_of(zone, before, day)


def _first_with_offset_of(zone: ZoneInfo, before: dt.datetime, after: dt.datetime) -> dt.datetime:
    while after - before > _SECOND:
        middle = before + dt.timedelta(seconds=(after - before) // _SECOND // 2)
        before, after = (before, middle) if _offset(zone, middle) == _offset(zone, after) else (middle, after)
    return after


def _offset(zone: ZoneInfo, moment: dt.datetime) -> dt.timedelta | None:
    return moment.astimezone(zone).utcoffset()


def window_of(publication: Publication) -> Window:
    """The window of a publication, in its zone; open always where it sets none."""
    wanted = publication.send_window
    if wanted is None:
        return Window(publication.zone)
    hours = open_hours(wanted.not_before, wanted.not_after, ((quiet.start, quiet.end) for quiet in wanted.quiet))
    days = frozenset(WEEKDAYS.index(day) for day in wanted.days)
    return Window(publication.zone, hours, days or _ALL_DAYS)


def common_window_of(publication: Publication) -> Window:
    """The window that all of a publication's mail keeps to; open always where each time zone has looked at its own.

    There the publication's clock would hold up rows that wait for another one.
    """
    return Window(publication.zone) if publication.recipient_local else window_of(publication)
