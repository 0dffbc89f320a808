"""A case of the fault plan: what it is called, what it needs, and the account it comes to."""

from __future__ import annotations

import os
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum

import pytest

from private_postfix import skip_without_postfix
from torture.account import Account
from torture.cluster import why_no_cluster


class Group(StrEnum):
    """What cases can be chosen by."""

    LINE = "line"  # faults at each step, by chance, on an old relay
    KILL = "kill"  # the sender is killed or told to end
    STORE = "store"  # PostgreSQL is torn down, the disk is full
    POSTFIX = "postfix"  # through a real Postfix
    WORLD = "world"  # two senders, the clock, people who leave
    BASELINE = "baseline"  # the same, for a sender that logs after it sends


class Need(StrEnum):
    """What not every machine has."""

    POSTGRES = "postgres"
    POSTFIX = "postfix"
    TMPFS = "tmpfs"


@dataclass(frozen=True)
class Case:
    """`run` is given a seed and the number of recipients, which is `share` of what the plan has."""

    name: str
    group: Group
    run: Callable[[str, int], Awaitable[Account]]
    share: float = 1.0
    needs: frozenset[Need] = field(default=frozenset())

    @property
    def is_judged(self) -> bool:
        """Whether its verdict counts; the baseline's is only there to compare with."""
        return self.group is not Group.BASELINE


def why_not(need: Need) -> str:
    """Why this machine can't offer it, or nothing."""
    match need:
        case Need.POSTGRES:
            return why_no_cluster()
        case Need.POSTFIX:
            try:
                skip_without_postfix()
            except pytest.skip.Exception as reason:
                return str(reason)
            return ""
        case Need.TMPFS:
            return "" if os.geteuid() == 0 and shutil.which("mount") else "a small file system is mounted only as root"
