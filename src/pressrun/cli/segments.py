"""Verbs on segments: list, show, check."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pressrun.cli.app import Format, app, workspace_of

if TYPE_CHECKING:
    from pressrun.segment import Segment
    from pressrun.workspace import Workspace

segments = typer.Typer(no_args_is_help=True)
app.add_typer(segments, name="segments", help="Look at segments: filters over subscribers, saved by name.")


@segments.command("list")
def list_segments(
    context: typer.Context,
    format: Annotated[Format, typer.Option(help="How rows are printed.")] = Format.TABLE,
) -> None:
    """Show the segments that the workspace has saved."""
    from pressrun.cli.rows import print_rows
    from pressrun.segment import SEGMENTS_FILE, load_segments

    found = load_segments(workspace_of(context)).values()
    print_rows([{"segment": one.name, "filter": one.filter, "description": one.description} for one in found], format)
    if format is Format.TABLE and not found:
        typer.echo(f"none is saved: write them into {SEGMENTS_FILE}, see docs/segments.md")


@segments.command()
def show(
    context: typer.Context,
    segment: Annotated[str, typer.Argument(metavar="SEGMENT", help="A segment's name, or a filter in quotes.")],
    list_name: Annotated[
        str | None, typer.Option("--list", metavar="LIST", help="Only members of this list; all people without.")
    ] = None,
    sample: Annotated[int, typer.Option(min=0, max=1000, help="How many of its people to show, by chance.")] = 0,
    seed: Annotated[int | None, typer.Option(help="Draws the same sample again.")] = None,
    format: Annotated[Format, typer.Option(help="How rows are printed.")] = Format.TABLE,
) -> None:
    """Tell how many people a segment has, before it is used, and show a sample of them."""
    from pressrun.cli.rows import print_rows
    from pressrun.segment import find_segment

    workspace = workspace_of(context)
    found = find_segment(workspace, segment)
    size, people = asyncio.run(_look(workspace, found, list_name, sample, random.Random(seed)))
    named = found.name or "this filter"
    of = f"{list_name}" if list_name else "the store"
    if format is Format.TABLE:
        typer.echo(f"{named}: {size:,} {'person' if size == 1 else 'people'} of {of}")
        typer.echo(f"  {found.told}")
        print_rows(people, format)
    elif sample:
        print_rows(people, format)
    else:
        print_rows([{"segment": found.name, "filter": found.told, "list": list_name, "people": size}], format)


async def _look(
    workspace: Workspace, segment: Segment, list_name: str | None, sample: int, chance: random.Random
) -> tuple[int, list[dict[str, Any]]]:
    from pressrun.store.database import open_database
    from pressrun.store.segment import sample_segment, size_segment

    now = dt.datetime.now(dt.UTC)
    async with open_database(workspace.database_url) as database:
        size = await size_segment(database, segment.term, now, list_name)
        people = await sample_segment(database, segment.term, now, sample, chance, list_name) if sample else []
    return size, [dict(person) for person in people]


@segments.command()
def check(context: typer.Context) -> int:
    """Find what is wrong with the saved segments; exit status 1 where something is."""
    from pressrun.finding import count_of
    from pressrun.segment import read_segments

    workspace = workspace_of(context)
    read = read_segments(workspace.root)
    for finding in read.findings:
        typer.echo(str(finding.relative_to(workspace.root)))
    typer.echo(f"{count_of(len(read.segments), 'segment')}, {count_of(len(read.findings), 'error')}", err=True)
    return 1 if read.findings else 0
