"""Posts webhooks while the application runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from starlette.routing import BaseRoute

from pressrun.notify import notify
from pressrun.post_webhooks import WebhookPoster
from pressrun.public.background import in_background
from pressrun.public.doors import Doors
from pressrun.webhook_client import WebhookClient, open_client

LOOK = 2.0
"""Seconds between two looks for what is to be posted."""


def routes(doors: Doors) -> Sequence[BaseRoute]:
    """The routes of this door: none."""
    return ()


@asynccontextmanager
async def working(doors: Doors) -> AsyncIterator[None]:
    """Post what is due, every few seconds; a post under way at the end is tried again when its claim has ended."""
    async with (
        open_client(private=doors.workspace.settings.webhook_private) as client,
        in_background("posting webhooks", lambda: _post_on(doors, client)),
    ):
        yield


async def _post_on(doors: Doors, client: WebhookClient) -> None:
    async def tell(subject: str, text: str) -> None:
        await notify(doors.workspace.settings, subject, text)

    poster = WebhookPoster(doors.database, doors.keys, client, doors.clock, doors.chance, tell)
    while True:
        await poster.post_webhooks()
        await asyncio.sleep(LOOK)
