"""Webhooks over the API: which there are, added, tried anew and removed. Events are posted to them as they happen."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import Path, Request, Response
from pydantic import Field, StringConstraints

from pressrun.api.guard import call_of, doors_of
from pressrun.api.problem import Fault, RefusalError, invalid, not_found, pointer
from pressrun.api.shape import Incoming, Outgoing
from pressrun.errors import UsageError
from pressrun.store import webhook as store
from pressrun.store.event import EventKind
from pressrun.webhook import Webhook, check_url, secret_of

WebhookId = Annotated[str, Path(min_length=1, max_length=40, description="The webhook's id")]
Url = Annotated[str, StringConstraints(min_length=8, max_length=2_000, pattern=r"^https?://[!-~]+$")]


class WebhookShown(Outgoing):
    """A webhook."""

    id: str
    host: str = Field(description="Where it posts to: the rest of the address may hold a secret")
    kinds: tuple[EventKind, ...] = Field(description="The kinds of events it gets; empty: all")
    created_at: dt.datetime
    disabled_at: dt.datetime | None = Field(description="Since when nothing is posted; null: it is at work")
    reason: str | None = Field(description="Why it is disabled")


class Webhooks(Outgoing):
    """All webhooks."""

    items: list[WebhookShown]


class NewWebhook(Incoming):
    """An address to post events to."""

    url: Url = Field(description="The address, by https", examples=["https://example.com/hooks/pressrun"])
    kinds: list[Annotated[EventKind, Field(strict=False)]] = Field(
        [], max_length=len(EventKind), description="The kinds of events it gets; all without any"
    )


class Secret(Outgoing):
    """What the posts to a webhook are signed with."""

    secret: str


class Retried(Outgoing):
    """How many posts are tried again."""

    posts: int


async def list_webhooks(request: Request) -> Webhooks:
    """Read all webhooks, the oldest first."""
    found = await store.list_webhooks(doors_of(request).database)
    return Webhooks(items=[WebhookShown.model_validate(one) for one in found])


async def add_webhook(request: Request, response: Response, body: NewWebhook) -> WebhookShown:
    """Post what happens from now on to an address. GET its secret to verify what comes.

    Events name addresses, so the key has to be for `logs:read` as well.
    """
    doors = doors_of(request)
    try:
        url = check_url(body.url, private=doors.workspace.settings.webhook_private)
    except UsageError as error:
        raise invalid([Fault(where=pointer("url"), detail=error.message, remedy=error.remedy)]) from None
    # A server may have died after it had made this one: then the same call finds it again.
    name = store.make_webhook_id(call.number) if (call := call_of(request)) else None
    made = await store.add_webhook(doors.database, url, body.kinds, doors.clock(), doors.chance, name)
    response.headers["location"] = f"{request.url.path.rstrip('/')}/{made.id}"
    return WebhookShown.model_validate(made)


async def get_webhook(request: Request, id: WebhookId) -> WebhookShown:
    """Read one webhook."""
    return WebhookShown.model_validate(await _find(request, id))


async def get_webhook_secret(request: Request, id: WebhookId) -> Secret:
    """Read what the posts to a webhook are signed with, for whoever receives them."""
    return Secret(secret=secret_of((await _find(request, id)).id, doors_of(request).keys.newest))


async def retry_webhook(request: Request, id: WebhookId) -> Retried:
    """Enable a webhook, and let all that failed or waits be posted now. As to add one, it takes `logs:read` as well."""
    await _find(request, id)
    return Retried(posts=await store.retry_webhook(doors_of(request).database, id, doors_of(request).clock()))


async def remove_webhook(request: Request, id: WebhookId) -> None:
    """Post nothing more to a webhook, and forget what was."""
    try:
        await store.remove_webhook(doors_of(request).database, id)
    except UsageError:
        raise _unknown(id) from None


async def _find(request: Request, webhook_id: str) -> Webhook:
    try:
        return await store.find_webhook(doors_of(request).database, webhook_id)
    except UsageError:
        raise _unknown(webhook_id) from None


def _unknown(webhook_id: str) -> RefusalError:
    return not_found(f"there is no webhook {webhook_id!r}", "GET /webhooks lists all")
