"""The verb that renders an issue as mail, for a person to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pressrun.cli.app import app, workspace_of


@app.command()
def render(
    context: typer.Context,
    issue: Annotated[str, typer.Argument(metavar="ISSUE", help="publication/issue, or issue.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where email.html, email.txt, message.eml are written.")],
) -> int:
    """Render an issue as mail: HTML, plain text, and the message a sample reader would get."""
    from pressrun.render.mail import BUDGET_OCTETS, LIMIT_OCTETS
    from pressrun.render.sample import write_sample
    from pressrun.render.source import render_issue, tell_heaviest

    workspace = workspace_of(context)
    rendering = render_issue(workspace, issue)
    files = write_sample(rendering, workspace.issue_folder(issue), out)
    for part in rendering.parts:
        typer.echo(f"{part.octets / 1024:8.1f} KB  {'  ' * part.level}{part.name}")
    share = f"{rendering.octets / BUDGET_OCTETS:.0%} of the {BUDGET_OCTETS // 1024} KB budget"
    typer.echo(f"{rendering.octets / 1024:8.1f} KB  in all, {share}; mail programs clip at {LIMIT_OCTETS // 1024} KB")
    if rendering.message_octets:
        typer.echo(f"{rendering.message_octets / 1024:8.1f} KB  the message with its pictures and attachments")
    if rendering.excerpted:
        typer.echo(f"these end early, with a link to the whole: {', '.join(rendering.excerpted)}")
    for file in files:
        typer.echo(f"wrote {file}")
    if rendering.octets > BUDGET_OCTETS:
        remedy = "shorten them" if rendering.excerpted else "shorten them, or say mail_text: excerpt in issue.yaml"
        typer.echo(f"over the budget; the heaviest articles are {tell_heaviest(rendering)}: {remedy}", err=True)
    if rendering.octets > LIMIT_OCTETS:
        typer.echo("too large: mail programs would cut it off", err=True)
        return 1
    return 0
