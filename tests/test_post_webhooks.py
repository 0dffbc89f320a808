"""Posting: what is due arrives signed, what fails is tried again, who never answers is given up and told of."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import hashlib
import hmac
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from patience import HUNG
from pressrun.post_webhooks import REST, WebhookPoster
from pressrun.store.database import Database
from pressrun.store.event import Event, EventKind, record_events
from pressrun.store.webhook import (
    LEASE,
    PostState,
    add_webhook,
    claim_posts,
    find_webhook,
    queue_posts,
    read_posts,
    retry_webhook,
)
from pressrun.webhook import TRIED, Webhook, secret_of
from pressrun.webhook_client import open_client
from small_edition import KEY, NOW, addresses, fill_list
from webhook_receiver import Receiver, Request, answer, receiver

LINK_KEY = KEY.newest
NO = answer(500, body="down for <b>maintenance</b>")


@dataclass
class Desk:
    """A poster whose clock is set by hand, and what operators were told."""

    poster: WebhookPoster
    webhook: Webhook
    now: list[dt.datetime]
    told: list[tuple[str, str]] = field(default_factory=list)

    async def happen(self, count: int = 1) -> None:
        async with self.poster.database.write() as connection:
            await record_events(connection, [Event(EventKind.LEFT, NOW, 1, list="news") for _ in range(count)])

    async def post(self) -> tuple[int, int, int, int]:
        async with asyncio.timeout(HUNG):
            count = await self.poster.post_webhooks()
        return count.queued, count.taken, count.put_off, count.failed

    def wait(self, span: dt.timedelta) -> None:
        self.now[0] += span


@asynccontextmanager
async def desk(database: Database, there: Receiver, *kinds: EventKind) -> AsyncIterator[Desk]:
    now, told = [NOW], list[tuple[str, str]]()

    async def tell(subject: str, text: str) -> None:
        told.append((subject, text))

    webhook = await add_webhook(database, there.url, kinds, NOW, random.Random(7))
    async with open_client(private=True) as client:
        yield Desk(
            WebhookPoster(database, KEY, client, lambda: now[0], random.Random(7), tell),
            webhook,
            now,
            told,
        )


def is_signed(request: Request, webhook: Webhook) -> bool:
    secret = base64.b64decode(secret_of(webhook.id, LINK_KEY).removeprefix("whsec_"))
    said = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    wanted = base64.b64encode(hmac.new(secret, said, hashlib.sha256).digest()).decode()
    return request.headers["webhook-signature"] == f"v1,{wanted}"


async def test_what_happened_arrives_signed(database: Database) -> None:
    await fill_list(database, "news", addresses(1))
    async with receiver() as there, desk(database, there) as at:
        await at.happen()
        assert await at.post() == (1, 1, 0, 0)
        assert await at.post() == (0, 0, 0, 0)
        (request,) = there.requests
        assert is_signed(request, at.webhook)
        body = json.loads(request.body)
        assert body["type"] == "subscriber.left"
        assert body["data"]["subscriber"]["address"] == addresses(1)[0]
        assert [row.state for row in await read_posts(database, at.webhook.id)] == [PostState.TAKEN]


async def test_what_fails_is_tried_again_under_the_same_name_until_it_is_taken(database: Database) -> None:
    async with receiver([NO, NO]) as there, desk(database, there) as at:
        await at.happen()
        assert await at.post() == (1, 0, 1, 0)
        assert await at.post() == (0, 0, 0, 0)  # not at once
        (row,) = await read_posts(database, at.webhook.id)
        assert (row.state, row.code, row.reply) == (PostState.WAITING, 500, "down for <b>maintenance</b>")
        at.wait(dt.timedelta(minutes=1))
        assert await at.post() == (0, 0, 1, 0)
        at.wait(dt.timedelta(minutes=1))
        assert await at.post() == (0, 1, 0, 0)
        assert len({request.headers["webhook-id"] for request in there.requests}) == 1
        assert len({request.headers["webhook-timestamp"] for request in there.requests}) == 3
        assert all(is_signed(request, at.webhook) for request in there.requests)


async def test_a_post_that_is_refused_keeps_no_other_waiting(database: Database) -> None:
    async with receiver([NO]) as there, desk(database, there) as at:
        await at.happen(20)
        assert await at.post() == (20, 19, 1, 0)


async def test_a_receiver_that_is_down_is_asked_a_few_times_and_not_for_each_post(database: Database) -> None:
    async with receiver([NO] * 99) as there, desk(database, there) as at:
        await at.happen(50)
        assert await at.post() == (50, 0, 4, 0)
        assert await at.post() == (0, 0, 0, 0)
        there.script.clear()
        at.wait(dt.timedelta(minutes=1))
        assert (await at.post())[1] == 50


async def test_a_claimed_post_whose_process_died_is_posted_by_another(database: Database) -> None:
    async with receiver() as there, desk(database, there) as at:
        await at.happen()
        await queue_posts(database, NOW)
        await claim_posts(database, at.webhook.id, NOW, 9)  # and then nothing
        assert await at.post() == (0, 0, 0, 0)
        at.wait(LEASE)
        assert await at.post() == (0, 1, 0, 0)


async def test_processes_that_post_at_once_post_nothing_twice(database: Database) -> None:
    async with receiver() as there, desk(database, there) as at:
        await at.happen(30)
        async with asyncio.timeout(HUNG):
            counts = await asyncio.gather(*(at.poster.post_webhooks() for _ in range(3)))
        assert sum(count.taken for count in counts) == 30
        assert len({request.headers["webhook-id"] for request in there.requests}) == len(there.requests) == 30


async def test_who_takes_nothing_for_days_is_given_up_and_operators_are_told_once(database: Database) -> None:
    async with receiver([NO] * 99) as there, desk(database, there) as at:
        await at.happen(2)
        await at.post()
        at.wait(TRIED)
        assert await at.post() == (0, 0, 0, 2)
        webhook = await find_webhook(database, at.webhook.id)
        assert webhook.reason == "it took nothing for 3 days"
        ((subject, text),) = at.told
        assert subject == "A webhook is disabled: 127.0.0.1"
        assert "/hook" not in text  # the rest of its address may be secret
        await at.happen()
        assert await at.post() == (0, 0, 0, 0)
        there.script.clear()
        await retry_webhook(database, webhook.id, at.now[0])
        assert await at.post() == (1, 3, 0, 0)


async def test_one_post_that_is_never_taken_disables_nothing(database: Database) -> None:
    async with receiver([NO]) as there, desk(database, there) as at:
        await at.happen()
        await at.post()
        at.wait(dt.timedelta(days=1))
        there.script.append(NO)
        await at.post()
        await at.happen()
        await at.post()
        at.wait(TRIED)
        there.script.append(NO)
        assert await at.post() == (0, 0, 0, 1)
        assert (await find_webhook(database, at.webhook.id)).disabled_at is None
        assert at.told == []


async def test_gone_means_gone(database: Database) -> None:
    async with receiver([answer(410)]) as there, desk(database, there) as at:
        await at.happen()
        assert await at.post() == (1, 0, 0, 1)
        assert (await find_webhook(database, at.webhook.id)).reason == "it answered 410 Gone"
        assert len(at.told) == 1
        at.wait(REST)
        assert await at.post() == (0, 0, 0, 0)


async def test_a_test_arrives_and_leaves_no_trace(database: Database) -> None:
    async with receiver() as there, desk(database, there) as at:
        assert (await at.poster.post_test(at.webhook)).code == 200
        (request,) = there.requests
        assert is_signed(request, at.webhook)
        assert json.loads(request.body)["type"] == "webhook.test"
        assert await read_posts(database, at.webhook.id) == []


async def test_one_slow_webhook_does_not_keep_another(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    async with receiver([b""]) as slow, receiver() as quick, desk(database, quick) as at:
        await add_webhook(database, slow.url, [], NOW, random.Random(8))
        await at.happen()
        posting = asyncio.create_task(at.poster.post_webhooks())
        async with asyncio.timeout(HUNG):
            while not quick.requests:
                await asyncio.sleep(0.01)
        assert not posting.done()
        posting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await posting
    assert "/hook" not in caplog.text
