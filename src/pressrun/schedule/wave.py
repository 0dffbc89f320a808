"""Waves: one local time for everybody, at the moment at which it comes where each of them is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from pressrun.schedule.moment import local_moment
from pressrun.schedule.window import Window

NOWHERE = ""
"""How people without a time zone stand among zone names."""

REACH = dt.timedelta(hours=27)
"""How far the waves of one local time lie apart at most: clocks run from UTC-12 to UTC+14."""


def waves(local: dt.datetime, zones: Iterable[str], window: Window | None = None) -> dict[str, dt.datetime]:
    """When clocks show `local`, which has no zone, in each of the IANA zones named: zone name to moment in UTC.

    With a window, when that opens there. Names that no zone has are left out: their people go with the publication's
    own zone.
    """
    known = {name: ZoneInfo(name) for name in zones if name in _zone_names()}
    return {name: _moment_in(zone, local, window) for name, zone in known.items()}


def all_waves(
    local: dt.datetime, zones: Iterable[str], own: ZoneInfo, window: Window | None = None
) -> dict[str, dt.datetime]:
    """The same for everybody: names that no zone has, and `NOWHERE`, come with the moment of the zone `own`."""
    names = [*zones, NOWHERE]
    return dict.fromkeys(names, _moment_in(own, local, window)) | waves(local, names, window)


def _moment_in(zone: ZoneInfo, local: dt.datetime, window: Window | None) -> dt.datetime:
    moment = local_moment(local, zone)
    return window.in_zone(zone).opens(moment) if window else moment


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())  # reads folders: not once for each person
