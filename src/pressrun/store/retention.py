"""Retention: what the store lets go of by age, in batches, while others work on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from pressrun.delivery.outcome import OPEN_STATES, State
from pressrun.link_keys import LinkKeys
from pressrun.store.database import Database
from pressrun.store.people_tables import confirmations, consents, events, webhooks
from pressrun.store.scrub import SCRUBBED, is_scrubbed, scrubbed_key
from pressrun.store.tables import deliveries, sends
from pressrun.store.upkeep import PAGE, read_open_issues

NETWORK_FACTS = ("network", "confirmed_from", "optin_ip", "confirm_ip", "ip")
"""What a consent's proof calls a network address, in small letters."""

_UNSETTLED = [state.value for state in (*OPEN_STATES, State.IN_DOUBT)]


@dataclass(frozen=True)
class Ages:
    """After how many days what is let go of; 0 keeps it."""

    events: float = 0
    addresses: float = 0
    confirmations: float = 0
    network: float = 0


@dataclass(frozen=True)
class LetGo:
    """How many rows were let go of, or were scrubbed."""

    events: int = 0
    addresses: int = 0
    confirmations: int = 0
    networks: int = 0


async def let_go(database: Database, keys: LinkKeys, ages: Ages, now: dt.datetime, page: int = PAGE) -> LetGo:
    """Let go of what is older than `ages`; what was done stays done if it is interrupted, and it goes on from there."""
    return LetGo(
        events=await _delete_events(database, _before(now, ages.events), page),
        addresses=await _scrub_log(database, keys, _before(now, ages.addresses), page),
        confirmations=await _delete_requests(database, _before(now, ages.confirmations), page),
        networks=await _clear_networks(database, _before(now, ages.network), page),
    )


def _before(now: dt.datetime, days: float) -> dt.datetime | None:
    return now - dt.timedelta(days=days) if days else None


async def _delete_events(database: Database, before: dt.datetime | None, page: int) -> int:
    """Delete events, but those that a webhook has not come to."""
    if before is None:
        return 0
    unread = sa.select(sa.func.min(webhooks.c.last_event)).where(webhooks.c.disabled_at.is_(None)).scalar_subquery()
    old = sa.select(events.c.id).where(events.c.at < before, events.c.id <= sa.func.coalesce(unread, events.c.id))
    return await _in_pages(database, sa.delete(events).where(events.c.id.in_(old.limit(page))), page)


async def _delete_requests(database: Database, before: dt.datetime | None, page: int) -> int:
    """Delete requests that nobody confirmed; confirmed ones show what the person consented to."""
    if before is None:
        return 0
    request = confirmations.c
    old = sa.select(request.id).where(request.requested_at < before, request.confirmed_at.is_(None)).limit(page)
    return await _in_pages(database, sa.delete(confirmations).where(request.id.in_(old)), page)


async def _in_pages(database: Database, statement: sa.Delete | sa.Update, page: int) -> int:
    """Carry out a statement that changes up to `page` rows until it finds fewer: how many in all."""
    total = 0
    while True:
        async with database.write() as connection:
            changed = (await connection.execute(statement)).rowcount
        total += changed
        if changed < page:
            return total


async def _scrub_log(database: Database, keys: LinkKeys, before: dt.datetime | None, page: int) -> int:
    """Take people out of rows that are settled, of issues that are finished; states, codes and sums stay."""
    if before is None:
        return 0
    async with database.read() as connection:
        begun = (await connection.scalars(sa.select(sends.c.issue).where(sends.c.created_at < before).distinct())).all()
    finished = sorted(set(begun) - await read_open_issues(database))
    return sum([await _scrub_issue(database, keys, issue, before, page) for issue in finished])


async def _scrub_issue(database: Database, keys: LinkKeys, issue: str, before: dt.datetime, page: int) -> int:
    row = deliveries.c
    old = (
        sa.select(row.id, row.address_key)
        .where(row.issue == issue, ~is_scrubbed(), row.updated_at < before, row.state.not_in(_UNSETTLED))
        .order_by(row.address_key)
        .limit(page)
    )
    total, last = 0, ""
    while True:
        async with database.write() as connection:
            found = (await connection.execute(old.where(row.address_key > last).with_for_update())).all()
            if found:
                values = [{"row": one.id, "to": scrubbed_key(keys, one.address_key)} for one in found]
                await connection.execute(_SCRUB, values)
        total += len(found)
        if len(found) < page:
            return total
        last = found[-1].address_key


# The subscriber's number stays: by it the issue is known to have reached them (`audience`), whatever it is planned for.
_SCRUB = (
    sa.update(deliveries)
    .where(deliveries.c.id == sa.bindparam("row"))
    .values(
        address="",
        address_key=sa.bindparam("to"),
        name="",
        attributes={},
        reply=sa.case((deliveries.c.reply.is_not(None), SCRUBBED)),
    )
)


async def _clear_networks(database: Database, before: dt.datetime | None, page: int) -> int:
    """Take network addresses out of consents and requests: how many of both."""
    if before is None:
        return 0
    request = confirmations.c
    of_requests = sa.select(request.id).where(
        request.requested_at < before, sa.or_(request.network.is_not(None), request.confirmed_from.is_not(None))
    )
    clear = sa.update(confirmations).values(network=None, confirmed_from=None)
    cleared = await _in_pages(database, clear.where(request.id.in_(of_requests.limit(page))), page)
    return cleared + await _clear_consents(database, before, page)


async def _clear_consents(database: Database, before: dt.datetime, page: int) -> int:
    proof = sa.func.lower(sa.cast(consents.c.proof, sa.Text))
    told = sa.or_(consents.c.network.is_not(None), *(proof.contains(f'"{name}"') for name in NETWORK_FACTS))
    old = sa.select(consents.c.id, consents.c.proof).where(consents.c.given_at < before, told)
    old = old.order_by(consents.c.id).limit(page)
    clear = sa.update(consents).where(consents.c.id == sa.bindparam("row"))
    clear = clear.values(network=None, proof=sa.bindparam("rest", type_=sa.JSON))
    total, last = 0, 0
    while True:
        async with database.write() as connection:
            found = (await connection.execute(old.where(consents.c.id > last))).all()
            if found:
                rows = [{"row": one.id, "rest": _without_networks(one.proof)} for one in found]
                await connection.execute(clear, rows)
        total += len(found)
        if len(found) < page:
            return total
        last = found[-1].id


def _without_networks(proof: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in proof.items() if key.lower() not in NETWORK_FACTS}
