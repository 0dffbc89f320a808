"""Verbs on subscribers: import, add, list, export, remove."""

from __future__ import annotations

import asyncio
import datetime as dt
import sys
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pressrun.cli.app import Format, app, workspace_of

if TYPE_CHECKING:
    from pressrun.address import ParsedAddress
    from pressrun.store.subscriber import ImportReport
    from pressrun.workspace import Workspace

subscribers = typer.Typer(no_args_is_help=True, help="Import, add, list, export and remove subscribers.")
app.add_typer(subscribers, name="subscribers")

List = Annotated[str, typer.Option("--list", metavar="LIST", help="The list.")]
OptionalList = Annotated[str | None, typer.Option("--list", metavar="LIST", help="Only this list.")]
Mailbox = Annotated[str, typer.Argument(metavar="ADDRESS", help="The mail address.")]


@subscribers.command("import")
def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV with a header: email, name, any attributes.")],
    list_name: List,
) -> int:
    """Put the people of a CSV file on a list; who has left it stays away."""
    from pressrun.subscriber_file import read_subscribers

    report = asyncio.run(_import(workspace_of(context), read_subscribers(file), list_name))
    typer.echo(f"{list_name}: {report.added} added, {report.updated} updated, {report.unchanged} unchanged")
    if report.left:
        typer.echo(f"{report.left} had left the list and stay away")
    for row in (*report.rejected, *report.duplicates):
        typer.echo(f"{file}:{row.line}: {row.reason}: {row.text}", err=True)
    return 1 if report.rejected else 0


async def _import(workspace: Workspace, rows: object, list_name: str) -> ImportReport:
    from pressrun.store.database import open_database
    from pressrun.store.subscriber_import import import_subscribers

    async with open_database(workspace.database_url) as database:
        return await import_subscribers(database, rows, list_name, dt.datetime.now(dt.UTC))  # type: ignore[arg-type]


@subscribers.command()
def add(
    context: typer.Context,
    address: Mailbox,
    list_name: List,
    name: Annotated[str | None, typer.Option(help="The person's name.")] = None,
    attribute: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="An attribute; may be repeated.")
    ] = None,
) -> None:
    """Put a person on a list, also one who had left it."""
    from pressrun.errors import UsageError

    unfit = [text for text in attribute or () if "=" not in text]
    if unfit:
        raise UsageError(f"{unfit[0]!r} is no attribute", "write --attribute city=Leeds")
    attributes = dict(text.split("=", 1) for text in attribute or ())
    joined = asyncio.run(_add(workspace_of(context), _parse(address), name, attributes, list_name))
    typer.echo(f"{address}: {joined} on {list_name}" if joined != "added" else f"{address}: added to {list_name}")


async def _add(
    workspace: Workspace, address: ParsedAddress, name: str | None, attributes: dict[str, str], list_name: str
) -> str:
    from pressrun.store.database import open_database
    from pressrun.store.subscribers import add_subscriber

    async with open_database(workspace.database_url) as database:
        return str(await add_subscriber(database, address, name, attributes, list_name, dt.datetime.now(dt.UTC)))


@subscribers.command("list")
def list_(
    context: typer.Context,
    list_name: OptionalList = None,
    format: Annotated[Format, typer.Option(help="How rows are printed.")] = Format.TABLE,
) -> None:
    """Show the lists and how many people are on each, or with --list the people."""
    from pressrun.cli.rows import print_rows

    print_rows(asyncio.run(_list(workspace_of(context), list_name)), format)


async def _list(workspace: Workspace, list_name: str | None) -> list[dict[str, object]]:
    from pressrun.store.database import open_database
    from pressrun.store.subscribers import count_lists, list_subscribers

    async with open_database(workspace.database_url) as database:
        if list_name is None:
            return [{"list": found.name, "members": found.members} for found in await count_lists(database)]
        async with aclosing(list_subscribers(database, list_name)) as people:
            return [
                {
                    "address": person.address,
                    "name": person.name,
                    "attributes": dict(person.attributes),
                    "joined_at": person.joined_at.isoformat(timespec="seconds"),
                }
                async for person in people
            ]


@subscribers.command()
def export(
    context: typer.Context,
    list_name: OptionalList = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="The CSV file; standard output without.")] = None,
) -> None:
    """Write the people of a list, or all, as CSV that import takes back."""
    asyncio.run(_export(workspace_of(context), list_name, out))


async def _export(workspace: Workspace, list_name: str | None, out: Path | None) -> None:
    from pressrun.errors import UsageError
    from pressrun.store.database import open_database
    from pressrun.store.subscribers import list_attributes, list_subscribers
    from pressrun.subscriber_file import SubscriberWriter

    async with open_database(workspace.database_url) as database:
        names = await list_attributes(database, list_name)
        try:
            stream = out.open("w", encoding="utf-8", newline="") if out else sys.stdout
        except OSError as error:
            raise UsageError(f"{out}: can't be written: {error.strerror}", "name another file") from None
        try:
            writer = SubscriberWriter(stream, names)
            async with aclosing(list_subscribers(database, list_name)) as people:
                async for person in people:
                    writer.write(person)
        finally:
            if out:
                stream.close()


@subscribers.command()
def remove(context: typer.Context, address: Mailbox, list_name: List) -> int:
    """Let a person leave a list; no import brings them back."""
    if asyncio.run(_remove(workspace_of(context), _parse(address), list_name)):
        typer.echo(f"{address} has left {list_name}")
        return 0
    typer.echo(f"{address} is not on {list_name}", err=True)
    return 1


async def _remove(workspace: Workspace, address: ParsedAddress, list_name: str) -> bool:
    from pressrun.store.database import open_database
    from pressrun.store.subscribers import remove_subscriber

    async with open_database(workspace.database_url) as database:
        return await remove_subscriber(database, address, list_name, dt.datetime.now(dt.UTC))


def _parse(address: str) -> ParsedAddress:
    from pressrun.address import AddressError, parse_address
    from pressrun.errors import UsageError

    try:
        return parse_address(address)
    except AddressError as error:
        raise UsageError(f"{address!r} is no mail address: {error}", "write it as name@example.com") from None
