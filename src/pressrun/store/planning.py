"""Planning: a row for each recipient of an issue, free to leave at once or held until somebody approves of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.delivery.outcome import State
from pressrun.render.edition import Edition
from pressrun.store.approval import (
    Decision,
    Seal,
    decision_that_holds,
    hold_unbegun,
    lock_plan,
    seal_of,
    waits_for_approval,
)
from pressrun.store.audience import Waves, count_members, insert_rows, reason_of, wave_of, zone_among
from pressrun.store.control import require_not_cancelled
from pressrun.store.database import Database
from pressrun.store.link import keep_links
from pressrun.store.scope import in_state, through_released
from pressrun.store.selection import NO_SEGMENTS, Segments, Selection, find_selection
from pressrun.store.subscribers import insert_into
from pressrun.store.tables import deliveries, editions, sends

STALE = dt.timedelta(hours=1)
"""How long ago a row may have been planned before its message is dated anew, if it was never tried."""


_UNTRIED = sa.and_(
    deliveries.c.attempts == 0,
    deliveries.c.state.in_([State.QUEUED.value, State.DEFERRED.value, State.SUPPRESSED.value]),
)
"""Rows that nothing has become of: a proposal may take them back."""


@dataclass(frozen=True)
class Plan:
    """What planning did: the send, how many rows it added, and how many people the list holds now."""

    send_id: int
    added: int
    audience: int


@dataclass(frozen=True)
class Proposal:
    """What was planned for an approver to look at: by list, and its seal; None where nobody is on the lists."""

    plans: Mapping[str, Plan]
    seal: Seal | None


class _Send(NamedTuple):
    id: int
    list: str
    edition_id: str
    held: bool
    has_rows: bool
    has_untried: bool


async def plan(
    database: Database,
    edition: Edition,
    list_name: str,
    now: dt.datetime,
    *,
    held: bool = False,
    due_by_zone: Waves | None = None,
    fresh: bool = False,
    segments: Segments = NO_SEGMENTS,
) -> Plan:
    """Plan a row for each person of the audience who has none for this issue yet (promise 1), inside the database.

    `list_name` is a list or one of `segments` of it (`LIST:SEGMENT`); who belongs to a segment is looked up now. Rows
    whose attribute `timezone` is in `due_by_zone` wait for that moment. With `held`, nothing leaves before it is
    approved: see `propose`. Raises UsageError for an unknown list or segment, for an issue that is cancelled, and
    where what is planned for it waits for approval.
    """
    if held:
        proposal = await propose(
            database, edition, [list_name], now, due_by_zone=due_by_zone, fresh=fresh, segments=segments
        )
        return proposal.plans[list_name]
    async with database.write() as connection:
        await lock_plan(connection, edition.issue)
        await require_not_cancelled(connection, edition.issue)
        selection = await find_selection(connection, list_name, now, segments)
        if any(send.held and send.has_rows for send in await _sends_of(connection, edition.issue, list_name)):
            raise waits_for_approval(edition.issue)
        return await _plan(connection, edition, selection, now, due_by_zone or {}, held=False)


async def propose(
    database: Database,
    edition: Edition,
    list_names: Sequence[str],
    now: dt.datetime,
    *,
    due_by_zone: Waves | None = None,
    fresh: bool = False,
    segments: Segments = NO_SEGMENTS,
) -> Proposal:
    """Plan `edition` for the lists or segments of them, held until it is approved, in one transaction with its seal.

    What is planned of this edition stands as it is: who joins or leaves a list changes nothing beneath an approver's
    eyes, and who left is left out when rows are claimed. With `fresh`, or after a rejection, people are looked up anew.
    What is planned of other editions is taken over, approved or not, unless it has begun: that goes on as approved.

    Raises UsageError for an unknown list or segment, and for an issue that is cancelled.
    """
    async with database.write() as connection:
        await lock_plan(connection, edition.issue)
        await require_not_cancelled(connection, edition.issue)
        known = {name: await find_selection(connection, name, now, segments) for name in list_names}
        again = await _make_room(connection, edition, fresh=fresh)
        standing = {
            send.list: Plan(send.id, 0, 0)
            for send in await _sends_of(connection, edition.issue)
            if send.edition_id == edition.id and send.has_rows
        }
        made = {}
        for name in dict.fromkeys([*again, *list_names]):
            chosen = known.get(name) or await find_selection(connection, name, now, segments, edition.issue)
            if name in standing:
                made[name] = replace(standing[name], audience=await count_members(connection, chosen))
            else:
                made[name] = await _plan(connection, edition, chosen, now, due_by_zone or {}, held=True)
        return Proposal({name: made[name] for name in list_names}, await seal_of(connection, edition.issue))


async def preview_plan(
    database: Database, issue: str, list_name: str, now: dt.datetime, segments: Segments = NO_SEGMENTS
) -> Plan:
    """What `plan` would do, without doing it; the send's id is 0. Raises UsageError as it does."""
    async with database.read() as connection:
        selection = await find_selection(connection, list_name, now, segments, issue)
        audience = await count_members(connection, selection)
        return Plan(0, await count_members(connection, selection, without_row_of=issue), audience)


async def redate(database: Database, issue: str, list_name: str | None, now: dt.datetime, waves: Waves) -> None:
    """Date released rows that were planned long ago and never tried as of now, and those of a zone as of its moment.

    A plan may wait for its approval for days: its messages are not days old when they leave, nor do they expire.
    """
    zone = zone_among(deliveries.c.attributes, waves)
    untried = sa.and_(through_released(issue, list_name), deliveries.c.attempts == 0, deliveries.c.form.is_(None))
    rows = sa.update(deliveries).where(untried)
    queued, deferred = in_state(State.QUEUED), in_state(State.DEFERRED)
    async with database.write() as connection:
        await lock_plan(connection, issue)
        old = deliveries.c.created_at < now - STALE
        await connection.execute(rows.where(queued, old).values(created_at=now, updated_at=now))
        later = {name: moment for name, moment in waves.items() if moment > now}
        for state, moved in ((queued, later), (deferred, waves)):
            if moved:
                moment = wave_of(zone, moved, deliveries.c.due_at)
                values = _wave(moment, reason_of(zone, moved), now)
                waiting = sa.or_(deliveries.c.reply.is_(None), deliveries.c.reply.startswith("waits for "))
                off = rows.where(state, waiting, zone.in_(list(moved)), deliveries.c.due_at != moment)
                await connection.execute(off.values(values))


def _wave(moment: sa.ColumnElement[Any], reason: sa.ColumnElement[Any], now: dt.datetime) -> dict[str, Any]:
    state = State.DEFERRED.value
    return {"state": state, "due_at": moment, "created_at": moment, "reply": reason, "updated_at": now}


async def _plan(
    connection: AsyncConnection,
    edition: Edition,
    selection: Selection,
    now: dt.datetime,
    waves: Waves,
    *,
    held: bool,
) -> Plan:
    await _keep_edition(connection, edition, now)
    send_id = await _keep_send(connection, edition, selection, now, held=held)
    added = await insert_rows(connection, edition, send_id, selection, now, waves)
    return Plan(send_id, added, await count_members(connection, selection))


async def _make_room(connection: AsyncConnection, edition: Edition, *, fresh: bool) -> list[str]:
    """Take back what is planned and must not stay as it is: the lists that had rows of this very edition."""
    earlier = [send for send in await _sends_of(connection, edition.issue) if send.has_untried]
    others = [send for send in earlier if send.edition_id != edition.id]
    unbegun = await hold_unbegun(connection, edition.issue, [send.id for send in others if not send.held])
    stale = [send.id for send in others if send.held] + unbegun
    waiting = [send for send in earlier if send.edition_id == edition.id and send.held]
    rejected = bool(waiting) and await _is_rejected(connection, edition.issue)
    if not stale and not fresh and not rejected:
        return []
    taken = deliveries.c.send_id.in_([*stale, *(send.id for send in waiting)])
    await connection.execute(sa.delete(deliveries).where(deliveries.c.issue == edition.issue, taken, _UNTRIED))
    return [] if rejected else [send.list for send in waiting]


async def _is_rejected(connection: AsyncConnection, issue: str) -> bool:
    decided = await decision_that_holds(connection, issue)
    return decided is not None and decided.decision is Decision.REJECTED


async def _sends_of(connection: AsyncConnection, issue: str, list_name: str | None = None) -> list[_Send]:
    rows = sa.exists().where(deliveries.c.issue == issue, deliveries.c.send_id == sends.c.id)
    columns = (sends.c.id, sends.c.list, sends.c.edition_id, sends.c.held, rows, rows.where(_UNTRIED))
    query = sa.select(*columns).where(sends.c.issue == issue).order_by(sends.c.id)
    if list_name is not None:
        query = query.where(sends.c.list == list_name)
    return [_Send(*row) for row in await connection.execute(query)]


async def _keep_edition(connection: AsyncConnection, edition: Edition, now: dt.datetime) -> None:
    statement = insert_into(connection, editions).on_conflict_do_nothing()
    row = {"id": edition.id, "issue": edition.issue, "content": edition.to_bytes(), "created_at": now}
    await connection.execute(statement, row)
    await keep_links(connection, edition, now)


async def _keep_send(
    connection: AsyncConnection, edition: Edition, selection: Selection, now: dt.datetime, *, held: bool
) -> int:
    named = {"issue": edition.issue, "list": selection.name, "edition_id": edition.id}
    segment = {"of_list": selection.of_list, "filter": selection.filter}
    new = insert_into(connection, sends).on_conflict_do_nothing()
    await connection.execute(new, {**named, **segment, "created_at": now, "held": held})
    send_id = int(await connection.scalar(sa.select(sends.c.id).filter_by(**named)) or 0)
    row = sa.update(sends).where(sends.c.id == send_id)
    await connection.execute(row.where(sends.c.filter != selection.filter).values(segment))
    if held:  # it has no rows: it begins anew
        await connection.execute(row.values(held=True, created_at=now))
    else:  # only where it differs, as claims wait for whoever writes the row
        await connection.execute(row.where(sends.c.held).values(held=False))
    return send_id
