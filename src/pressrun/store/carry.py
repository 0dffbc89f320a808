"""Approvals that outlive an erasure: who asks to be forgotten, or moves, stops no issue that somebody approved."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.store.approval import Approval, decision_that_holds, lock_plan, seal_of
from pressrun.store.tables import approvals
from pressrun.store.upkeep import open_issues


@asynccontextmanager
async def carried_over(connection: AsyncConnection, issues: Iterable[str]) -> AsyncIterator[None]:
    """Let decisions about `issues` hold through a change of rows that adds nobody, made within the block.

    The seal of a plan tells every recipient, so that it becomes another one: the same decision is noted for it, by the
    same person, as of the same moment. Takes seconds for each million rows of an issue that is open and was decided
    about, and nothing for any other.
    """
    standing: dict[str, Approval] = {}
    for issue in sorted(set(issues) & await open_issues(connection)):
        await lock_plan(connection, issue)
        if decided := await decision_that_holds(connection, issue):
            standing[issue] = decided
    yield
    for issue, decided in standing.items():
        sealed = await seal_of(connection, issue)
        if sealed and sealed.text != decided.seal:
            row = {**vars(decided), "seal": sealed.text, "decision": decided.decision.value}
            await connection.execute(sa.insert(approvals), row)
