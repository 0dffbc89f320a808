"""Webhooks in the store: which there are, and the queue of what is to be posted to them.

An event is queued once for each webhook, in the transaction that moves the webhook's cursor past it. A post is claimed
for a time: who claims it says how it ended, and if nobody does, it is due again. So a receiver may see one twice.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.errors import UsageError
from pressrun.store.database import Database
from pressrun.store.event import Event, EventKind, numbered_event, settled_event
from pressrun.store.people_tables import events, webhook_posts, webhooks
from pressrun.store.subscribers import insert_into
from pressrun.store.tables import subscribers
from pressrun.webhook import Webhook

LEASE = dt.timedelta(seconds=90)
"""How long a claimed post is left alone: longer than posting takes."""

_AT_ONCE = 10_000  # events queued in one transaction

_GONE = "the event is no longer in the store"


class PostState(StrEnum):
    """Where a post stands."""

    WAITING = "waiting"
    TAKEN = "taken"
    FAILED = "failed"


@dataclass(frozen=True)
class ClaimedPost:
    """A post that is to be tried now, for the `attempts`-th time; `address` is its person's, if there is one."""

    id: int
    event_id: int
    event: Event
    address: str | None
    attempts: int
    created_at: dt.datetime


@dataclass(frozen=True)
class PostRow:
    """A post as its log shows it; moments are UTC."""

    event_id: int
    kind: str | None
    state: PostState
    attempts: int
    code: int | None
    reply: str | None
    due_at: dt.datetime | None
    created_at: dt.datetime
    updated_at: dt.datetime


async def add_webhook(
    database: Database,
    url: str,
    kinds: Sequence[EventKind],
    now: dt.datetime,
    chance: random.Random,
    webhook_id: str | None = None,
) -> Webhook:
    """A webhook for what happens from now on. `url` is fit already: see `check_url`.

    Whoever may ask twice names it by `webhook_id`, see `make_webhook_id`: one that is there already stays as it is.
    """
    async with database.write() as connection:
        last = await settled_event(connection)
        row = {
            "id": webhook_id or make_webhook_id(chance.getrandbits(64)),
            "url": url,
            "kinds": [kind.value for kind in dict.fromkeys(kinds)],
            "last_event": last,
            "created_at": now,
        }
        await connection.execute(insert_into(connection, webhooks).values(row).on_conflict_do_nothing())
        made = await connection.execute(sa.select(webhooks).where(webhooks.c.id == row["id"]))
        return _webhook(made.mappings().one())


def make_webhook_id(number: int) -> str:
    """The id of a webhook, of a number of 64 bits."""
    return f"wh{number:016x}"


async def list_webhooks(database: Database) -> list[Webhook]:
    """All webhooks, the oldest first."""
    async with database.read() as connection:
        found = await connection.execute(sa.select(webhooks).order_by(webhooks.c.created_at, webhooks.c.id))
        return [_webhook(row) for row in found.mappings()]


async def find_webhook(database: Database, webhook_id: str) -> Webhook:
    """The webhook called so. Raises UsageError where there is none."""
    async with database.read() as connection:
        found = await connection.execute(sa.select(webhooks).where(webhooks.c.id == webhook_id))
        row = found.mappings().one_or_none()
    if row is None:
        raise _unknown(webhook_id)
    return _webhook(row)


async def remove_webhook(database: Database, webhook_id: str) -> None:
    """Post nothing more to the webhook, and forget its log. Raises UsageError where there is none."""
    async with database.write() as connection:
        removed = await connection.execute(sa.delete(webhooks).where(webhooks.c.id == webhook_id))
        if not removed.rowcount:
            raise _unknown(webhook_id)


async def disable_webhook(database: Database, webhook_id: str, reason: str, now: dt.datetime) -> bool:
    """Post nothing to the webhook until somebody retries it; whether it was not disabled already."""
    enabled = sa.and_(webhooks.c.id == webhook_id, webhooks.c.disabled_at.is_(None))
    values = {"disabled_at": now, "reason": reason}
    async with database.write() as connection:
        return bool((await connection.execute(sa.update(webhooks).where(enabled).values(values))).rowcount)


async def retry_webhook(database: Database, webhook_id: str, now: dt.datetime) -> int:
    """Enable the webhook, and let all that failed or waits be posted now, tried anew for days: how many posts.

    What happened while it was disabled is queued as soon as posting goes on. Raises UsageError where there is none.
    """
    enable = sa.update(webhooks).where(webhooks.c.id == webhook_id).values(disabled_at=None, reason=None)
    undone = sa.and_(webhook_posts.c.webhook_id == webhook_id, webhook_posts.c.state != PostState.TAKEN.value)
    again = {"state": PostState.WAITING.value, "attempts": 0, "due_at": now, "created_at": now, "updated_at": now}
    async with database.write() as connection:
        if not (await connection.execute(enable)).rowcount:
            raise _unknown(webhook_id)
        return (await connection.execute(sa.update(webhook_posts).where(undone).values(again))).rowcount


async def queue_posts(database: Database, now: dt.datetime) -> int:
    """Queue what happened since, for every webhook that is enabled: how many posts."""
    newest = sa.select(sa.func.coalesce(sa.func.max(events.c.id), 0)).scalar_subquery()
    behind = sa.and_(webhooks.c.disabled_at.is_(None), webhooks.c.last_event < newest)
    async with database.read() as connection:  # as a rule there is nothing to do, and no writer is kept waiting for it
        ids = (await connection.scalars(sa.select(webhooks.c.id).where(behind).order_by(webhooks.c.id))).all()
    return sum([await _queue(database, webhook_id, now) for webhook_id in ids])


async def _queue(database: Database, webhook_id: str, now: dt.datetime) -> int:
    mine = sa.and_(webhooks.c.id == webhook_id, webhooks.c.disabled_at.is_(None))
    async with database.write() as connection:
        # Locked: another process that queues for it waits here, and then finds the cursor moved.
        query = sa.select(webhooks.c.kinds, webhooks.c.last_event).where(mine).with_for_update()
        found = (await connection.execute(query)).one_or_none()
        if found is None:
            return 0
        until = await _until(connection, found.last_event)
        queued = await connection.execute(_queue_statement(connection, webhook_id, found, until, now))
        await connection.execute(sa.update(webhooks).where(mine).values(last_event=until))
        return int(queued.rowcount)


async def _until(connection: AsyncConnection, after: int) -> int:
    """The last event of those to queue now."""
    settled = await settled_event(connection)
    last = sa.select(events.c.id).where(events.c.id > after).order_by(events.c.id).offset(_AT_ONCE - 1).limit(1)
    bound = await connection.scalar(last)
    return max(after, settled if bound is None else min(settled, int(bound)))


def _queue_statement(
    connection: AsyncConnection, webhook_id: str, found: sa.Row[Any], until: int, now: dt.datetime
) -> Any:
    values = {
        "webhook_id": sa.literal(webhook_id),
        "event_id": events.c.id,
        "state": sa.literal(PostState.WAITING.value),
        "attempts": sa.literal(0),
        "due_at": sa.literal(now, webhook_posts.c.due_at.type),
        "created_at": sa.literal(now, webhook_posts.c.created_at.type),
        "updated_at": sa.literal(now, webhook_posts.c.updated_at.type),
    }
    new = sa.select(*values.values()).where(events.c.id > found.last_event, events.c.id <= until).order_by(events.c.id)
    if found.kinds:
        new = new.where(events.c.kind.in_(found.kinds))
    return insert_into(connection, webhook_posts).from_select(list(values), new).on_conflict_do_nothing()


async def webhooks_with_posts(database: Database, now: dt.datetime) -> list[Webhook]:
    """The enabled webhooks to which something is to be posted now."""
    due = sa.exists().where(webhook_posts.c.webhook_id == webhooks.c.id, webhook_posts.c.due_at <= now)
    async with database.read() as connection:
        found = await connection.execute(sa.select(webhooks).where(webhooks.c.disabled_at.is_(None), due))
        return [_webhook(row) for row in found.mappings()]


async def claim_posts(database: Database, webhook_id: str, now: dt.datetime, limit: int) -> list[ClaimedPost]:
    """Up to `limit` posts that are due, the oldest event first; for `LEASE` nobody else gets them."""
    due = sa.and_(webhook_posts.c.webhook_id == webhook_id, webhook_posts.c.due_at <= now)
    first = sa.select(webhook_posts.c.id).where(due).order_by(webhook_posts.c.event_id).limit(limit)
    async with database.write() as connection:
        ids = (await connection.scalars(first.with_for_update(skip_locked=True))).all()
        if not ids:
            return []
        claimed = {"due_at": now + LEASE, "attempts": webhook_posts.c.attempts + 1, "updated_at": now}
        mine = webhook_posts.c.id.in_(ids)
        await connection.execute(sa.update(webhook_posts).where(mine).values(claimed))
        gone = sa.and_(mine, ~sa.exists().where(events.c.id == webhook_posts.c.event_id))
        failed = {"state": PostState.FAILED.value, "due_at": None, "reply": _GONE}  # retention was faster
        await connection.execute(sa.update(webhook_posts).where(gone).values(failed))
        own = [webhook_posts.c[name].label(f"post_{name}") for name in ("id", "attempts", "created_at")]
        query = (
            sa.select(*own, events, subscribers.c.address)
            .join_from(webhook_posts, events, events.c.id == webhook_posts.c.event_id)
            .outerjoin(subscribers, subscribers.c.id == events.c.subscriber_id)
            .where(mine)
            .order_by(events.c.id)
        )
        return [_claimed(row) for row in (await connection.execute(query)).mappings()]


async def settle_post(
    database: Database,
    post_id: int,
    state: PostState,
    now: dt.datetime,
    *,
    code: int | None,
    reply: str,
    due_at: dt.datetime | None = None,
) -> None:
    """Say how a claimed post ended; it waits until `due_at`, or is done with."""
    values = {"state": state.value, "code": code, "reply": reply, "due_at": due_at, "updated_at": now}
    async with database.write() as connection:
        await connection.execute(sa.update(webhook_posts).where(webhook_posts.c.id == post_id).values(values))


async def rest_posts(database: Database, webhook_id: str, now: dt.datetime, until: dt.datetime) -> None:
    """Put off what is due by now for the webhook; what somebody has claimed is theirs."""
    due = sa.and_(webhook_posts.c.webhook_id == webhook_id, webhook_posts.c.due_at <= now)
    async with database.write() as connection:
        await connection.execute(sa.update(webhook_posts).where(due).values(due_at=until))


async def has_taken_since(database: Database, webhook_id: str, since: dt.datetime) -> bool:
    """Whether the webhook took any post since then."""
    taken = sa.and_(webhook_posts.c.webhook_id == webhook_id, webhook_posts.c.state == PostState.TAKEN.value)
    query = sa.select(webhook_posts.c.id).where(taken, webhook_posts.c.updated_at >= since).limit(1)
    async with database.read() as connection:
        return await connection.scalar(query) is not None


async def read_posts(database: Database, webhook_id: str, limit: int = 50) -> list[PostRow]:
    """The webhook's newest posts, the newest first. Raises UsageError where there is no such webhook."""
    await find_webhook(database, webhook_id)
    names = ("event_id", "state", "attempts", "code", "reply", "due_at", "created_at", "updated_at")
    query = (
        sa.select(*(webhook_posts.c[name] for name in names), events.c.kind)
        .outerjoin_from(webhook_posts, events, events.c.id == webhook_posts.c.event_id)
        .where(webhook_posts.c.webhook_id == webhook_id)
        .order_by(webhook_posts.c.event_id.desc())
        .limit(limit)
    )
    async with database.read() as connection:
        found = (await connection.execute(query)).mappings().all()
    return [PostRow(**{**row, "state": PostState(row["state"])}) for row in found]


async def drop_posts(database: Database, before: dt.datetime) -> int:
    """Forget the log of posts that ended before then: how many."""
    done = sa.and_(webhook_posts.c.due_at.is_(None), webhook_posts.c.updated_at < before)
    async with database.read() as connection:
        if await connection.scalar(sa.select(webhook_posts.c.id).where(done).limit(1)) is None:
            return 0
    async with database.write() as connection:
        return int((await connection.execute(sa.delete(webhook_posts).where(done))).rowcount)


def _webhook(row: Mapping[Any, Any]) -> Webhook:
    return Webhook(**{**row, "kinds": tuple(map(EventKind, row["kinds"]))})


def _claimed(row: Mapping[Any, Any]) -> ClaimedPost:
    numbered = numbered_event(row)
    own = (row["address"], row["post_attempts"], row["post_created_at"])
    return ClaimedPost(row["post_id"], numbered.id, numbered.event, *own)


def _unknown(webhook_id: str) -> UsageError:
    return UsageError(f"no webhook is called {webhook_id!r}", "pressrun webhooks list shows which there are")
