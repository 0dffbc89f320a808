"""Writes how often an issue's counted links were followed, as a table in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from pressrun.agent import Agent
from pressrun.delivery.table import plain, table
from pressrun.store.link import LinkCount
from pressrun.tracking import LinkKind

MOST = 20
"""How many links are named: those that readers followed most."""

_HEAD = ("link", "readers", "people", "scanners", "prefetched", "unknown")
_OTHERS = (Agent.SCANNER, Agent.PREFETCH, Agent.UNKNOWN)


def write_link_counts(counted: Sequence[LinkCount]) -> str:
    """The table; empty where nothing is counted."""
    shown = [one for one in counted if one.kind is LinkKind.OPEN] + _clicks(counted)[:MOST]
    rows = [
        (
            plain(one.url or "opened"),
            f"{one.by_readers:,}",
            f"{one.people:,}",
            *(f"{one.counts.get(agent, 0):,}" for agent in _OTHERS),
        )
        for one in shown
    ]
    left = _clicks(counted)[MOST:]
    more = f"\n\n{sum(one.by_readers for one in left):,} more on {len(left):,} other links." if left else ""
    return f"{table(_HEAD, rows)}{more}"


def _clicks(counted: Sequence[LinkCount]) -> list[LinkCount]:
    return [one for one in counted if one.kind is LinkKind.CLICK]
