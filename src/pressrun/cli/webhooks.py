"""Verbs on webhooks: add, list, remove, test, retry, posts, show-secret, post."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from pressrun.cli.app import Format, app, workspace_of

if TYPE_CHECKING:
    from pressrun.post_webhooks import PostCount, WebhookPoster
    from pressrun.store.webhook import PostRow
    from pressrun.webhook import Webhook
    from pressrun.webhook_client import Answer
    from pressrun.workspace import Workspace

webhooks = typer.Typer(no_args_is_help=True, help="Post events to other programs: add, list, test, retry, remove.")
app.add_typer(webhooks, name="webhooks")

Id = Annotated[str, typer.Argument(metavar="ID", help="The webhook's id, as list shows it.")]
Shown = Annotated[Format, typer.Option(help="How rows are printed.")]


@webhooks.command()
def add(
    context: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="Where events are posted: https://host/path.")],
    kind: Annotated[
        list[str] | None, typer.Option(metavar="KIND", help="Only this kind of event; may be repeated.")
    ] = None,
) -> None:
    """Post what happens from now on to an address, and print the secret its posts are signed with."""
    workspace = workspace_of(context)
    made = asyncio.run(_add(workspace, url, kind or []))
    typer.echo(f"{made.id} posts to {made.host}")
    typer.echo(_secret(workspace, made))


async def _add(workspace: Workspace, url: str, names: list[str]) -> Webhook:
    import random

    from pressrun.store.database import open_database
    from pressrun.store.webhook import add_webhook
    from pressrun.webhook import check_url, parse_kind

    checked = check_url(url, private=workspace.settings.webhook_private)
    kinds = [parse_kind(name) for name in names]
    async with open_database(workspace.database_url) as database:
        return await add_webhook(database, checked, kinds, dt.datetime.now(dt.UTC), random.SystemRandom())


@webhooks.command("list")
def list_(context: typer.Context, format: Shown = Format.TABLE) -> None:
    """Show the webhooks."""
    from pressrun.cli.rows import print_rows

    print_rows(map(_describe, asyncio.run(_list(workspace_of(context)))), format)


async def _list(workspace: Workspace) -> list[Webhook]:
    from pressrun.store.database import open_database
    from pressrun.store.webhook import list_webhooks

    async with open_database(workspace.database_url) as database:
        return await list_webhooks(database)


def _describe(webhook: Webhook) -> dict[str, object]:
    from pressrun.webhook import TYPES

    return {
        "id": webhook.id,
        "url": webhook.url,
        "kinds": " ".join(TYPES[kind] for kind in webhook.kinds) or "all",
        "state": f"disabled: {webhook.reason}" if webhook.disabled_at else "enabled",
        "created_at": webhook.created_at.isoformat(timespec="seconds"),
    }


@webhooks.command()
def remove(context: typer.Context, webhook_id: Id) -> None:
    """Post nothing more to a webhook, and forget it."""
    asyncio.run(_remove(workspace_of(context), webhook_id))
    typer.echo(f"{webhook_id} is removed")


async def _remove(workspace: Workspace, webhook_id: str) -> None:
    from pressrun.store.database import open_database
    from pressrun.store.webhook import remove_webhook

    async with open_database(workspace.database_url) as database:
        await remove_webhook(database, webhook_id)


@webhooks.command("show-secret")
def show_secret(context: typer.Context, webhook_id: Id) -> None:
    """Print the secret a webhook's posts are signed with."""
    workspace = workspace_of(context)
    typer.echo(_secret(workspace, asyncio.run(_find(workspace, webhook_id))))


def _secret(workspace: Workspace, webhook: Webhook) -> str:
    from pressrun.webhook import secret_of

    return secret_of(webhook.id, workspace.link_keys().newest)


async def _find(workspace: Workspace, webhook_id: str) -> Webhook:
    from pressrun.store.database import open_database
    from pressrun.store.webhook import find_webhook

    async with open_database(workspace.database_url) as database:
        return await find_webhook(database, webhook_id)


@webhooks.command()
def test(context: typer.Context, webhook_id: Id) -> int:
    """Post a sample now, and show the answer."""
    from pressrun.webhook_client import Posted

    answer = asyncio.run(_test(workspace_of(context), webhook_id))
    is_taken = answer.posted is Posted.TAKEN
    said = " ".join(str(part) for part in (answer.code, answer.text) if part)
    typer.echo(f"{'taken' if is_taken else 'not taken'}: {said or 'no text'}", err=not is_taken)
    return 0 if is_taken else 1


async def _test(workspace: Workspace, webhook_id: str) -> Answer:
    from pressrun.store.webhook import find_webhook

    async with _poster(workspace) as poster:
        return await poster.post_test(await find_webhook(poster.database, webhook_id))


@webhooks.command()
def post(context: typer.Context) -> int:
    """Post all that is due, once; `pressrun serve` does so all the time."""
    count = asyncio.run(_post(workspace_of(context)))
    typer.echo(f"{count.taken} posted, {count.put_off} put off, {count.failed} failed")
    return 1 if count.put_off or count.failed else 0


async def _post(workspace: Workspace) -> PostCount:
    async with _poster(workspace) as poster:
        return await poster.post_webhooks()


@webhooks.command()
def retry(context: typer.Context, webhook_id: Id) -> None:
    """Enable a webhook that was disabled, and let what failed or waits be posted next."""
    count = asyncio.run(_retry(workspace_of(context), webhook_id))
    typer.echo(f"{webhook_id} is enabled; {count} to be posted again")


async def _retry(workspace: Workspace, webhook_id: str) -> int:
    from pressrun.store.database import open_database
    from pressrun.store.webhook import retry_webhook

    async with open_database(workspace.database_url) as database:
        return await retry_webhook(database, webhook_id, dt.datetime.now(dt.UTC))


@webhooks.command()
def posts(context: typer.Context, webhook_id: Id, format: Shown = Format.TABLE) -> None:
    """Show a webhook's last 50 posts and how each was answered, the newest first."""
    from pressrun.cli.rows import print_rows

    print_rows(map(_describe_post, asyncio.run(_posts(workspace_of(context), webhook_id))), format)


async def _posts(workspace: Workspace, webhook_id: str) -> list[PostRow]:
    from pressrun.store.database import open_database
    from pressrun.store.webhook import read_posts

    async with open_database(workspace.database_url) as database:
        return await read_posts(database, webhook_id)


def _describe_post(row: PostRow) -> dict[str, object]:
    return {
        "event": row.event_id,
        "kind": row.kind,
        "state": row.state.value,
        "attempts": row.attempts,
        "code": row.code,
        "reply": row.reply,
        "due_at": row.due_at.isoformat(timespec="seconds") if row.due_at else None,
        "updated_at": row.updated_at.isoformat(timespec="seconds"),
    }


@asynccontextmanager
async def _poster(workspace: Workspace) -> AsyncIterator[WebhookPoster]:
    from pressrun.notify import notify
    from pressrun.post_webhooks import WebhookPoster
    from pressrun.store.database import open_database
    from pressrun.webhook_client import open_client

    async def tell(subject: str, text: str) -> None:
        await notify(workspace.settings, subject, text)

    async with (
        open_database(workspace.database_url) as database,
        open_client(private=workspace.settings.webhook_private) as client,
    ):
        keys = workspace.link_keys()
        yield WebhookPoster(database, keys, client, lambda: dt.datetime.now(dt.UTC), tell=tell)
