"""Posts to webhooks what is due: queues what happened, tries each post, tells of what is given up."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum

from pressrun.link_keys import LinkKeys
from pressrun.store.database import Database
from pressrun.store.webhook import (
    ClaimedPost,
    PostState,
    claim_posts,
    disable_webhook,
    drop_posts,
    has_taken_since,
    queue_posts,
    rest_posts,
    settle_post,
    webhooks_with_posts,
)
from pressrun.webhook import TRIED, Webhook, message_id_of, next_post, sign, write_body, write_test_body
from pressrun.webhook_client import Answer, Posted, WebhookClient

AT_ONCE = 4
"""How many posts one webhook is sent at a time."""

REST = dt.timedelta(minutes=1)
"""How long a webhook is left alone that took nothing, where none of its posts is tried again."""

KEPT = dt.timedelta(days=30)
"""How long the log says what became of a post."""

Tell = Callable[[str, str], Awaitable[object]]
"""Tells operators something: a subject and a text."""

_log = logging.getLogger(__name__)


class Ended(StrEnum):
    """How a post was done with."""

    TAKEN = "taken"
    FAILED = "failed"


@dataclass
class PostCount:
    """How many posts were queued, taken, put off, and given up."""

    queued: int = 0
    taken: int = 0
    put_off: int = 0
    failed: int = 0


async def _tell_nobody(subject: str, text: str) -> None:
    pass


@dataclass
class WebhookPoster:
    """What posting needs. Several may work on one store at a time: a post is claimed before it is tried."""

    database: Database
    keys: LinkKeys
    client: WebhookClient
    clock: Callable[[], dt.datetime]
    chance: random.Random = field(default_factory=random.SystemRandom)
    tell: Tell = _tell_nobody

    async def post_webhooks(self) -> PostCount:
        """Queue what happened, and post all that is due; each webhook's posts at its own pace, beside the others'.

        Raises StoreError; whatever a receiver does is counted.
        """
        count = PostCount(queued=await queue_posts(self.database, self.clock()))
        try:
            async with asyncio.TaskGroup() as group:
                for webhook in await webhooks_with_posts(self.database, self.clock()):
                    group.create_task(self._work_off(webhook, count))
        except ExceptionGroup as failed:
            raise _first_of(failed) from None
        await drop_posts(self.database, self.clock() - KEPT)
        return count

    async def post_test(self, webhook: Webhook) -> Answer:
        """Post a sample to `webhook`, of which nothing is logged."""
        now = self.clock()
        body = write_test_body(now)
        message_id = f"msg_{webhook.id}_test{self.chance.getrandbits(48):012x}"
        return await self.client.post(webhook.url, sign(webhook.id, self.keys, message_id, now, body), body)

    async def _work_off(self, webhook: Webhook, count: PostCount) -> None:
        """Post until nothing is due. Where it takes none of several, the rest waits as long as the first of them."""
        while posts := await claim_posts(self.database, webhook.id, self.clock(), AT_ONCE):
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._post(webhook, post, count)) for post in posts]
            ended = [task.result() for task in tasks]
            if Ended.TAKEN in ended:
                continue
            now = self.clock()
            again = [due_at for due_at in ended if isinstance(due_at, dt.datetime)]
            await rest_posts(self.database, webhook.id, now, min(again, default=now + REST))
            return

    async def _post(self, webhook: Webhook, post: ClaimedPost, count: PostCount) -> Ended | dt.datetime:
        """Try once: how it ended, or when it is tried again."""
        now = self.clock()
        body = write_body(post.event, post.address)
        headers = sign(webhook.id, self.keys, message_id_of(webhook.id, post.event_id), now, body)
        answer = await self.client.post(webhook.url, headers, body)
        match answer.posted:
            case Posted.TAKEN:
                count.taken += 1
                await self._settle(post, PostState.TAKEN, answer)
                return Ended.TAKEN
            case Posted.GONE:
                await self._fail(post, answer, count)
                await self._give_up(webhook, "it answered 410 Gone")
            case Posted.REFUSED:
                due_at = next_post(self.clock(), post.attempts, post.created_at, self.chance, answer.asked)
                if due_at is not None:
                    count.put_off += 1
                    await self._settle(post, PostState.WAITING, answer, due_at)
                    return due_at
                await self._fail(post, answer, count)
                if not await has_taken_since(self.database, webhook.id, post.created_at):
                    await self._give_up(webhook, f"it took nothing for {TRIED.days} days")
        return Ended.FAILED

    async def _fail(self, post: ClaimedPost, answer: Answer, count: PostCount) -> None:
        count.failed += 1
        await self._settle(post, PostState.FAILED, answer)

    async def _settle(
        self, post: ClaimedPost, state: PostState, answer: Answer, due_at: dt.datetime | None = None
    ) -> None:
        now = self.clock()
        await settle_post(self.database, post.id, state, now, code=answer.code, reply=answer.text, due_at=due_at)

    async def _give_up(self, webhook: Webhook, why: str) -> None:
        if not await disable_webhook(self.database, webhook.id, why, self.clock()):
            return
        _log.warning("webhook %s at %s is disabled: %s", webhook.id, webhook.host, why)
        text = (
            f"Nothing more is posted to the webhook {webhook.id} at {webhook.host}: {why}.\n\n"
            f"Once it works again, pressrun webhooks retry {webhook.id} posts what it missed."
        )
        await self.tell(f"A webhook is disabled: {webhook.host}", text)


def _first_of(group: BaseExceptionGroup[Exception]) -> Exception:
    first = group.exceptions[0]
    return _first_of(first) if isinstance(first, BaseExceptionGroup) else first
