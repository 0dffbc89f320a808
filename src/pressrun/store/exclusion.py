"""Exclusions: who is on an issue's lists and is not mailed, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from pressrun.delivery.outcome import State
from pressrun.store.database import Database
from pressrun.store.journal import FORGOTTEN, LEFT, PAUSED
from pressrun.store.scope import rows_of
from pressrun.store.tables import deliveries, sends, suppressions

LIFTED = "suppressed when it was planned, and not any more"
"""Why somebody is left out whose suppression was taken back since."""


@dataclass(frozen=True)
class Audience:
    """Whom an issue is planned for: rows by list, and of all of them those left out, by reason.

    `filters` are the conditions of those in `planned` that are segments, as they were planned.
    """

    planned: Mapping[str, int]
    excluded: Mapping[str, int]
    filters: Mapping[str, str] = field(default_factory=dict)

    @property
    def recipients(self) -> int:
        """How many are to get it."""
        return sum(self.planned.values()) - sum(self.excluded.values())


async def read_audience(database: Database, issue: str) -> Audience:
    """The audience of `issue` as it is planned; empty where nothing is. Who is on two lists counts on the first."""
    by_list = (
        sa.select(sends.c.list, sa.func.count())
        .select_from(deliveries.join(sends, sends.c.id == deliveries.c.send_id))
        .where(rows_of(issue))
        .group_by(sends.c.list)
        .order_by(sends.c.list)
    )
    reason = sa.case(
        (deliveries.c.reply.startswith(PAUSED), "paused"),
        (deliveries.c.reply.in_([LEFT, FORGOTTEN]), deliveries.c.reply),
        else_=sa.func.coalesce(suppressions.c.reason, LIFTED),
    ).label("why")
    by_reason = (
        sa.select(reason, sa.func.count())
        .select_from(deliveries.outerjoin(suppressions, suppressions.c.address_key == deliveries.c.address_key))
        .where(rows_of(issue), deliveries.c.state == State.SUPPRESSED.value)
        .group_by(reason.name)  # by name: parameters in two places are not one to PostgreSQL
        .order_by(sa.func.count().desc(), reason.name)
    )
    segments = sa.select(sends.c.list, sends.c.filter).where(sends.c.issue == issue, sends.c.filter.is_not(None))
    async with database.read() as connection:
        planned = {name: count for name, count in await connection.execute(by_list)}
        filters = {name: told for name, told in await connection.execute(segments.order_by(sends.c.id))}
        excluded = {name: count for name, count in await connection.execute(by_reason)}
    return Audience(planned, excluded, {name: filters[name] for name in planned if name in filters})
