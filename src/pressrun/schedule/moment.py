"""Turns what a clock on a wall says into a moment, on days when clocks jump too."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo


def local_moment(local: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """The moment, in UTC, at which clocks in `zone` show `local`, which has no zone of its own.

    RFC 5545 §3.3.5: a time that clocks skip is read with the offset from before the gap, so that 02:30 is half an
    hour after the jump; of a time that they show twice the first one counts. Raises ValueError for an aware `local`.
    """
    if local.tzinfo is not None:
        raise ValueError("a local time has no zone of its own")
    return local.replace(tzinfo=zone, fold=0).astimezone(dt.UTC)  # PEP 495: fold=0 is that very rule
