"""Seats in the store: workers that ask at once get no more than there are, and the dead have none."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Sequence

import pytest
import sqlalchemy as sa

from pressrun.delivery.seating import Claim, seats_for
from pressrun.errors import StoreError
from pressrun.store.claim import register_worker, renew_lease, retire_worker
from pressrun.store.database import Database, connect_database, open_database
from pressrun.store.seats import exchange, leave
from pressrun.store.tables import seats

NOW = dt.datetime(2026, 11, 20, 9, tzinfo=dt.UTC)
LEASE = dt.timedelta(seconds=30)
LIMIT = 10


async def worker(database: Database, *names: str) -> None:
    for name in names:
        await register_worker(database, name, "host", 1, NOW, LEASE)


def wanting(name: str, wanted: int, open_now: int = 0) -> Callable[[Sequence[Claim]], Claim]:
    """What a worker makes of the claims that wants so many, and keeps what it has open."""

    def decide(claims: Sequence[Claim]) -> Claim:
        held = sum(claim.held for claim in claims if claim.worker_id == name)
        others = [claim for claim in claims if claim.worker_id != name]
        count = seats_for(name, LIMIT, [*others, Claim(name, held, wanted)], NOW)
        return Claim(name, max(count, open_now), wanted)

    return decide


async def take(
    database: Database, name: str, wanted: int = LIMIT, open_now: int = 0, relay: str = "r", now: dt.datetime = NOW
) -> int:
    return (await exchange(database, relay, now, wanting(name, wanted, open_now))).held


async def rows(database: Database) -> set[tuple[str, str, int, int]]:
    async with database.read() as connection:
        return {(row.relay, row.worker_id, row.held, row.wanted) for row in await connection.execute(sa.select(seats))}


async def test_what_one_holds_another_does_not_get_until_it_is_given_up(database: Database) -> None:
    await worker(database, "a", "b")
    assert await take(database, "a") == 10
    assert await take(database, "b") == 0
    assert await take(database, "a", open_now=7) == 7  # two connections have ended, five are its part
    assert await take(database, "b") == 3
    assert await take(database, "a") == 5
    assert await take(database, "b") == 5


async def test_relays_have_seats_of_their_own(database: Database) -> None:
    await worker(database, "a", "b")
    assert await take(database, "a", relay="first") == 10
    assert await take(database, "b", relay="second") == 10


async def test_workers_that_ask_at_once_get_no_more_than_there_are(database_url: str) -> None:
    names = [f"w{number}" for number in range(8)]
    async with open_database(database_url) as first, open_database(database_url) as second:
        await worker(first, *names)
        for _ in range(4):
            databases = (first, second) * 4
            await asyncio.gather(*(take(one, name) for one, name in zip(databases, names, strict=True)))
            held = [row[2] for row in await rows(first)]
            assert sum(held) <= LIMIT
    assert sorted(held) == [1] * 6 + [2] * 2


async def test_a_worker_whose_lease_has_ended_holds_nothing(database: Database) -> None:
    await worker(database, "dead", "alive")
    assert await take(database, "dead") == 10
    await renew_lease(database, "alive", NOW + 9 * LEASE)
    assert await take(database, "alive", now=NOW + LEASE - dt.timedelta(seconds=1)) == 0
    assert await take(database, "alive", now=NOW + LEASE) == 10
    assert await rows(database) == {("r", "alive", 10, 10)}


async def test_a_worker_that_comes_back_after_its_lease_finds_its_seats_taken(database: Database) -> None:
    await worker(database, "stopped", "other")
    await take(database, "stopped")
    await renew_lease(database, "other", NOW + 9 * LEASE)
    assert await take(database, "other", now=NOW + LEASE) == 10
    await renew_lease(database, "stopped", NOW + 9 * LEASE)
    assert await take(database, "stopped", now=NOW + LEASE) == 0


async def test_a_worker_that_leaves_or_retires_holds_nothing(database: Database) -> None:
    await worker(database, "a", "b")
    await take(database, "a")
    await leave(database, "a")
    assert await take(database, "b") == 10
    await retire_worker(database, "b", NOW)
    assert await rows(database) == set()


async def test_where_nothing_changes_nothing_is_written(database: Database) -> None:
    await worker(database, "a")
    await take(database, "a")
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        said.append(statement.split()[0])

    sa.event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    assert await take(database, "a") == 10
    assert said[-1] == "SELECT" and not {"INSERT", "UPDATE", "DELETE"} & set(said)
    await take(database, "a", wanted=3)
    assert "INSERT" in said


async def test_a_store_that_is_away_gives_no_seats() -> None:
    nowhere = connect_database("postgresql://nobody@127.0.0.1:9/none")
    with pytest.raises(StoreError):
        await take(nowhere, "a")
