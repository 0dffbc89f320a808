"""Moves: a person goes from one list to another, or has another address, and what they agreed to goes along."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.address import ParsedAddress
from pressrun.delivery.leave_link import Leave
from pressrun.delivery.outcome import State
from pressrun.errors import UsageError
from pressrun.link_keys import LinkKeys
from pressrun.store.carry import carried_over
from pressrun.store.consent import Consent, ConsentBasis, record_consents, select_consents
from pressrun.store.database import Database
from pressrun.store.departure import depart_within
from pressrun.store.event import Event, EventKind, record_events
from pressrun.store.forget import is_forgotten
from pressrun.store.people_tables import confirmations
from pressrun.store.person import require_subscriber
from pressrun.store.scrub import row_keys, rows_under, scrubbed_key
from pressrun.store.subscribers import find_list, make_list
from pressrun.store.suppression import find_suppression
from pressrun.store.tables import deliveries, memberships, subscribers

SOURCE = "command line"


async def move_subscriber(
    database: Database, address: ParsedAddress, from_list: str, to_list: str, now: dt.datetime, source: str = SOURCE
) -> bool:
    """Take a person from one list to another, which is made if there is none of this name; whether they were new on it.

    What they consented to for the one holds for the other, and its record says whence it came; a pause goes along.
    Raises UsageError where they are not on `from_list`, or have left `to_list` by themselves.
    """
    if from_list == to_list:
        raise UsageError(f"{address} can't move from {from_list} to itself", "name another list with --to")
    async with database.write() as connection:
        person = await require_subscriber(connection, address)
        paused_until = await _require_on(connection, person, address, from_list)
        to_id = await make_list(connection, to_list, now)
        standing = await _standing(connection, person, from_list, now)
        await depart_within(connection, [Leave(person, from_list)], now, source)
        if await _is_on(connection, person, to_id, address, to_list):
            return False
        row = {"list_id": to_id, "subscriber_id": person, "joined_at": now, "paused_until": paused_until}
        await connection.execute(sa.insert(memberships), row)
        await record_consents(connection, person, [_moved(one, to_list, now) for one in standing])
        detail = {"source": source, "moved_from": from_list}
        await record_events(connection, [Event(EventKind.JOINED, now, person, list=to_list, detail=detail)])
    return True


async def change_address(
    database: Database, keys: LinkKeys, old: ParsedAddress, new: ParsedAddress, now: dt.datetime, source: str = SOURCE
) -> int:
    """Mail a person at another address from now on; the rows of theirs that wait and go there.

    Lists, consents, tags and the delivery log stay theirs, and no issue reaches them twice: each row is compared by the
    new address from here on. It keeps the one that it was sent to, which is what a late bounce is about. Requests of
    the old address that wait for their confirmation go. Raises UsageError where the new address is somebody's,
    suppressed or forgotten.
    """
    async with database.write() as connection:
        person = await require_subscriber(connection, old)
        if new.key != old.key:
            await _require_free(connection, keys, new)
        values = {"address": new.address, "address_key": new.key, "updated_at": now}
        await connection.execute(sa.update(subscribers).where(subscribers.c.id == person).values(values))
        moved = await _move_rows(connection, keys, person, old, new, now)
        await _move_requests(connection, person, old, new)
        detail = {"source": source, "fields": ["address"], "from": old.address, "to": new.address}
        await record_events(connection, [Event(EventKind.CHANGED, now, person, detail=detail)])
    return moved


async def _require_on(
    connection: AsyncConnection, person: int, address: ParsedAddress, name: str
) -> dt.datetime | None:
    """Until when the person's mail from the list is paused; they leave it by nobody else's hand meanwhile."""
    on_it = sa.and_(memberships.c.list_id == await find_list(connection, name), memberships.c.subscriber_id == person)
    query = sa.select(memberships.c.paused_until).where(on_it, memberships.c.left_at.is_(None))
    found = (await connection.execute(query.with_for_update())).first()
    if found is None:
        raise UsageError(f"{address} is not on {name}", f"pressrun subscribers show {address} tells where they are")
    return found.paused_until  # type: ignore[no-any-return]


async def _is_on(connection: AsyncConnection, person: int, list_id: int, address: ParsedAddress, name: str) -> bool:
    query = sa.select(memberships.c.left_at)
    query = query.where(memberships.c.list_id == list_id, memberships.c.subscriber_id == person)
    found = (await connection.execute(query)).first()
    if found is not None and found.left_at is not None:
        remedy = "only they can come back; if they asked for it: pressrun subscribers add"
        raise UsageError(f"{address} has left {name} by themselves", remedy)
    return found is not None


async def _standing(connection: AsyncConnection, person: int, name: str, now: dt.datetime) -> Sequence[Consent]:
    """What holds for the list; where nothing was noted, that it is not known."""
    consents = await select_consents(connection, person)
    found = [one for one in consents if one.list == name and one.withdrawn_at is None]
    return found or [Consent(name, ConsentBasis.UNKNOWN, "", now)]


def _moved(consent: Consent, to_list: str, now: dt.datetime) -> Consent:
    whence = {"from": consent.list, "at": now.astimezone(dt.UTC).isoformat()}
    proof = {**consent.proof, "moved": [*consent.proof.get("moved", ()), whence]}
    return replace(consent, list=to_list, proof=proof)


async def _require_free(connection: AsyncConnection, keys: LinkKeys, new: ParsedAddress) -> None:
    taken = sa.select(subscribers.c.id).where(subscribers.c.address_key == new.key)
    if await connection.scalar(taken) is not None:
        remedy = f"pressrun subscribers show {new} tells who it is; one of the two has to be forgotten or stay"
        raise UsageError(f"{new} is somebody's address already", remedy)
    if found := await find_suppression(connection, new.key):
        remedy = f"if that is no longer so: pressrun subscribers suppress {new} --lift --reason WHY"
        raise UsageError(f"{new} is suppressed: {found.reason}", remedy)
    if await is_forgotten(connection, keys, new.key):
        raise UsageError(f"{new} was forgotten", "only they themselves can come back, by the form and its confirmation")


async def _move_rows(
    connection: AsyncConnection,
    keys: LinkKeys,
    person: int,
    old: ParsedAddress,
    new: ParsedAddress,
    now: dt.datetime,
) -> int:
    """Let the rows follow their person: how many go to the new address."""
    theirs = sa.and_(rows_under(row_keys(keys, old.key)), deliveries.c.subscriber_id == person)
    columns = (deliveries.c.id, deliveries.c.issue, deliveries.c.address_key)
    rows: Sequence[sa.Row[tuple[int, str, str]]] = (
        await connection.execute(sa.select(*columns).where(theirs).order_by(deliveries.c.id).with_for_update())
    ).all()
    waiting = sa.and_(
        deliveries.c.state.in_([State.QUEUED.value, State.DEFERRED.value]),
        deliveries.c.form.is_(None),  # else its message stays as it was when its dot was marked (promise 6)
    )
    taken = set((await connection.scalars(sa.select(deliveries.c.issue).where(rows_under([new.key])))).all())
    rows = [row for row in rows if row.issue not in taken]  # of somebody who had the new address once (promise 1)
    moved = 0
    async with carried_over(connection, {row.issue for row in rows}):
        for row in rows:
            key = new.key if row.address_key == old.key else scrubbed_key(keys, new.key)
            mine = sa.update(deliveries).where(deliveries.c.id == row.id)
            await connection.execute(mine.values(address_key=key))
            to_new = mine.where(waiting, deliveries.c.address != "").values(address=new.address, updated_at=now)
            moved += (await connection.execute(to_new)).rowcount
    return moved


async def _move_requests(connection: AsyncConnection, person: int, old: ParsedAddress, new: ParsedAddress) -> None:
    """Let go of what waits in mailboxes that are not the person's now; what they confirmed follows them.

    Who is forgotten takes their requests along, found by the address that they have then. Links that went to the old
    address name it, and lead nowhere from here on (`ConfirmToken`); so a welcome must not go there any more either.
    """
    if new.key == old.key:
        return
    row = confirmations.c
    elsewhere = sa.or_(row.address_key == old.key, sa.and_(row.subscriber_id == person, row.address_key != new.key))
    await connection.execute(sa.delete(confirmations).where(elsewhere, row.confirmed_at.is_(None)))
    follow = sa.update(confirmations).where(row.address_key == old.key)
    await connection.execute(follow.values(address_key=new.key, due_at=None))
