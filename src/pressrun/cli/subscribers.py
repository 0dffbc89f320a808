"""Verbs on subscribers: add, list, remove."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from contextlib import aclosing
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from pressrun.cli.app import Format, app, workspace_of

if TYPE_CHECKING:
    from pressrun.address import ParsedAddress
    from pressrun.store.consent import Consent
    from pressrun.workspace import Workspace

subscribers = typer.Typer(no_args_is_help=True, help="Import, add, list, export and remove subscribers.")
app.add_typer(subscribers, name="subscribers")

List = Annotated[str, typer.Option("--list", metavar="LIST", help="The list.")]
OptionalList = Annotated[str | None, typer.Option("--list", metavar="LIST", help="Only this list.")]
Mailbox = Annotated[str, typer.Argument(metavar="ADDRESS", help="The mail address.")]


class BasisName(StrEnum):
    """The values of ConsentBasis, which --help need not load."""

    DOUBLE_OPT_IN = "double-opt-in"
    SINGLE_OPT_IN = "single-opt-in"
    WRITTEN = "written"
    CONTRACT = "contract"
    INTEREST = "legitimate-interest"
    UNKNOWN = "unknown"


Basis = Annotated[BasisName, typer.Option(help="On what basis those who are new may be mailed.")]


@subscribers.command()
def add(
    context: typer.Context,
    address: Mailbox,
    list_name: List,
    name: Annotated[str | None, typer.Option(help="The person's name.")] = None,
    attribute: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="An attribute; may be repeated.")
    ] = None,
    basis: Basis = BasisName.UNKNOWN,
    wording: Annotated[str, typer.Option(metavar="TEXT", help="What they were told, as they read it.")] = "",
    source: Annotated[str, typer.Option(metavar="TEXT", help="How they came.")] = "command line",
) -> None:
    """Put a person on a list, also one who had left it."""
    from pressrun.store.consent import Consent, ConsentBasis

    workspace = workspace_of(context)
    attributes = _read_attributes(workspace, attribute or ())
    now = dt.datetime.now(dt.UTC)
    consent = Consent(list_name, ConsentBasis(basis), source, now, wording)
    joined = asyncio.run(_add(workspace, _parse(address), name, attributes, consent))
    typer.echo(f"{address}: {joined} on {list_name}" if joined != "added" else f"{address}: added to {list_name}")


async def _add(
    workspace: Workspace, address: ParsedAddress, name: str | None, attributes: dict[str, str], consent: Consent
) -> str:
    from pressrun.errors import UsageError
    from pressrun.store.database import open_database
    from pressrun.store.forget import is_forgotten
    from pressrun.store.subscribers import add_subscriber

    async with open_database(workspace.database_url) as database:
        async with database.read() as connection:
            if await is_forgotten(connection, workspace.link_keys(), address.key):
                what = f"{address} was forgotten, as they asked"
                raise UsageError(what, "only they can come back: by the subscribe form and its confirmation")
        now = consent.given_at
        return str(await add_subscriber(database, address, name, attributes, consent.list, now, consent))


def _read_attributes(workspace: Workspace, given: Sequence[str]) -> dict[str, str]:
    """KEY=VALUE as the workspace's schema has it. Raises UsageError."""
    from pressrun.attribute import load_attribute_schema
    from pressrun.errors import UsageError

    unfit = [text for text in given if "=" not in text]
    if unfit:
        raise UsageError(f"{unfit[0]!r} is no attribute", "write --attribute city=Leeds")
    schema = load_attribute_schema(workspace)
    attributes, faults = schema.clean(dict(text.split("=", 1) for text in given), whole=True)
    if faults:
        raise UsageError(faults[0].message, faults[0].remedy)
    return attributes


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
