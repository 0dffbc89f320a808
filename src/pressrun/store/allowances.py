"""Allowances in the store: one row a relay, so that workers share its limits and a restart forgets nothing."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.delivery.allowance import Account, Allowance, has_limit, put_back, take
from pressrun.delivery.relay import Relay
from pressrun.store.database import Database
from pressrun.store.subscribers import insert_into
from pressrun.store.tables import allowances

_EPOCH = Account(dt.datetime(1970, 1, 1, tzinfo=dt.UTC), dt.date(1970, 1, 1), 0)


async def reserve(database: Database, relay: Relay, wanted: int, now: dt.datetime) -> Allowance:
    """Up to `wanted` messages that may be given to `relay` from `now` on, and by nobody else who shares the store.

    A relay without limits gets all, and the store isn't touched. Raises StoreError where the store can't be reached.
    """
    if not has_limit(relay, now):
        return Allowance(wanted, now)
    async with database.write() as connection:
        account = await _hold(connection, relay)
        allowance = take(relay, account, wanted, now)
        if allowance.account is not None and allowance.account != account:
            await _write(connection, relay, allowance.account)
    return allowance


async def give_back(database: Database, relay: Relay, allowance: Allowance, unused: int) -> None:
    """Return `unused` messages of `allowance`, for others to send."""
    if allowance.account is None or unused < 1:
        return
    async with database.write() as connection:
        account = put_back(relay, await _hold(connection, relay), allowance, unused)
        await _write(connection, relay, account)


async def _hold(connection: AsyncConnection, relay: Relay) -> Account:
    """The relay's account, its row locked until the transaction ends; made if there is none."""
    query = sa.select(allowances).where(allowances.c.relay == relay.name).with_for_update()
    row = (await connection.execute(query)).first()
    if row is None:
        new = insert_into(connection, allowances).values(relay=relay.name, **asdict(_EPOCH))
        await connection.execute(new.on_conflict_do_nothing())
        row = (await connection.execute(query)).one()
    return Account(row.free_at, row.day, row.taken)


async def _write(connection: AsyncConnection, relay: Relay, account: Account) -> None:
    await connection.execute(sa.update(allowances).where(allowances.c.relay == relay.name).values(**asdict(account)))
