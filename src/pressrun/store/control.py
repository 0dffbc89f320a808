"""What operators want of an issue: that it runs, pauses or is cancelled. Workers look here while they work."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.delivery.outcome import State
from pressrun.errors import UsageError
from pressrun.store.approval import waits_for_approval
from pressrun.store.database import Database
from pressrun.store.finish import note_finished
from pressrun.store.scope import closed_as, through_released, through_sends
from pressrun.store.subscribers import insert_into
from pressrun.store.tables import controls, deliveries, sends


class Wish(StrEnum):
    """What is wanted of an issue's deliveries."""

    RUN = "run"
    PAUSE = "pause"
    CANCEL = "cancel"


# Word for word as the indexes have them: else SQLite looks at every row of the log.
_WAITING = (sa.text("state = 'queued'"), sa.text("state = 'deferred'"))
_HELD = sa.text("state IN ('sending', 'dot')")


async def read_wish(database: Database, issue: str) -> Wish:
    """What is wanted of `issue` now; `run` where nobody has said anything."""
    async with database.read() as connection:
        return await _wish_of(connection, issue)


async def require_run(database: Database, issue: str, list_name: str | None = None, *, held_too: bool = False) -> None:
    """Raise UsageError, with what to do, where `issue` is paused or cancelled, or all that is open waits for approval.

    With a list, only what was planned through it is looked at for that; with `held_too`, for who only plans, nothing.
    """
    wish = await read_wish(database, issue)
    if wish is Wish.PAUSE:
        reason = await read_reason(database, issue)
        paused = f"{issue} is paused: {reason}" if reason else f"{issue} is paused"
        raise UsageError(paused, f"pressrun resume {issue} lets it go on")
    if wish is Wish.CANCEL:
        raise _cancelled(issue)
    if not held_too and await _is_held(database, issue, list_name):
        raise waits_for_approval(issue)


async def _is_held(database: Database, issue: str, list_name: str | None) -> bool:
    """Whether rows are open, and none of them is released."""
    async with database.read() as connection:
        held = sa.select(sends.c.id).where(sends.c.issue == issue, sends.c.held).limit(1)
        if await connection.scalar(held) is None:  # as a rule
            return False
        scopes = (through_released(issue, list_name), through_sends(issue, list_name))
        for rows, answer in zip(scopes, (False, True), strict=True):
            for is_open in (*_WAITING, _HELD):
                if await connection.scalar(sa.select(deliveries.c.id).where(rows, is_open).limit(1)) is not None:
                    return answer
    return False


async def read_reason(database: Database, issue: str) -> str | None:
    """Why `issue` is paused, where it stopped itself; None where it is not, or somebody paused it by hand."""
    query = sa.select(controls.c.reason).where(controls.c.issue == issue, controls.c.wish == Wish.PAUSE.value)
    async with database.read() as connection:
        reason: str | None = await connection.scalar(query)
    return reason


async def pause(database: Database, issue: str, now: dt.datetime, *, reason: str | None = None) -> None:
    """Let nothing of `issue` begin until it is resumed. Raises UsageError where nothing is left to begin.

    `reason` is for what nobody did by hand; the first one stays until then.
    """
    async with database.write() as connection:
        wish = await _require_wish(connection, issue, now)
        if wish is Wish.CANCEL:
            raise _cancelled(issue)
        await _require_open(connection, issue)
        if wish is Wish.PAUSE:
            reason = await connection.scalar(sa.select(controls.c.reason).where(controls.c.issue == issue)) or reason
        await _set_wish(connection, issue, Wish.PAUSE, now, reason)


async def resume(database: Database, issue: str, now: dt.datetime, *, cancelled: bool = False) -> int:
    """Let `issue` go on; with `cancelled`, also its cancelled rows, which are queued again: how many these are.

    Raises UsageError where `issue` is cancelled and `cancelled` was not said, or the other way round.
    """
    async with database.write() as connection:
        wish = await _require_wish(connection, issue, now)
        if wish is Wish.CANCEL and not cancelled:
            raise _cancelled(issue)
        if wish is not Wish.CANCEL and cancelled:
            raise UsageError(
                f"{issue} is not cancelled", f"pressrun resume {issue}, without --cancelled, lets it go on"
            )
        await _set_wish(connection, issue, Wish.RUN, now)
        return await _queue_cancelled(connection, issue, now) if cancelled else 0


async def cancel(database: Database, issue: str, now: dt.datetime) -> int:
    """Close every row of `issue` that waits, for good: how many these were.

    Rows that a worker holds are finished, or closed when it gives them back. Raises UsageError where nothing is open.
    """
    async with database.write() as connection:
        await _hold_wishes(connection, alone=True)
        if await _require_wish(connection, issue, now) is not Wish.CANCEL:
            await _require_open(connection, issue)
        await _set_wish(connection, issue, Wish.CANCEL, now)
        closed = await cancel_open(connection, issue, now)
    await note_finished(database, issue, now)
    return closed


async def keep_wishes(connection: AsyncConnection) -> None:
    """Let no issue be cancelled until this transaction ends: for whoever makes rows wait, before they change any.

    On PostgreSQL a cancel would not see rows that others are about to commit, nor they its wish: such rows would wait
    for ever. SQLite has one writer at a time.
    """
    await _hold_wishes(connection, alone=False)


async def require_not_cancelled(connection: AsyncConnection, issue: str) -> None:
    """Raise UsageError where `issue` is cancelled, and let nobody do so until this transaction ends."""
    await keep_wishes(connection)
    if await _wish_of(connection, issue) is Wish.CANCEL:
        raise _cancelled(issue)


async def may_run(connection: AsyncConnection, issue: str) -> bool:
    """Whether `issue` is neither paused nor cancelled; nobody cancels it until this transaction ends."""
    await keep_wishes(connection)
    return await _wish_of(connection, issue) is Wish.RUN


async def _hold_wishes(connection: AsyncConnection, *, alone: bool) -> None:
    if connection.dialect.name == "postgresql":
        lock = sa.func.pg_advisory_xact_lock if alone else sa.func.pg_advisory_xact_lock_shared
        await connection.execute(sa.select(lock(sa.literal(_CANCELLING, sa.BigInteger))))


_CANCELLING = 0x7072_6361_6E63_656C  # "prcancel": nobody else's lock


async def cancel_open(connection: AsyncConnection, issue: str | None, now: dt.datetime) -> int:
    """Close the waiting rows of `issue` if it is cancelled, or with None those of all cancelled issues: how many.

    For whoever gives rows back: called in the transaction that did, which began with `keep_wishes`, it leaves no row
    waiting for a run that won't come. A row that is to be sent a second time stays in doubt.
    """
    cancelled = sa.select(controls.c.issue).where(controls.c.wish == Wish.CANCEL.value)
    if issue is not None:
        cancelled = cancelled.where(controls.c.issue == issue)
    through = sa.select(sends.c.id).where(sends.c.issue.in_(cancelled))
    closed = 0
    for waits in _WAITING:  # one at a time: each has an index of its own
        statement = sa.update(deliveries).where(deliveries.c.send_id.in_(through), waits)
        values = {"state": closed_as(State.CANCELLED), "worker_id": None, "updated_at": now}
        closed += (await connection.execute(statement.values(values))).rowcount
    return closed


async def _queue_cancelled(connection: AsyncConnection, issue: str, now: dt.datetime) -> int:
    """Queue what is due; what waited for a moment that is yet to come, such as its time zone's, waits for it again."""
    state = sa.case((deliveries.c.due_at > now, State.DEFERRED.value), else_=State.QUEUED.value)
    due_at = sa.case((deliveries.c.due_at > now, deliveries.c.due_at), else_=now)
    statement = sa.update(deliveries).where(deliveries.c.issue == issue, deliveries.c.state == State.CANCELLED.value)
    return (await connection.execute(statement.values(state=state, due_at=due_at, updated_at=now))).rowcount


async def _wish_of(connection: AsyncConnection, issue: str) -> Wish:
    wish = await connection.scalar(sa.select(controls.c.wish).where(controls.c.issue == issue))
    return Wish(wish) if wish else Wish.RUN


async def _require_wish(connection: AsyncConnection, issue: str, now: dt.datetime) -> Wish:
    """What is wanted of an issue that has rows; nobody else changes it until this transaction ends."""
    rows = sa.select(deliveries.c.id).where(deliveries.c.issue == issue)
    if await connection.scalar(rows.limit(1)) is None:
        raise UsageError(f"nothing of {issue} was planned yet", f"pressrun send {issue} --list LIST begins it")
    # Writing it, if only as it is, is what locks it: a row that isn't there can't be locked.
    await connection.execute(
        insert_into(connection, controls)
        .values(issue=issue, wish=Wish.RUN.value, updated_at=now)
        .on_conflict_do_update(index_elements=[controls.c.issue], set_={"wish": controls.c.wish})
    )
    return await _wish_of(connection, issue)


async def _require_open(connection: AsyncConnection, issue: str) -> None:
    for is_open in (*_WAITING, _HELD):
        rows = sa.select(deliveries.c.id).where(through_sends(issue), is_open).limit(1)
        if await connection.scalar(rows) is not None:
            return
    raise UsageError(f"{issue} is finished: no row is open", f"pressrun status {issue} tells how it ended")


def _cancelled(issue: str) -> UsageError:
    return UsageError(
        f"{issue} is cancelled", f"pressrun resume {issue} --cancelled takes that back and queues its rows again"
    )


async def _set_wish(
    connection: AsyncConnection, issue: str, wish: Wish, now: dt.datetime, reason: str | None = None
) -> None:
    statement = sa.update(controls).where(controls.c.issue == issue)
    await connection.execute(statement.values(wish=wish.value, updated_at=now, reason=reason))
