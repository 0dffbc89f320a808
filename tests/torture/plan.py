"""The fault plan: every case there is, in the order in which they are run."""

from __future__ import annotations

from collections.abc import Sequence

from torture import kill_cases, line_cases, postfix_cases, store_cases, world_cases
from torture.case import Case, Group


def list_cases() -> list[Case]:
    """Every case, group by group."""
    found = [
        case
        for module in (line_cases, kill_cases, store_cases, postfix_cases, world_cases)
        for case in module.list_cases()
    ]
    return sorted(found, key=lambda case: list(Group).index(case.group))


def choose(cases: Sequence[Case], wanted: Sequence[str]) -> list[Case]:
    """Those of a group that is named, or whose name has one of the words in it; all where nothing is named."""

    def fits(case: Case, word: str) -> bool:
        return word == case.group or (word not in list(Group) and word.lower() in case.name.lower())

    return [case for case in cases if not wanted or any(fits(case, word) for word in wanted)]
