"""Which rows of the delivery log a question is about: all of an issue, or those planned through one of its lists."""

from __future__ import annotations

import sqlalchemy as sa

from pressrun.delivery.outcome import State
from pressrun.store.tables import deliveries, sends


def rows_of(issue: str, list_name: str | None = None) -> sa.ColumnElement[bool]:
    """The rows of `issue`; with a list, only those that a send to it planned."""
    if list_name is None:
        return deliveries.c.issue == issue
    return sa.and_(deliveries.c.issue == issue, through_sends(issue, list_name))


def through_sends(issue: str, list_name: str | None = None) -> sa.ColumnElement[bool]:
    """The same rows, asked for in the way that the indexes of open rows serve."""
    return deliveries.c.send_id.in_(_sends_of(issue, list_name))


def through_released(issue: str, list_name: str | None = None) -> sa.ColumnElement[bool]:
    """Of those the rows that may leave: their sends need no approval, or have it."""
    return deliveries.c.send_id.in_(_sends_of(issue, list_name).where(~sends.c.held))


def _sends_of(issue: str, list_name: str | None) -> sa.Select[tuple[int]]:
    through = sa.select(sends.c.id).where(sends.c.issue == issue)
    return through if list_name is None else through.where(sends.c.list == list_name)


def in_state(*states: State) -> sa.ColumnElement[bool]:
    """Rows in one of `states`, which stand in the statement as they are: a parameter would keep partial indexes out."""
    if len(states) == 1:  # SQLite knows `IN` with one value for another condition than the index's
        return deliveries.c.state == sa.literal_column(f"'{states[0].value}'")
    return deliveries.c.state.in_([sa.literal_column(f"'{state.value}'") for state in states])


def closed_as(state: State) -> sa.ColumnElement[str]:
    """What a row that waits becomes where it is closed without a try.

    Where it waits to be sent a second time its first message may have arrived: it is in doubt, whatever else holds.
    """
    return sa.case((deliveries.c.repeated, State.IN_DOUBT.value), else_=state.value)


HELD = in_state(State.SENDING, State.DOT)
"""Rows that a worker holds, in the very words of their index: ask for one of both states beside it."""
