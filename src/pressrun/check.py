"""What is wrong with an issue: the faults of loading it, then rules on what it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pressrun.finding import Finding, Severity, in_order
from pressrun.source.issue import Issue
from pressrun.source.loader import load_issue

if TYPE_CHECKING:
    from pressrun.workspace import Workspace

_LINK = re.compile(r"\]\(\s*<?([^)\s>]*)|(?<![\w(])(https?:[^\s)>\]，。；、）》”]*\)?)")
_TRACKING = re.compile(r"list-manage\.com/track/|/track/(?:link|click)/|[?&]e=[0-9a-f]{8,}|/userid/", re.I)


def check(folder: Path, workspace: Workspace) -> list[Finding]:
    """Everything found in the issue in `folder`, with paths told from the workspace's root."""
    loaded = load_issue(folder)
    findings = list(loaded.findings)
    if loaded.issue:
        findings += check_issue(loaded.issue)
    return in_order(finding.relative_to(workspace.root) for finding in findings)


def check_issue(issue: Issue) -> Iterator[Finding]:
    """What the rules find in a sound issue's files."""
    for file in (issue.folder / "issue.yaml", *(article.file for article in issue.articles)):
        for number, line in enumerate(file.read_text(encoding="utf-8-sig").splitlines(), 1):
            if not line.lstrip().startswith("#"):  # an editor's comment, or a heading
                yield from _check_links(file, number, line)


def _check_links(file: Path, number: int, line: str) -> Iterator[Finding]:
    for match in _LINK.finditer(line):
        group = 1 if match[1] is not None else 2
        url, column = match[group], match.start(group) + 1
        for code, message, hint in _faults_of(url):
            yield Finding(
                path=str(file),
                line=number,
                column=column,
                severity=Severity.ERROR,
                code=code,
                message=message,
                hint=hint,
            )


def _faults_of(url: str) -> Iterator[tuple[str, str, str]]:
    if _TRACKING.search(url):
        yield (
            "tracking-link",
            "this link carries somebody's subscriber id: every reader's click would count as theirs",
            "open it once and link to the page it ends at",
        )
    if not url or url == "#":
        yield "empty-link", "this link leads nowhere", "give its address, or take the brackets away"
    elif not re.match(r"(https?://[^\s/]+\.[^\s/]+|mailto:[^\s@]+@[^\s@]+$)", url):
        yield "bad-link", f"{url} is no address", "write it whole, with https://"
    elif url.endswith(")") and "(" not in url:
        yield "bad-link", f"{url} ends with a stray bracket", "take the ) away"
