"""Verbs that hand work to Prefect: deploy, send-due."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer

from pressrun.cli.app import Format, app, workspace_of


@app.command()
def deploy(
    context: typer.Context,
    format: Annotated[Format, typer.Option(help="How what was done is printed.")] = Format.TABLE,
) -> None:
    """Write the deployments, forms and automations to the Prefect server that PREFECT_API_URL names."""
    from pressrun.cli.rows import print_rows
    from pressrun.orchestration import load_flow

    workspace = workspace_of(context)
    done: list[Any] = asyncio.run(load_flow(workspace, "deploy").deploy(workspace))
    print_rows([{"name": one.name, "change": str(one.change)} for one in done], format)


@app.command("send-due")
def send_due(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be started, and start nothing.")] = False,
) -> int:
    """Start every issue whose time has come, once, by the Prefect flow send-due, here and now; what is left goes on."""
    from pressrun.orchestration import run_flow

    state = asyncio.run(run_flow(workspace_of(context), "due", "send_due", dry_run=dry_run))
    typer.echo(state.message or state.name, err=not state.is_completed())
    return 0 if state.is_completed() else 1
