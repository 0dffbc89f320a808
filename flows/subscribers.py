"""import-subscribers: put the people of a file on a list."""

from __future__ import annotations

import datetime as dt
import difflib
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger
from prefect.artifacts import acreate_table_artifact
from prefect.states import Completed, Failed, State

from flows.blocks import open_with_secrets
from pressrun.attribute import load_attribute_schema
from pressrun.delivery.table import unlinked
from pressrun.errors import PressrunError, UsageError
from pressrun.store.consent import ConsentBasis
from pressrun.store.database import open_database
from pressrun.store.subscriber import ImportReport, ImportTerms
from pressrun.store.subscriber_import import import_subscribers as import_rows
from pressrun.subscriber_file import read_subscribers
from pressrun.workspace import Workspace

_SUFFIXES = frozenset({".csv", ".jsonl", ".zip"})

MOST_SHOWN = 200
"""How many rows that were not taken the artifact shows."""


@flow(
    name="import-subscribers",
    flow_run_name="{file} → {list_name}",
    description="""Puts the people of a file on a list, which is made if there is none.

It asks for a file in the workspace's folder `subscribers/`, on the machine of the worker: CSV with a header, JSON
lines, or an export of listmonk, Mailchimp, Substack or Ghost; and on what basis those who are new may be mailed. Import
it as often as you like: a second time changes nothing, and who has left the list, is suppressed or was forgotten stays
away.
A trial shows what would happen, and changes nothing.

**When it fails**, its state says why. Rows that could not be taken end the run as `FellShort`; the others are in, and
the artifact shows which lines they were.""",
)
async def import_subscribers(
    file: str, list_name: str, basis: ConsentBasis, wording: str = "", source: str = "", dry_run: bool = False
) -> State[Any]:
    """Import; the artifact shows the lines that could not be taken, never an address.

    Args:
        file: The file, such as field-notes.csv; in the workspace's folder subscribers/.
        list_name: The list the people are put on.
        basis: On what basis those who are new may be mailed.
        wording: What they were told when they agreed, as they read it.
        source: Where they come from; without, the file's name.
        dry_run: Only try it: say what would happen, and change nothing.
    """
    try:
        workspace = await open_with_secrets()
        found = find_file(workspace, file)
        rows = read_subscribers(found, load_attribute_schema(workspace))
        terms = ImportTerms(list_name, basis, source or found.name, wording)
        keys, now = workspace.link_keys(), dt.datetime.now(dt.UTC)
        async with open_database(workspace.database_url) as database:
            report = await import_rows(database, rows, terms, keys, now, dry_run=dry_run)
    except PressrunError as error:
        return Failed(message=str(error))
    await _show_rejected(report, list_name)
    told = f"a trial, nothing was changed: {describe_import(report)}" if dry_run else describe_import(report)
    get_run_logger().info("%s: %s", list_name, told)
    if report.rejected:
        return Failed(name="FellShort", message=told)
    return Completed(message=told)


def find_file(workspace: Workspace, name: str) -> Path:
    """The file `name` in subscribers/. Raises UsageError for any other: a form must not open just any file."""
    folder = (workspace.root / "subscribers").resolve()
    file = (folder / name.removeprefix("subscribers/")).resolve()
    if file.is_relative_to(folder) and file.is_file():
        return file
    known = sorted(one.name for one in folder.glob("*") if one.suffix in _SUFFIXES)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known) or 'none'}"
    raise UsageError(f"there is no file {name} in subscribers/", hint)


def describe_import(report: ImportReport) -> str:
    """What became of the rows, in a line."""
    counts = {
        "added": report.added,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "have left by what the file says": report.departed,
        "are suppressed by what the file says": report.barred,
        "had left and stay away": report.left,
        "are suppressed and stay away": report.suppressed,
        "were forgotten and stay away": report.forgotten,
        "not taken": len(report.rejected),
        "doubled": len(report.duplicates),
        "more not taken or doubled": report.omitted,
    }
    return ", ".join(f"{count:,} {what}" for what, count in counts.items() if count) or "the file has no rows"


async def _show_rejected(report: ImportReport, list_name: str) -> None:
    """Lines and reasons; the text of a row is somebody's address, and stays in the file."""
    rows = [{"line": row.line, "why": unlinked(row.reason)} for row in (*report.rejected, *report.duplicates)]
    if rows:
        shown = f"{len(rows):,} rows were not taken for {list_name}" + (
            f"; the first {MOST_SHOWN}" if len(rows) > MOST_SHOWN else ""
        )
        await acreate_table_artifact(rows[:MOST_SHOWN], key="import-subscribers", description=shown)
