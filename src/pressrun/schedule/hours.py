"""The hours of a day in which mail may leave, as seconds of the clock since midnight."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

DAY = 86_400
"""Where a day's clock ends, in seconds."""

Hours = tuple[tuple[int, int], ...]
"""Stretches of a day's clock, in order: from the first second on, up to but without the last."""


def open_hours(
    not_before: dt.time | None, not_after: dt.time | None, quiet: Iterable[tuple[dt.time, dt.time]]
) -> Hours:
    """What is open between two times of the day, less the quiet stretches; one that ends before it begins goes over
    midnight.

    Raises ValueError where nothing is left, or a stretch is none.
    """
    first = 0 if not_before is None else _seconds(not_before)
    last = DAY if not_after is None else _seconds(not_after)
    if first >= last:
        raise ValueError("not_after is not later than not_before; hours over midnight are left free by quiet ones")
    left = [(first, last)]
    for stretch in quiet:
        for closed in _on_one_day(*stretch):
            left = [piece for one in left for piece in _without(one, closed)]
    if not left:
        raise ValueError("no hour of the day is left to send in")
    return tuple(left)


def _on_one_day(start: dt.time, end: dt.time) -> list[tuple[int, int]]:
    begins, ends = _seconds(start), _seconds(end)
    if begins == ends:
        raise ValueError("quiet hours end when they begin")
    return [(begins, ends)] if begins < ends else [(begins, DAY), (0, ends)]


def _without(one: tuple[int, int], closed: tuple[int, int]) -> list[tuple[int, int]]:
    pieces = ((one[0], min(one[1], closed[0])), (max(one[0], closed[1]), one[1]))
    return [piece for piece in pieces if piece[0] < piece[1]]


def _seconds(time: dt.time) -> int:
    return time.hour * 3600 + time.minute * 60 + time.second
