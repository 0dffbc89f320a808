"""What was put right in an issue, and when each of its pages and feed entries last changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from pressrun.source.issue import Issue

_APART = dt.timedelta(minutes=1)


@dataclass(frozen=True)
class Note:
    """A correction as pages and feeds mark it: `anchor` is its place on a page, `moment` when it counts as made.

    `what` is Markdown; `article` is None where it is about the whole issue.
    """

    anchor: str
    moment: dt.datetime
    date: dt.date
    article: str | None
    what: str


def notes(issue: Issue) -> tuple[Note, ...]:
    """Every correction of `issue`, oldest first.

    Each counts as made after the issue came out, and after the one before it, also on one day: so whoever follows a
    feed is told of each.
    """
    return tuple(_number(issue))


def _number(issue: Issue) -> Iterator[Note]:
    last = issue.published
    for number, one in enumerate(sorted(issue.meta.corrections, key=lambda correction: correction.date), 1):
        last = max(_moment(issue, one.date), last + _APART)
        yield Note(f"_correction_{number}", last, one.date, one.article, one.what)


def corrections_of(issue: Issue, slug: str | None = None) -> tuple[Note, ...]:
    """The corrections of the article `slug`, oldest first; with None, those of the issue that name no article."""
    return tuple(note for note in notes(issue) if note.article == slug)


def updated(issue: Issue, slug: str | None = None) -> dt.datetime:
    """When the article `slug` last changed, or with None the issue with all that is in it."""
    moments = [issue.published]
    moments += (note.moment for note in notes(issue) if slug in (None, note.article))
    for article in issue.articles:
        if article.meta.updated and slug in (None, article.slug):
            moments.append(_moment(issue, article.meta.updated))
    return max(moments)


def _moment(issue: Issue, day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, issue.publication.publish_time, issue.publication.zone)
