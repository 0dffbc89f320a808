"""Probes: values to try a name with, so that every answer of some conditions comes up."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterable, Sequence

from pressrun.condition.literal import MOST_DIGITS, clean_number
from pressrun.condition.term import ANY_BELOW, Condition, Contains, Day, Leaf, Number, OneOf, leaves


def probes(conditions: Iterable[Condition]) -> dict[str, tuple[str, ...]]:
    """For each name that the conditions ask for, values that make a difference, in order.

    A value that no condition names makes one more; it is left to whoever asks.
    """
    asked: dict[str, list[Leaf]] = {}
    for condition in conditions:
        for leaf in leaves(condition.term):
            asked.setdefault(leaf.name, []).append(leaf)
    return {name: tuple(_values_of(asked[name])) for name in sorted(asked)}


def _values_of(asked: Sequence[Leaf]) -> list[str]:
    texts = [value for leaf in asked if isinstance(leaf, OneOf) for value in leaf.values]
    pieces = list(dict.fromkeys(leaf.value for leaf in asked if isinstance(leaf, Contains)))
    together = ["".join(pieces)] if len(pieces) > 1 else []
    numbers = sorted({float(leaf.value) for leaf in asked if isinstance(leaf, Number)})
    days = sorted({leaf.value for leaf in asked if isinstance(leaf, Day)})
    plain = [value for value in texts if not value.endswith(ANY_BELOW)]
    ranges = [f"{value[:-1]}x" for value in texts if value.endswith(ANY_BELOW) and value[:-2] not in plain]
    return sorted({*plain, *ranges, *pieces, *together, *_around(numbers), *_beside(days)})


def _around(bounds: Sequence[float]) -> list[str]:
    """The bounds, what lies between them, and what lies beyond."""
    if not bounds:
        return []
    between = [(low + high) / 2 for low, high in itertools.pairwise(bounds)]
    return [_write(number) for number in (bounds[0] - 1, *bounds, *between, bounds[-1] + 1)]


def _write(number: float) -> str:
    return clean_number(f"{number:.15f}"[:MOST_DIGITS].rstrip("."))


def _beside(days: Sequence[str]) -> list[str]:
    """The days, and those before and after."""
    found = list(days)
    for day in days:
        number = dt.date.fromisoformat(day).toordinal()
        near = (number - 1, number + 1)
        found += [dt.date.fromordinal(n).isoformat() for n in near if 1 <= n <= dt.date.max.toordinal()]
    return found
