"""How an issue stands in the store, for whoever decides what to do. It is asked often: settled rows are not read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.delivery.outcome import State
from pressrun.schedule.due import Standing
from pressrun.store.approval import Decision
from pressrun.store.control import Wish
from pressrun.store.database import Database
from pressrun.store.scope import HELD, in_state
from pressrun.store.tables import approvals, controls, deliveries, sends, starts, workers

_A_DAY = dt.timedelta(days=1)
_ASKING = "ask "


def occasion_for(lists: Sequence[str], occasion: str) -> str:
    """How a start through these lists is known: the same issue may go to others by another start."""
    return f"{_prefix(lists)}{occasion}" if occasion else ""


async def read_standing(database: Database, issue: str, lists: Sequence[str], now: dt.datetime) -> Standing:
    """How `issue` stands with `lists`: one moment of the store. Settled rows are not looked at."""
    async with database.read() as connection:
        planned = (await connection.execute(_sends_of(issue, lists))).all()
        waiting = await _read_waiting(connection, [send.id for send in planned])
        held = await _read_held(connection, [send.id for send in planned], now)
        elsewhere = await _read_elsewhere(connection, issue, lists, now)
        begun = await _read_starts(connection, issue, lists, now)
        decided = await _read_decision(connection, issue, [send.created_at for send in planned if send.held])
        steered = await _read_wish(connection, issue)
    orphans = waiting.queued if begun.started and not held.working else 0
    known = {send.list for send in planned}
    return Standing(
        planned=known >= set(lists),
        partly=bool(known) and not known >= set(lists),
        open=waiting.open + held.working + held.lost,
        queued=waiting.queued,
        held_back=waiting.held_back,
        working=held.working,
        abandoned=held.lost or orphans,
        elsewhere=elsewhere,
        lost_at=held.lost_at,
        next_due=waiting.next_due,
        **steered._asdict(),
        **decided._asdict(),
        **begun._asdict(),
    )


async def read_sends(database: Database) -> dict[str, dict[str, bool]]:
    """Every issue that was planned, with its lists, and whether rows through them are open."""
    is_open = sa.or_(
        *(_exists(in_state(state)) for state in (State.QUEUED, State.DEFERRED)),
        sends.c.id.in_(sa.select(deliveries.c.send_id).where(HELD)),
    )
    found: dict[str, dict[str, bool]] = {}
    async with database.read() as connection:
        for issue, list_name, open_now in await connection.execute(sa.select(sends.c.issue, sends.c.list, is_open)):
            lists = found.setdefault(issue, {})
            lists[list_name] = lists.get(list_name, False) or bool(open_now)
    return found


def _exists(state: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return sa.exists().where(deliveries.c.send_id == sends.c.id, state)


def _sends_of(issue: str, lists: Sequence[str]) -> sa.Select[Any]:
    query = sa.select(sends.c.id, sends.c.list, sends.c.held, sends.c.created_at)
    return query.where(sends.c.issue == issue, sends.c.list.in_(lists))


class _Waiting(NamedTuple):
    """Rows that no worker holds: those that may leave, and `held_back` that may not."""

    queued: int
    deferred: int
    next_due: dt.datetime | None
    held_back: int

    @property
    def open(self) -> int:
        return self.queued + self.deferred + self.held_back


async def _read_waiting(connection: AsyncConnection, send_ids: Sequence[int]) -> _Waiting:
    released: dict[State, tuple[int, dt.datetime | None]] = {}
    held_back = 0
    for state in (State.QUEUED, State.DEFERRED):  # one at a time: each has an index of its own
        query = (
            sa.select(sends.c.held, sa.func.count(), sa.func.min(deliveries.c.due_at))
            .select_from(deliveries.join(sends, sends.c.id == deliveries.c.send_id))
            .where(deliveries.c.send_id.in_(send_ids), in_state(state))
            .group_by(sends.c.held)
        )
        for is_held, count, due in await connection.execute(query):
            held_back += count if is_held else 0
            if not is_held:
                released[state] = (count, due)
    queued, _ = released.get(State.QUEUED, (0, None))
    deferred, next_due = released.get(State.DEFERRED, (0, None))
    return _Waiting(queued, deferred, next_due, held_back)


class _Held(NamedTuple):
    """Rows in work: those of live workers, and those of dead ones with the end of the last lease."""

    working: int
    lost: int
    lost_at: dt.datetime | None


async def _read_held(connection: AsyncConnection, send_ids: Sequence[int], now: dt.datetime) -> _Held:
    lease = sa.func.coalesce(workers.c.lease_until, deliveries.c.updated_at, type_=workers.c.lease_until.type)
    query = (
        sa.select(deliveries.c.worker_id, sa.func.count(), sa.func.max(lease), sa.func.max(workers.c.lease_until))
        .select_from(deliveries.outerjoin(workers, workers.c.id == deliveries.c.worker_id))
        .where(deliveries.c.send_id.in_(send_ids), HELD)
        .group_by(deliveries.c.worker_id)
    )
    rows = (await connection.execute(query)).all()
    live = [count for _, count, _, until in rows if until and until > now]
    dead = [(count, ended) for _, count, ended, until in rows if not (until and until > now)]
    return _Held(sum(live), sum(count for count, _ in dead), max((ended for _, ended in dead), default=None))


async def _read_elsewhere(connection: AsyncConnection, issue: str, lists: Sequence[str], now: dt.datetime) -> int:
    """Rows through other lists of the issue that live workers have."""
    others = sa.select(sends.c.id).where(sends.c.issue == issue, sends.c.list.not_in(lists))
    query = (
        sa.select(sa.func.count())
        .select_from(deliveries.join(workers, workers.c.id == deliveries.c.worker_id))
        .where(deliveries.c.send_id.in_(others), HELD, workers.c.lease_until > now)
    )
    return await connection.scalar(query) or 0


class _Steered(NamedTuple):
    wish: Wish
    paused_because: str | None


async def _read_wish(connection: AsyncConnection, issue: str) -> _Steered:
    query = sa.select(controls.c.wish, controls.c.reason).where(controls.c.issue == issue)
    row = (await connection.execute(query)).first()
    return _Steered(Wish(row.wish), row.reason) if row else _Steered(Wish.RUN, None)


class _Begun(NamedTuple):
    started: dt.datetime | None
    starts: int
    asked: dt.datetime | None
    asked_for: str


async def _read_starts(connection: AsyncConnection, issue: str, lists: Sequence[str], now: dt.datetime) -> _Begun:
    prefix = _prefix(lists)
    query = sa.select(starts.c.occasion, starts.c.started_at).where(
        starts.c.issue == issue, starts.c.occasion.startswith(prefix, autoescape=True), starts.c.started_at.is_not(None)
    )
    rows = (await connection.execute(query.order_by(starts.c.started_at))).all()
    confirmed = [(occasion.removeprefix(prefix), at) for occasion, at in rows]
    asked = [(occasion, at) for occasion, at in confirmed if occasion.startswith(_ASKING)]
    begun = [at for occasion, at in confirmed if not occasion.startswith(_ASKING)]
    asked_for, asked_at = asked[-1] if asked else ("", None)
    lately = sum(at > now - _A_DAY for _, at in confirmed)
    return _Begun(begun[-1] if begun else None, lately, asked_at, asked_for)


class _Decided(NamedTuple):
    approval: Decision | None
    approved_send_at: dt.datetime | None
    approved_at: dt.datetime | None


async def _read_decision(connection: AsyncConnection, issue: str, held_since: Sequence[dt.datetime]) -> _Decided:
    """The newest decision, as far as it can be told without hashing the plan, which whoever starts it does.

    What is held after it was approved, or planned after it was rejected, is something else than was decided about.
    """
    query = sa.select(approvals.c.decision, approvals.c.send_at, approvals.c.created_at)
    newest = query.where(approvals.c.issue == issue).order_by(approvals.c.id.desc()).limit(1)
    row = (await connection.execute(newest)).first()
    if row is None:
        return _Decided(None, None, None)
    if row.decision == Decision.REJECTED:
        changed = any(planned > row.created_at for planned in held_since)
        return _Decided(None if changed else Decision.REJECTED, None, None)
    if held_since:
        return _Decided(None, None, None)
    return _Decided(Decision.APPROVED, row.send_at, row.created_at)


def _prefix(lists: Sequence[str]) -> str:
    return f"{'+'.join(lists)}: "
