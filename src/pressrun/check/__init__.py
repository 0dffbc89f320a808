"""What is wrong with an issue: the faults of loading it, then rules on what it says and on the mail it makes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pressrun.check.manuscript import Manuscript
from pressrun.check.online import Asker, find_online
from pressrun.check.registry import RULES, SILENCEABLE
from pressrun.check.rule import Rule, Stage
from pressrun.check.silence import Heard, apply_silences
from pressrun.check.theme import BAD_TEMPLATE, prove
from pressrun.finding import Finding, Severity, count_errors, in_order
from pressrun.source.issue import Issue
from pressrun.source.loader import LoadedIssue, load_issue

if TYPE_CHECKING:
    from pressrun.workspace import Workspace

__all__ = ["RULES", "Review", "check", "check_issue", "examine", "review"]

_RANKS = {Severity.ERROR: 2, Severity.WARNING: 1, Severity.INFO: 0}


@dataclass(frozen=True)
class Review:
    """All that was found in an issue, in order, with paths told from the workspace's root; and how much it silenced."""

    issue: Issue | None
    findings: tuple[Finding, ...]
    silenced: int = 0


def check(folder: Path, workspace: Workspace) -> list[Finding]:
    """The errors and warnings of the issue in `folder`, with paths told from the workspace's root."""
    return _to_weigh(review(folder, workspace))


def examine(folder: Path, workspace: Workspace) -> LoadedIssue:
    """The issue in `folder`, read once, with the errors and warnings of its files; nothing is rendered."""
    found = _review(folder, workspace, (Stage.SOURCE, Stage.THEME), None)
    return LoadedIssue(found.issue, tuple(_to_weigh(found)))


def review(folder: Path, workspace: Workspace, asker: Asker | None = None) -> Review:
    """All that every rule finds in the issue in `folder`; its links are asked where there is an `asker`."""
    return _review(folder, workspace, (Stage.SOURCE, Stage.THEME, Stage.MAIL), asker)


def check_issue(issue: Issue, at_least: Severity = Severity.INFO) -> list[Finding]:
    """What the rules find in a sound issue's files and its publication's, without rendering it."""
    wanted = [rule for rule in _of_stage(Stage.SOURCE) if _RANKS[rule.severity] >= _RANKS[at_least]]
    manuscript = Manuscript(issue)
    found = [finding for rule in wanted for finding in rule.find(manuscript)]
    heard = apply_silences(manuscript, found, SILENCEABLE, {rule.id for rule in wanted})
    return [finding for finding in heard.findings if _RANKS[finding.severity] >= _RANKS[at_least]]


def _to_weigh(found: Review) -> list[Finding]:
    """The findings that are errors or warnings."""
    return [finding for finding in found.findings if finding.severity is not Severity.INFO]


def _review(folder: Path, workspace: Workspace, stages: Collection[Stage], asker: Asker | None) -> Review:
    loaded = load_issue(folder)
    heard = Heard((), 0)
    if loaded.issue:
        heard = _look(Manuscript(loaded.issue, workspace.template_folders), stages, asker)
    found = (finding.relative_to(workspace.root) for finding in (*loaded.findings, *heard.findings))
    return Review(loaded.issue, tuple(in_order(found)), heard.silenced)


def _look(manuscript: Manuscript, stages: Collection[Stage], asker: Asker | None) -> Heard:
    """What the rules of `stages` find; a mail is made only of what has no errors."""
    ran = _of_stage(*(stage for stage in stages if stage is not Stage.MAIL))
    found = [finding for rule in ran for finding in rule.find(manuscript)]
    if asker:
        ran += _of_stage(Stage.ONLINE)
        found += find_online(manuscript, asker)
    if Stage.MAIL in stages and not _stops(manuscript, found):
        found += (BAD_TEMPLATE.tell(fault) for fault in prove(manuscript))
        if not _stops(manuscript, found):
            ran += _of_stage(Stage.MAIL)
            found += [finding for rule in _of_stage(Stage.MAIL) for finding in rule.find(manuscript)]
    return apply_silences(manuscript, found, SILENCEABLE, {rule.id for rule in ran})


def _stops(manuscript: Manuscript, found: Iterable[Finding]) -> bool:
    """Whether an error that isn't silenced is among `found`."""
    return count_errors(apply_silences(manuscript, found, SILENCEABLE, ()).findings) > 0


def _of_stage(*stages: Stage) -> list[Rule]:
    return [rule for rule in RULES.values() if rule.stage in stages]
