"""Verbs on one person: show, tag, move, pause, suppress, forget, and all data about them."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from pressrun.cli.app import Format, workspace_of
from pressrun.cli.subscribers import Mailbox, OptionalList, subscribers

if TYPE_CHECKING:
    from pressrun.address import ParsedAddress
    from pressrun.store.database import Database
    from pressrun.store.person import Person

T = TypeVar("T")
SOURCE = "command line"

By = Annotated[str | None, typer.Option(metavar="NAME", help="Who says so, for the record; without, you.")]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why, for the record.")]


@subscribers.command()
def show(
    context: typer.Context,
    address: Mailbox,
    format: Annotated[Format, typer.Option(help="How it is printed.")] = Format.TABLE,
) -> int:
    """Show all that is known of a person and all that happened to them."""
    from pressrun.cli.rows import print_rows

    person = _read(context, address)
    if format is Format.JSON:
        typer.echo(json.dumps(person.to_json(), ensure_ascii=False))
    else:
        print_rows(_lines(person), format)
    return _say_unknown(person)


@subscribers.command()
def data(
    context: typer.Context,
    address: Mailbox,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="The JSON file; standard output without.")] = None,
) -> int:
    """Write all data about a person as JSON, to give to them."""
    from pressrun.cli.private_file import write_private

    person = _read(context, address)
    made = {"made_at": _now().isoformat(timespec="seconds"), **person.to_json()}
    text = json.dumps(made, ensure_ascii=False, indent=2)
    if out is None:
        typer.echo(text)
    else:
        write_private(out, f"{text}\n")
    return _say_unknown(person)


@subscribers.command()
def tag(
    context: typer.Context,
    address: Mailbox,
    tags: Annotated[list[str], typer.Argument(metavar="TAG...", help="The tags.")],
    remove: Annotated[bool, typer.Option("--remove", help="Take them off.")] = False,
) -> None:
    """Put tags on a person, or take them off."""
    from pressrun.store import tag as store

    parsed = _parse(address)
    act = store.untag if remove else store.tag
    changed = _on_person(context, parsed, lambda database, person: act(database, person, tags, _now()))
    done = "untagged" if remove else "tagged"
    typer.echo(f"{parsed}: {done} {', '.join(changed)}" if changed else f"{parsed}: nothing to change")


@subscribers.command()
def move(
    context: typer.Context,
    address: Mailbox,
    new: Annotated[str | None, typer.Argument(metavar="[NEW]", help="Their new address.")] = None,
    from_list: Annotated[str | None, typer.Option("--from", metavar="LIST", help="The list they are on.")] = None,
    to_list: Annotated[str | None, typer.Option("--to", metavar="LIST", help="The list they go to.")] = None,
) -> None:
    """Take a person from one list to another, or give them a new address."""
    from pressrun.errors import UsageError

    if new is not None and from_list is None and to_list is None:
        _change_address(context, _parse(address), _parse(new))
    elif new is None and from_list is not None and to_list is not None:
        _change_list(context, _parse(address), from_list, to_list)
    else:
        raise UsageError("where to isn't clear", "write move ADDRESS NEW, or move ADDRESS --from LIST --to LIST")


def _change_address(context: typer.Context, old: ParsedAddress, new: ParsedAddress) -> None:
    from pressrun.store.move import change_address

    keys = workspace_of(context).link_keys()
    moved = _with_store(context, lambda database: change_address(database, keys, old, new, _now(), SOURCE))
    going = f"; {moved} messages that wait go there" if moved else ""
    typer.echo(f"{old} is {new} from now on{going}")


def _change_list(context: typer.Context, address: ParsedAddress, from_list: str, to_list: str) -> None:
    from pressrun.store.move import move_subscriber

    act = _with_store(context, lambda database: move_subscriber(database, address, from_list, to_list, _now(), SOURCE))
    typer.echo(f"{address} moved from {from_list} to {to_list}{'' if act else ', where they were already'}")


@subscribers.command()
def pause(
    context: typer.Context,
    address: Mailbox,
    until: Annotated[str | None, typer.Option(metavar="DATE", help="The day mail begins again: 2026-12-01.")] = None,
    list_name: OptionalList = None,
    end: Annotated[bool, typer.Option("--end", help="End a pause now.")] = False,
) -> None:
    """Send a person nothing before a day, while they stay on their lists."""
    from pressrun.errors import UsageError
    from pressrun.store import pause as store

    if (until is None) is not end:
        raise UsageError("a pause needs its last day, or its end", "write --until 2026-12-01, or --end")
    moment = _day(until) if until else None
    parsed = _parse(address)

    async def act(database: Database, person: int) -> list[str]:
        if moment is None:
            return await store.resume(database, person, _now(), list_name, SOURCE)
        return await store.pause(database, person, moment, _now(), list_name, SOURCE)

    changed = _on_person(context, parsed, act)
    done = "mail begins again" if end else f"no mail before {until}"
    typer.echo(f"{parsed}: {done}: {', '.join(changed)}" if changed else f"{parsed}: nothing to change")


@subscribers.command()
def suppress(
    context: typer.Context,
    address: Mailbox,
    reason: Reason,
    lift: Annotated[bool, typer.Option("--lift", help="Let the address be mailed again.")] = False,
    by: By = None,
) -> None:
    """Never mail an address again, on whatever list; or lift that."""
    from pressrun.store import suppression as store

    parsed, who = _parse(address), by or _login()
    act = store.lift_suppression if lift else store.suppress
    changed = _with_store(context, lambda database: act(database, parsed, reason, who, _now()))
    state = "mailed again where they are on a list" if lift else "never mailed from now on"
    unchanged = "was not suppressed" if lift else "is suppressed already; the first reason stands"
    typer.echo(f"{parsed} is {state}" if changed else f"{parsed} {unchanged}")


@subscribers.command()
def forget(
    context: typer.Context,
    address: Mailbox,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Erase a person for good; only a keyed hash stays, so that no import brings them back."""
    from pressrun.store.forget import forget as erase

    parsed, keys = _parse(address), workspace_of(context).link_keys()
    if not yes:
        typer.confirm(f"Erase {parsed} and all that is known of them, for good?", abort=True)
    done = _with_store(context, lambda database: erase(database, keys, parsed, _now()))
    known = "forgotten" if done.was_known else "was no subscriber; kept from becoming one by an import"
    typer.echo(f"{parsed}: {known}; {done.scrubbed} rows of the delivery log scrubbed")
    if done.closed:
        typer.echo(f"{done.closed} messages that waited won't leave")
    if done.leaving:
        typer.echo(f"{done.leaving} messages are with a relay at this moment and can't be called back")


def _lines(person: Person) -> Iterator[dict[str, object]]:
    """Facts first, which have no moment of their own; then what happened, in order."""
    yield from (_line(None, what, None, said) for what, said in _facts(person) if said)
    yield from sorted(_happened(person), key=lambda line: str(line["when"]))


def _facts(person: Person) -> Iterator[tuple[str, object]]:
    yield "address", person.address
    yield "name", person.name
    yield "attributes", dict(person.attributes)
    yield "tags", ", ".join(person.tags)
    for one in person.lists:
        paused = f", no mail before {one.paused_until:%Y-%m-%d}" if one.paused_until else ""
        yield "list", f"{one.list}: left" if one.left_at else f"{one.list}: on it{paused}"
    if person.suppression:
        yield "never mailed", person.suppression.reason


def _happened(person: Person) -> Iterator[dict[str, object]]:
    if person.created_at:
        yield _line(person.created_at, "stored", None, "")
    told = {(event.at, event.list) for event in person.events}
    for one in person.lists:
        if (one.joined_at, one.list) not in told:  # an import tells of itself, not of each person
            yield _line(one.joined_at, "joined", one.list, "")
    for given in person.consents:
        said: dict[str, object] = {"basis": str(given.basis), "source": given.source, "wording": given.wording}
        said |= {"form": given.form_version, "network": given.network, "proof": dict(given.proof)}
        yield _line(given.given_at, "consented", given.list, {name: fact for name, fact in said.items() if fact})
        if given.withdrawn_at:
            yield _line(given.withdrawn_at, "consent withdrawn", given.list, "")
    for asked in person.requests:
        yield _line(asked.requested_at, "asked to join", ", ".join(asked.lists), {"network": asked.network})
        if asked.confirmed_at:
            yield _line(asked.confirmed_at, "confirmed", ", ".join(asked.lists), {"network": asked.confirmed_from})
    for event in person.events:
        yield _line(event.at, str(event.kind), event.list or event.issue, dict(event.detail))
    for row in person.deliveries:
        yield _line(row.updated_at, str(row.state), row.issue, " ".join(filter(None, (str(row.code or ""), row.reply))))


def _line(when: dt.datetime | None, what: str, about: str | None, said: object) -> dict[str, object]:
    return {"when": when.isoformat(timespec="seconds") if when else "", "what": what, "about": about, "said": said}


def _say_unknown(person: Person) -> int:
    if person.is_known:
        return 0
    typer.echo(f"nothing is known of {person.address}", err=True)
    return 1


def _read(context: typer.Context, address: str) -> Person:
    from pressrun.store.person import read_person

    parsed, keys = _parse(address), workspace_of(context).link_keys()
    return _with_store(context, lambda database: read_person(database, keys, parsed))


def _on_person(context: typer.Context, address: ParsedAddress, act: Callable[[Database, int], Awaitable[T]]) -> T:
    """What `act` gives for the subscriber with this address. Raises UsageError where there is none."""
    from pressrun.store.person import require_subscriber

    async def run(database: Database) -> T:
        async with database.read() as connection:
            person = await require_subscriber(connection, address)
        return await act(database, person)

    return _with_store(context, run)


def _with_store(context: typer.Context, act: Callable[[Database], Awaitable[T]]) -> T:
    from pressrun.store.database import open_database

    async def run() -> T:
        async with open_database(workspace_of(context).database_url) as database:
            return await act(database)

    return asyncio.run(run())


def _day(text: str) -> dt.datetime:
    """The beginning of a day, in this machine's zone."""
    from pressrun.errors import UsageError

    try:
        return dt.datetime.combine(dt.date.fromisoformat(text), dt.time()).astimezone()
    except ValueError:
        raise UsageError(f"{text!r} is no day", "write it as 2026-12-01") from None


def _parse(address: str) -> ParsedAddress:
    from pressrun.address import AddressError, parse_address
    from pressrun.errors import UsageError

    try:
        return parse_address(address)
    except AddressError as error:
        raise UsageError(f"{address!r} is no mail address: {error}", "write it as name@example.com") from None


def _login() -> str:
    return os.environ.get("USER") or os.environ.get("USERNAME") or "somebody"


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
