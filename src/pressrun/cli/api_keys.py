"""Verbs on the keys of the REST API: add, list, revoke."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Annotated

import typer

from pressrun.cli.app import Format, app, workspace_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pressrun.store.api_key import ApiKey, ApiScope
    from pressrun.workspace import Workspace

api_keys = typer.Typer(no_args_is_help=True, help="Make, list and revoke keys of the REST API.")
app.add_typer(api_keys, name="api-keys")


@api_keys.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the key is for, such as the program's name.")],
    scope: Annotated[list[str], typer.Option(metavar="SCOPE", help="What it may do; may be repeated.")],
    days: Annotated[int | None, typer.Option(min=1, max=3650, help="Days after which it opens nothing.")] = None,
) -> None:
    """Make a key and print it: this once, as the store keeps only its hash."""
    key, text = asyncio.run(_add(workspace_of(context), name, [_parse(one) for one in scope], days))
    until = f", until {key.expires_at:%Y-%m-%d %H:%M} UTC" if key.expires_at else ""
    typer.echo(f"{key.id} is for {', '.join(sorted(key.scopes))}{until}; keep this, it is not shown again:", err=True)
    typer.echo(text)


def _parse(text: str) -> ApiScope:
    import difflib

    from pressrun.errors import UsageError
    from pressrun.store.api_key import ApiScope

    try:
        return ApiScope(text)
    except ValueError:
        near = difflib.get_close_matches(text, list(ApiScope), n=1)
        remedy = f"did you mean {near[0]}?" if near else f"known: {', '.join(ApiScope)}"
        raise UsageError(f"no scope is called {text!r}", remedy) from None


async def _add(workspace: Workspace, name: str, scopes: Sequence[ApiScope], days: int | None) -> tuple[ApiKey, str]:
    from pressrun.store.api_key import add_api_key
    from pressrun.store.database import open_database

    now = dt.datetime.now(dt.UTC)
    until = now + dt.timedelta(days=days) if days else None
    async with open_database(workspace.database_url) as database:
        return await add_api_key(database, name, scopes, now, until)


@api_keys.command("list")
def list_(
    context: typer.Context,
    format: Annotated[Format, typer.Option(help="How rows are printed.")] = Format.TABLE,
) -> None:
    """Show all keys, revoked and expired ones too; none of them can be read again."""
    from pressrun.cli.rows import print_rows

    now = dt.datetime.now(dt.UTC)
    print_rows([_row(key, now) for key in asyncio.run(_list(workspace_of(context)))], format)


async def _list(workspace: Workspace) -> Sequence[ApiKey]:
    from pressrun.store.api_key import list_api_keys
    from pressrun.store.database import open_database

    async with open_database(workspace.database_url) as database:
        return await list_api_keys(database)


def _row(key: ApiKey, now: dt.datetime) -> dict[str, object]:
    state = "revoked" if key.revoked_at else "good" if key.is_good(now) else "expired"
    moments = {name: getattr(key, name) for name in ("created_at", "expires_at", "used_at", "revoked_at")}
    told = {name: moment and moment.isoformat(timespec="seconds") for name, moment in moments.items()}
    return {"id": key.id, "name": key.name, "state": state, "scopes": " ".join(sorted(key.scopes)), **told}


@api_keys.command()
def revoke(
    context: typer.Context, key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id, as list shows it.")]
) -> None:
    """Let a key open nothing from now on."""
    key = asyncio.run(_revoke(workspace_of(context), key_id))
    typer.echo(f"{key.id} ({key.name}) opens nothing any more")


async def _revoke(workspace: Workspace, key_id: str) -> ApiKey:
    from pressrun.store.api_key import revoke_api_key
    from pressrun.store.database import open_database

    async with open_database(workspace.database_url) as database:
        return await revoke_api_key(database, key_id, dt.datetime.now(dt.UTC))
