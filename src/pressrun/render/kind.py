"""The kinds of reader that an edition's conditions tell apart."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from pressrun.condition import parse_condition, probes

_LIMIT = 1_000
_OTHER = "\0"  # what no condition names


def kinds_of_reader(conditions: Sequence[str]) -> set[tuple[bool, ...]] | None:
    """Every combination of `conditions` that some reader can meet; None where they are too many to go through."""
    parsed = [parse_condition(condition) for condition in conditions]
    values = {name: [_OTHER, *known] for name, known in probes(parsed).items()}
    if math.prod(map(len, values.values())) > _LIMIT:
        return None
    readers = (dict(zip(values, each, strict=True)) for each in itertools.product(*values.values()))
    return {tuple(condition.holds(facts) for condition in parsed) for facts in readers}
