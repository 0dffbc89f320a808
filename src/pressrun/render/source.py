"""From an issue's name to its edition: load, check, render; nothing with errors gets through."""

from __future__ import annotations

from pressrun.check import examine
from pressrun.errors import PressrunError
from pressrun.finding import Finding, Severity, count_errors, count_of
from pressrun.render.mail import LIMIT_OCTETS, Rendering, render
from pressrun.source.issue import Issue
from pressrun.workspace import Workspace


class FaultyIssueError(PressrunError):
    """The issue has findings that stop a send; they are in `findings`."""

    def __init__(self, name: str, findings: list[Finding]) -> None:
        errors = [finding for finding in findings if finding.severity is Severity.ERROR]
        first = str(errors[0]) if errors else "it can't be loaded"
        super().__init__(
            f"{name} has {count_of(len(errors), 'error')}; the first: {first}", f"run pressrun check {name}"
        )
        self.findings = findings


def open_issue(workspace: Workspace, name: str) -> Issue:
    """The issue called `name`, free of errors. Raises UsageError for a wrong name, FaultyIssueError for errors."""
    folder = workspace.issue_folder(name)
    loaded = examine(folder, workspace)
    if loaded.issue is None or count_errors(loaded.findings):
        raise FaultyIssueError(f"{folder.parent.name}/{folder.name}", list(loaded.findings))
    return loaded.issue


def render_issue(workspace: Workspace, name: str) -> Rendering:
    """The rendering of the issue called `name`, which has no errors."""
    return render(open_issue(workspace, name), workspace.template_folders)


def tell_heaviest(rendering: Rendering) -> str:
    """The articles that take the most of the mail, with what they take."""
    return ", ".join(f"{part.name} ({part.octets / 1024:.0f} KB)" for part in rendering.heaviest)


def require_size(rendering: Rendering) -> None:
    """Raise where mail programs would cut the mail off."""
    if rendering.octets > LIMIT_OCTETS:
        names = tell_heaviest(rendering)
        raise PressrunError(
            f"{rendering.edition.issue} has {rendering.octets // 1024} KB; mail is cut off at {LIMIT_OCTETS // 1024}",
            f"shorten the heaviest articles: {names}",
        )
