"""Verbs on source: init, check, schema, settings."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pressrun.cli.app import Format, app, workspace_of

if TYPE_CHECKING:
    from pressrun.finding import Finding


class SchemaName(StrEnum):
    """What has a schema: the kinds of source file, and the REST API."""

    ISSUE = "issue"
    ARTICLE = "article"
    PUBLICATION = "publication"
    API = "api"


class FindingFormat(StrEnum):
    """How findings are printed."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


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
    online: Annotated[bool, typer.Option("--online", help="Ask the links' sites, too.")] = False,
    info: Annotated[bool, typer.Option("--info", help="Tell what is only good to know, too.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="End with 1 where there are warnings.")] = False,
    rules: Annotated[bool, typer.Option("--rules", help="List the rules instead.")] = False,
) -> int:
    """Find what is wrong with issues before anyone else sees it."""
    from pressrun.check import RULES, review
    from pressrun.check.online import Asker
    from pressrun.finding import Severity, count_errors, count_warnings, in_order

    if rules:
        for rule in RULES.values():
            typer.echo(f"{rule.id:24} {rule.severity:8} {rule.says}")
        return 0
    workspace = workspace_of(context)
    folders = [workspace.issue_folder(name) for name in issues] if issues else workspace.issue_folders()
    asker = Asker() if online else None
    reviews = [review(folder, workspace, asker) for folder in folders]
    findings = in_order(finding for one in reviews for finding in one.findings)
    _print_findings([one for one in findings if info or one.severity is not Severity.INFO], format)
    if format is FindingFormat.TEXT:
        typer.echo(_tell_checked(len(folders), findings, sum(one.silenced for one in reviews), info), err=True)
    return 1 if count_errors(findings) or (strict and count_warnings(findings)) else 0


def _print_findings(findings: Sequence[Finding], format: FindingFormat) -> None:
    for finding in findings:
        match format:
            case FindingFormat.TEXT:
                typer.echo(str(finding))
            case FindingFormat.JSON:
                typer.echo(finding.model_dump_json())
            case FindingFormat.GITHUB:
                typer.echo(finding.as_annotation())


def _tell_checked(issues: int, findings: Sequence[Finding], silenced: int, info: bool) -> str:
    """What was found, in a line."""
    from pressrun.finding import count_errors, count_of, count_warnings

    errors, warnings = count_errors(findings), count_warnings(findings)
    told = [count_of(errors, "error"), count_of(warnings, "warning")]
    told += [f"{silenced} silenced"] if silenced else []
    if more := len(findings) - errors - warnings:
        told.append(f"{more} good to know" + ("" if info else " (--info shows them)"))
    return f"{count_of(issues, 'issue')} checked: {', '.join(told)}"


@app.command()
def schema(kind: Annotated[SchemaName, typer.Argument(help="What is described.")]) -> None:
    """Print the JSON Schema of a kind of source file, or the description of the REST API (OpenAPI)."""
    if kind is SchemaName.API:
        from pressrun.api.app import make_app
        from pressrun.api.description import describe, to_text

        typer.echo(to_text(describe(make_app())), nl=False)
        return
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
