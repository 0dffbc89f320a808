"""All issues of a publication as the archive orders them, and the addresses they have there."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from pressrun.source.issue import Article, Issue, Section
from pressrun.source.model import Publication

FEED_FILES = {"rss": "rss.xml", "atom": "atom.xml", "json": "feed.json"}


@dataclass(frozen=True)
class Archive:
    """A publication with its issues, newest first; there is at least one.

    `notices` are the corrections that went out as a mail of their own: they have a page, but no place in the order.
    """

    id: str
    publication: Publication
    issues: tuple[Issue, ...]
    notices: tuple[Issue, ...] = ()

    @property
    def url(self) -> str:
        """The archive's first page on the web."""
        return f"{self.publication.base_url.rstrip('/')}/"

    @property
    def feeds(self) -> dict[str, str]:
        """The feeds' addresses by kind: rss, atom, json."""
        return {kind: self.url + file for kind, file in FEED_FILES.items()}

    @property
    def shown(self) -> tuple[Issue, ...]:
        """Everything that has a page: the issues, then the notices."""
        return (*self.issues, *self.notices)

    @property
    def years(self) -> list[tuple[int, list[Issue]]]:
        """The issues by the year they are numbered in, newest year first."""
        by_year = sorted(self.issues, key=lambda issue: -issue.meta.year)
        return [(year, list(issues)) for year, issues in groupby(by_year, key=lambda issue: issue.meta.year)]

    def neighbours(self, issue: Issue) -> tuple[Issue | None, Issue | None]:
        """The issues before and after `issue` in time; a notice has none."""
        if issue not in self.issues:
            return None, None
        at = self.issues.index(issue)
        older = self.issues[at + 1] if at + 1 < len(self.issues) else None
        return older, self.issues[at - 1] if at else None

    def corrected_by(self, notice: Issue) -> Issue | None:
        """The issue that `notice` is about, where it is shown."""
        return next((issue for issue in self.issues if issue.id == notice.meta.corrects), None)


@dataclass(frozen=True)
class Reading:
    """An article where it stands in its issue: its section, and the articles before and after it."""

    section: Section
    article: Article
    previous: Article | None
    next: Article | None


def readings(issue: Issue) -> list[Reading]:
    """The articles of `issue` in the order in which they are read."""
    placed = [(section, article) for section in issue.sections for article in section.articles]
    articles: list[Article | None] = [None, *(article for _, article in placed), None]
    return [Reading(*each, articles[n], articles[n + 2]) for n, each in enumerate(placed)]


def make_archive(issues: list[Issue]) -> Archive:
    """The archive of one publication's `issues`, given in any order."""
    newest_first = sorted(issues, key=lambda issue: (issue.meta.date, issue.meta.total, issue.id), reverse=True)
    counted = tuple(issue for issue in newest_first if issue.meta.corrects is None)
    notices = tuple(issue for issue in newest_first if issue.meta.corrects is not None)
    if not counted:  # what they correct is not shown: then they stand for themselves
        counted, notices = notices, ()
    return Archive(newest_first[0].publication_id, newest_first[0].publication, counted, notices)
