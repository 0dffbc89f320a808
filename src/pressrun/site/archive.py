"""All issues of a publication as the archive orders them, and the addresses they have there."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from pressrun.source.issue import Issue
from pressrun.source.model import Publication

FEED_FILES = {"rss": "rss.xml", "atom": "atom.xml", "json": "feed.json"}


@dataclass(frozen=True)
class Archive:
    """A publication with its issues, newest first; there is at least one."""

    id: str
    publication: Publication
    issues: tuple[Issue, ...]

    @property
    def url(self) -> str:
        """The archive's first page on the web."""
        return f"{self.publication.base_url.rstrip('/')}/"

    @property
    def feeds(self) -> dict[str, str]:
        """The feeds' addresses by kind: rss, atom, json."""
        return {kind: self.url + file for kind, file in FEED_FILES.items()}

    @property
    def years(self) -> list[tuple[int, list[Issue]]]:
        """The issues by the year they are numbered in, newest year first."""
        by_year = sorted(self.issues, key=lambda issue: -issue.meta.year)
        return [(year, list(issues)) for year, issues in groupby(by_year, key=lambda issue: issue.meta.year)]

    def neighbours(self, issue: Issue) -> tuple[Issue | None, Issue | None]:
        """The issues before and after `issue` in time."""
        at = self.issues.index(issue)
        older = self.issues[at + 1] if at + 1 < len(self.issues) else None
        return older, self.issues[at - 1] if at else None


def make_archive(issues: list[Issue]) -> Archive:
    """The archive of one publication's `issues`, given in any order."""
    newest_first = sorted(issues, key=lambda issue: (issue.meta.date, issue.meta.total, issue.id), reverse=True)
    return Archive(newest_first[0].publication_id, newest_first[0].publication, tuple(newest_first))
