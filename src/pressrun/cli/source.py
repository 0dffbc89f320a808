"""Verbs on source: init, check, schema, settings."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pressrun.cli.app import Format, app, workspace_of


class SchemaName(StrEnum):
    """The kinds of source file that have a schema."""

    ISSUE = "issue"
    ARTICLE = "article"
    PUBLICATION = "publication"


class FindingFormat(StrEnum):
    """How findings are printed."""

    TEXT = "text"
    JSON = "json"


@app.command()
def init(folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")]) -> None:
    """Lay down a working workspace: one small publication, one issue, one list."""
    from pressrun.starter import init as lay_down

    lay_down(folder)
    typer.echo(f"{folder} is ready. Next:\n  cd {folder}\n  pressrun check\n  pressrun demo")


@app.command()
def check(
    context: typer.Context,
    issues: Annotated[list[str] | None, typer.Argument(metavar="[ISSUE]...", help="Issues; all without.")] = None,
    format: Annotated[FindingFormat, typer.Option(help="How findings are printed.")] = FindingFormat.TEXT,
) -> int:
    """Find what is wrong with issues before anyone else sees it."""
    from pressrun.check import check as check_folder
    from pressrun.finding import count_errors, count_of, in_order

    workspace = workspace_of(context)
    folders = [workspace.issue_folder(name) for name in issues] if issues else workspace.issue_folders()
    findings = in_order(finding for folder in folders for finding in check_folder(folder, workspace))
    for finding in findings:
        typer.echo(finding.model_dump_json() if format is FindingFormat.JSON else str(finding))
    if format is FindingFormat.TEXT:
        errors = count_errors(findings)
        found = f"{count_of(errors, 'error')}, {count_of(len(findings) - errors, 'warning')}"
        typer.echo(f"{count_of(len(folders), 'issue')} checked: {found}", err=True)
    return 1 if count_errors(findings) else 0


@app.command()
def schema(kind: Annotated[SchemaName, typer.Argument(help="The kind of source file.")]) -> None:
    """Print the JSON Schema of a kind of source file."""
    from pressrun.source.schema import schema as schema_of

    typer.echo(schema_of(kind.value), nl=False)


@app.command()
def settings(
    context: typer.Context,
    format: Annotated[Format, typer.Option(help="How they are printed.")] = Format.TABLE,
) -> None:
    """Show the settings that hold, secrets masked, and where each came from."""
    from dataclasses import asdict

    from pressrun.cli.rows import print_rows
    from pressrun.settings import describe_settings

    print_rows([asdict(setting) for setting in describe_settings(workspace_of(context).root)], format)
