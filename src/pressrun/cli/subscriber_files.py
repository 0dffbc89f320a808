"""Verbs on files of subscribers: import, and export."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import sys
from contextlib import ExitStack, aclosing
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from pressrun.cli.app import Format, workspace_of
from pressrun.cli.subscribers import Basis, List, OptionalList, subscribers

if TYPE_CHECKING:
    from pressrun.store.subscriber import ImportReport, ImportTerms
    from pressrun.subscriber_file import SubscriberFile
    from pressrun.workspace import Workspace

_FIRST_ROWS = 5
_MOST_PRINTED = 50


class FormatName(StrEnum):
    """The values of FileFormat, which --help need not load."""

    CSV = "csv"
    JSON_LINES = "json-lines"
    LISTMONK = "listmonk"
    MAILCHIMP = "mailchimp"
    SUBSTACK = "substack"
    GHOST = "ghost"


class Others(StrEnum):
    """The values of Standing but for members."""

    LEFT = "left"
    SUPPRESSED = "suppressed"


class WrittenFormat(StrEnum):
    """What can be written."""

    CSV = "csv"
    JSON_LINES = "json-lines"


@subscribers.command("import")
def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, JSON lines, or another program's export.")],
    list_name: List,
    basis: Basis,
    wording: Annotated[str, typer.Option(metavar="TEXT", help="What they were told, as they read it.")] = "",
    source: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Where they come from.  [default: the file's name]")
    ] = None,
    format: Annotated[FormatName | None, typer.Option(help="Whose file it is, where its heading doesn't tell.")] = None,
    skip: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="A column to leave out; may be repeated.")
    ] = None,
    standing: Annotated[
        Others | None, typer.Option("--as", help="Everybody in the file has left, or is never to be mailed.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would happen; change nothing.")] = False,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write each row that isn't taken here, as CSV.")
    ] = None,
) -> int:
    """Put the people of a file on a list; who has left it, is suppressed or was forgotten stays away."""
    from pressrun.attribute import load_attribute_schema
    from pressrun.store.consent import ConsentBasis
    from pressrun.store.subscriber import ImportTerms, Standing
    from pressrun.subscriber_file import FileFormat, open_subscribers

    workspace = workspace_of(context)
    schema = load_attribute_schema(workspace)
    wanted, whole = FileFormat(format) if format else None, Standing(standing) if standing else None
    opened = open_subscribers(file, wanted, schema, skip or (), whole)
    if dry_run:
        _print_preview(opened)
    terms = ImportTerms(list_name, ConsentBasis(basis), source or file.name, wording)
    done = asyncio.run(_import(workspace, opened, terms, dry_run, report))
    _print_report(done, list_name, dry_run)
    _print_rejected(done, file, report)
    return 1 if done.rejected else 0


async def _import(
    workspace: Workspace, file: SubscriberFile, terms: ImportTerms, dry_run: bool, out: Path | None
) -> ImportReport:
    from pressrun.store.database import open_database
    from pressrun.store.subscriber_import import import_subscribers
    from pressrun.subscriber_file import RejectionWriter

    keys, now = workspace.link_keys(), dt.datetime.now(dt.UTC)
    with ExitStack() as stack:
        tell = RejectionWriter(_open_out(stack, out)).write if out else None
        async with open_database(workspace.database_url) as database:
            rows = file.rows()
            return await import_subscribers(database, rows, terms, keys, now, dry_run=dry_run, tell=tell)


def _print_preview(file: SubscriberFile) -> None:
    """What the columns become, and the first people as they would be stored."""
    from pressrun.cli.rows import print_rows
    from pressrun.subscriber_file import Row

    typer.echo(f"format: {file.format}")
    if file.columns:
        print_rows(({"column": column.heading, "becomes": str(column)} for column in file.columns), Format.TABLE)
    people = islice((row for row in file.rows() if isinstance(row, Row)), _FIRST_ROWS)
    shown = [
        {
            "line": row.line,
            "address": row.address.address,
            "name": row.name,
            "attributes": {key: value for key, value in row.attributes.items() if value},
            "tags": ", ".join(row.tags),
            "standing": row.standing.value,
        }
        for row in people
    ]
    typer.echo()
    print_rows(shown, Format.TABLE)
    typer.echo()


def _print_report(report: ImportReport, list_name: str, dry_run: bool) -> None:
    trial = "a trial, nothing was changed: " if dry_run else ""
    counts = f"{report.added} added, {report.updated} updated, {report.unchanged} unchanged"
    typer.echo(f"{trial}{list_name}: {counts}")
    for count, what in (
        (report.departed, "have left by what the file says"),
        (report.barred, "are suppressed by what the file says"),
        (report.left, "had left the list and stay away"),
        (report.suppressed, "are suppressed and stay away"),
        (report.forgotten, "were forgotten and stay away"),
        (report.tagged, "tags were given"),
    ):
        if count:
            typer.echo(f"{count} {what}")


def _print_rejected(report: ImportReport, file: Path, out: Path | None) -> None:
    rows = (*report.rejected, *report.duplicates)
    shown = () if out else rows[:_MOST_PRINTED]
    for row in shown:
        place = f"{file}/{row.file}" if row.file else file
        typer.echo(f"{place}:{row.line}: {row.reason}: {row.text}", err=True)
    if others := len(rows) + report.omitted - len(shown):
        where = f"see {out}" if out else "write them to a file with --report"
        typer.echo(f"{file}: {others} {'more ' if shown else ''}rows were not taken: {where}", err=True)


@subscribers.command()
def export(
    context: typer.Context,
    list_name: OptionalList = None,
    segment: Annotated[
        str | None, typer.Option(metavar="NAME|FILTER", help="Only those in this segment, or for whom this holds.")
    ] = None,
    format: Annotated[WrittenFormat, typer.Option(help="What is written.")] = WrittenFormat.CSV,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="The file; standard output without.")] = None,
) -> None:
    """Write the people of a list or segment, or all, as CSV or JSON lines that import takes back."""
    asyncio.run(_export(workspace_of(context), list_name, segment, format, out))


async def _export(
    workspace: Workspace, list_name: str | None, segment: str | None, format: WrittenFormat, out: Path | None
) -> None:
    from pressrun.segment import find_segment
    from pressrun.store.database import open_database
    from pressrun.store.segment import compile_filter, find_scope
    from pressrun.store.subscribers import has_tags, list_attributes, list_subscribers
    from pressrun.subscriber_file import JsonWriter, SubscriberWriter

    now = dt.datetime.now(dt.UTC)
    term = find_segment(workspace, segment).term if segment else None
    async with open_database(workspace.database_url) as database:
        async with database.read() as connection:
            scope = await find_scope(connection, list_name)
        where = None if term is None else compile_filter(term, now, scope)
        with_tags = await has_tags(database)
        names = await list_attributes(database, list_name, where)
        with ExitStack() as stack:
            stream = _open_out(stack, out) if out else sys.stdout
            is_csv = format is WrittenFormat.CSV
            writer = SubscriberWriter(stream, names, with_tags) if is_csv else JsonWriter(stream)
            async with aclosing(list_subscribers(database, list_name, where)) as people:
                async for person in people:
                    writer.write(person)


def _open_out(stack: ExitStack, out: Path) -> TextIO:
    from pressrun.errors import UsageError

    try:
        return stack.enter_context(open(out, "w", encoding="utf-8", newline="", opener=_open_private))
    except OSError as error:
        raise UsageError(f"{out}: can't be written: {error.strerror}", "name another file") from None


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)  # a new file is for its owner alone: it is full of addresses
