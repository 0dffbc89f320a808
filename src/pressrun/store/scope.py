"""Which rows of the delivery log a question is about: all of an issue, or those planned through one of its lists."""

from __future__ import annotations

import sqlalchemy as sa

from pressrun.store.tables import deliveries, sends


def rows_of(issue: str, list_name: str | None = None) -> sa.ColumnElement[bool]:
    """The rows of `issue`; with a list, only those that a send to it planned."""
    if list_name is None:
        return deliveries.c.issue == issue
    through = sa.select(sends.c.id).where(sends.c.issue == issue, sends.c.list == list_name)
    return sa.and_(deliveries.c.issue == issue, deliveries.c.send_id.in_(through))
