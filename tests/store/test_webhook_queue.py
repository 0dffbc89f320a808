"""The queue of posts: each event once for each webhook, each post one process's at a time."""

from __future__ import annotations

import asyncio
import datetime as dt
import random

import pytest
import sqlalchemy as sa

from patience import HUNG
from pressrun.errors import UsageError
from pressrun.store.database import Database, open_database
from pressrun.store.event import Event, EventKind, record_events
from pressrun.store.people_tables import events
from pressrun.store.webhook import (
    LEASE,
    PostState,
    add_webhook,
    claim_posts,
    disable_webhook,
    drop_posts,
    find_webhook,
    has_taken_since,
    list_webhooks,
    queue_posts,
    read_posts,
    remove_webhook,
    rest_posts,
    retry_webhook,
    settle_post,
    webhooks_with_posts,
)
from pressrun.webhook import Webhook
from small_edition import NOW, addresses, fill_list

URL = "https://hook.example.com/path"
SECOND = dt.timedelta(seconds=1)


async def make(database: Database, *kinds: EventKind, seed: int = 7) -> Webhook:
    return await add_webhook(database, URL, kinds, NOW, random.Random(seed))


async def happen(database: Database, *kinds: EventKind, person: int = 1) -> None:
    async with database.write() as connection:
        await record_events(connection, [Event(kind, NOW, person) for kind in kinds])


async def claimed_kinds(database: Database, webhook: Webhook) -> list[EventKind]:
    return [post.event.kind for post in await claim_posts(database, webhook.id, NOW, 100)]


async def test_a_webhook_is_kept_as_it_was_made_and_removed_with_its_log(database: Database) -> None:
    made = await make(database, EventKind.LEFT, EventKind.LEFT, EventKind.JOINED)
    assert made.kinds == (EventKind.LEFT, EventKind.JOINED)
    assert await list_webhooks(database) == [made] == [await find_webhook(database, made.id)]
    await happen(database, EventKind.LEFT)
    await queue_posts(database, NOW)
    await remove_webhook(database, made.id)
    assert await list_webhooks(database) == []
    for act in (find_webhook, remove_webhook, read_posts):
        with pytest.raises(UsageError, match="no webhook"):
            await act(database, made.id)


async def test_what_happened_before_it_was_made_is_not_posted(database: Database) -> None:
    await happen(database, EventKind.JOINED)
    made = await make(database)
    await happen(database, EventKind.LEFT)
    assert await queue_posts(database, NOW) == 1
    assert await claimed_kinds(database, made) == [EventKind.LEFT]


async def test_each_webhook_gets_each_event_of_its_kinds_once(database: Database) -> None:
    every, some = await make(database), await make(database, EventKind.LEFT, seed=8)
    await happen(database, EventKind.JOINED, EventKind.LEFT)
    assert await queue_posts(database, NOW) == 3
    assert await queue_posts(database, NOW) == 0
    await happen(database, EventKind.TAGGED)
    assert await queue_posts(database, NOW) == 1
    assert await claimed_kinds(database, every) == [EventKind.JOINED, EventKind.LEFT, EventKind.TAGGED]
    assert await claimed_kinds(database, some) == [EventKind.LEFT]


async def test_processes_that_queue_at_once_queue_nothing_twice_and_lose_nothing(database: Database) -> None:
    made = await make(database)
    async with asyncio.timeout(HUNG):
        for _ in range(5):
            await happen(database, EventKind.JOINED, EventKind.LEFT)
            await asyncio.gather(*(queue_posts(database, NOW) for _ in range(4)))
    assert len(await claimed_kinds(database, made)) == 10


@pytest.mark.postgres
async def test_an_event_that_commits_late_is_queued_late_and_not_lost(postgres_url: str) -> None:
    async with open_database(postgres_url) as database:
        made = await make(database)
        async with database.write() as late:
            await record_events(late, [Event(EventKind.JOINED, NOW, 1)])
            await happen(database, EventKind.LEFT)
            assert await queue_posts(database, NOW) == 0
        assert await queue_posts(database, NOW) == 2
        assert await claimed_kinds(database, made) == [EventKind.JOINED, EventKind.LEFT]


async def test_a_claimed_post_is_nobody_elses_until_its_time_is_over(database: Database) -> None:
    made = await make(database)
    await happen(database, EventKind.JOINED, EventKind.LEFT)
    await queue_posts(database, NOW)
    first = await claim_posts(database, made.id, NOW, 1)
    assert [post.attempts for post in first] == [1]
    assert [post.event.kind for post in await claim_posts(database, made.id, NOW, 9)] == [EventKind.LEFT]
    assert await claim_posts(database, made.id, NOW + LEASE - SECOND, 9) == []
    assert [post.attempts for post in await claim_posts(database, made.id, NOW + LEASE, 9)] == [2, 2]


async def test_who_claims_at_once_gets_different_posts(database: Database) -> None:
    made = await make(database)
    await happen(database, *[EventKind.LEFT] * 20)
    await queue_posts(database, NOW)
    async with asyncio.timeout(HUNG):
        got = await asyncio.gather(*(claim_posts(database, made.id, NOW, 4) for _ in range(5)))
    ids = [post.id for posts in got for post in posts]
    assert len(ids) == len(set(ids))


async def test_a_post_names_its_person_as_they_are_now(database: Database) -> None:
    await fill_list(database, "news", addresses(1))
    made = await make(database)
    await happen(database, EventKind.LEFT)
    await happen(database, EventKind.LEFT, person=99)
    await queue_posts(database, NOW)
    assert [post.address for post in await claim_posts(database, made.id, NOW, 9)] == [addresses(1)[0], None]


async def test_a_settled_post_is_done_with_or_waits(database: Database) -> None:
    made = await make(database)
    await happen(database, EventKind.JOINED, EventKind.LEFT)
    await queue_posts(database, NOW)
    taken, refused = await claim_posts(database, made.id, NOW, 9)
    await settle_post(database, taken.id, PostState.TAKEN, NOW, code=200, reply="ok")
    later = NOW + 10 * SECOND
    await settle_post(database, refused.id, PostState.WAITING, NOW, code=500, reply="no", due_at=later)
    assert await claim_posts(database, made.id, later - SECOND, 9) == []
    assert [one.id for one in await webhooks_with_posts(database, later)] == [made.id]
    assert [post.id for post in await claim_posts(database, made.id, later, 9)] == [refused.id]
    newest, oldest = await read_posts(database, made.id)
    assert (oldest.state, oldest.code, oldest.reply, oldest.kind) == (PostState.TAKEN, 200, "ok", "joined")
    assert (newest.state, newest.attempts, newest.code) == (PostState.WAITING, 2, 500)
    assert await has_taken_since(database, made.id, NOW)
    assert not await has_taken_since(database, made.id, NOW + SECOND)


async def test_an_event_that_was_deleted_is_posted_to_nobody(database: Database) -> None:
    made = await make(database)
    await happen(database, EventKind.JOINED)
    await queue_posts(database, NOW)
    async with database.write() as connection:
        await connection.execute(sa.delete(events))
    assert await claim_posts(database, made.id, NOW, 9) == []
    (row,) = await read_posts(database, made.id)
    assert (row.state, row.reply, row.kind) == (PostState.FAILED, "the event is no longer in the store", None)


async def test_what_rests_is_what_was_due(database: Database) -> None:
    made = await make(database)
    await happen(database, EventKind.JOINED, EventKind.LEFT)
    await queue_posts(database, NOW)
    await claim_posts(database, made.id, NOW, 1)
    await rest_posts(database, made.id, NOW, NOW + 2 * LEASE)
    assert await claim_posts(database, made.id, NOW + SECOND, 9) == []
    assert [post.event.kind for post in await claim_posts(database, made.id, NOW + LEASE, 9)] == [EventKind.JOINED]


async def test_a_disabled_webhook_gets_nothing_until_it_is_retried_and_then_all_it_missed(database: Database) -> None:
    made = await make(database)
    await happen(database, EventKind.JOINED)
    await queue_posts(database, NOW)
    (post,) = await claim_posts(database, made.id, NOW, 9)
    await settle_post(database, post.id, PostState.FAILED, NOW, code=500, reply="no")
    assert await disable_webhook(database, made.id, "it took nothing", NOW)
    assert not await disable_webhook(database, made.id, "another reason", NOW)
    assert (await find_webhook(database, made.id)).reason == "it took nothing"
    await happen(database, EventKind.LEFT)
    assert await queue_posts(database, NOW) == 0
    assert await webhooks_with_posts(database, NOW + dt.timedelta(days=9)) == []
    assert await retry_webhook(database, made.id, NOW) == 1
    assert await queue_posts(database, NOW) == 1
    assert await claimed_kinds(database, made) == [EventKind.JOINED, EventKind.LEFT]
    assert (await find_webhook(database, made.id)).disabled_at is None


async def test_a_long_queue_is_taken_in_pieces(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pressrun.store.webhook._AT_ONCE", 3)
    made = await make(database)
    await happen(database, *[EventKind.LEFT] * 7)
    assert [await queue_posts(database, NOW) for _ in range(4)] == [3, 3, 1, 0]
    assert len(await claimed_kinds(database, made)) == 7


async def test_old_posts_are_dropped_and_those_that_wait_are_not(database: Database) -> None:
    made = await make(database)
    await happen(database, EventKind.JOINED, EventKind.LEFT)
    await queue_posts(database, NOW)
    first, _ = await claim_posts(database, made.id, NOW, 9)
    await settle_post(database, first.id, PostState.TAKEN, NOW, code=200, reply="")
    assert await drop_posts(database, NOW) == 0
    assert await drop_posts(database, NOW + SECOND) == 1
    assert [row.kind for row in await read_posts(database, made.id)] == ["left"]
