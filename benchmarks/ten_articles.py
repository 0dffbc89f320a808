"""The issue that rendering is measured on: ten articles of the samples' length."""

from __future__ import annotations

from dataclasses import replace

from pressrun.source.issue import Issue
from pressrun.source.loader import load_issue
from pressrun.workspace import Workspace

ARTICLES = 10
_NAME, _MORE = "spp/2026-02", "spp/2025-02"


def open_ten_articles(workspace: Workspace) -> Issue:
    """The newest sample issue, its last section filled up to ten articles out of another one."""
    issue, more = (load_issue(workspace.issue_folder(name)).issue for name in (_NAME, _MORE))
    assert issue and more
    missing = max(ARTICLES - len([*issue.articles]), 0)
    *others, last = issue.sections
    filled = replace(last, articles=(*last.articles, *tuple(more.articles)[:missing]))
    return replace(issue, sections=(*others, filled), pictures={**more.pictures, **issue.pictures})
