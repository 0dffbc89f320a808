"""An issue as read: its publication, sections, articles and pictures, all found sound."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pressrun.schedule.moment import local_moment
from pressrun.source.attachment import AttachedFile
from pressrun.source.block import Block
from pressrun.source.media import Picture
from pressrun.source.model import ArticleFile, Colophon, IssueFile, MailText, Publication, SectionFile


@dataclass(frozen=True)
class Article:
    """One article: `slug` is its file's name, `blocks` its body in order."""

    slug: str
    file: Path
    meta: ArticleFile
    blocks: tuple[Block, ...]

    @property
    def condition(self) -> str | None:
        """What a reader must meet to see it; None where everybody does."""
        return self.meta.when


@dataclass(frozen=True)
class Section:
    """A section with its articles in order."""

    meta: SectionFile
    articles: tuple[Article, ...]

    @property
    def condition(self) -> str | None:
        """What a reader must meet to see it, and one of its articles at least; None where everybody does."""
        conditions = list(filter(None, (self.meta.when, any_of(article.condition for article in self.articles))))
        return _join(" and ", conditions)

    def condition_above(self, article: int) -> str | None:
        """What a reader must meet to see an article above the one with this number; None where everybody does."""
        return any_of(above.condition for above in self.articles[:article])


def any_of(conditions: Iterable[str | None]) -> str | None:
    """The condition that at least one of `conditions` holds; None where one of them is for everybody."""
    told = list(dict.fromkeys(conditions))
    return None if None in told else _join(" or ", [condition for condition in told if condition])


def _join(word: str, conditions: Sequence[str]) -> str | None:
    if len(conditions) < 2:
        return conditions[0] if conditions else None
    return word.join(f"({condition})" for condition in conditions)


def send_time(publication: Publication, meta: IssueFile) -> dt.datetime | None:
    """When an issue goes out by itself, in the publication's zone; None where nothing says so."""
    return meta.send_at and local_moment(meta.send_at, publication.zone).astimezone(publication.zone)


def send_lists(publication: Publication, meta: IssueFile) -> tuple[str, ...]:
    """The lists an issue goes to, each once: its own, or the publication's."""
    return tuple(dict.fromkeys(publication.lists if meta.lists is None else meta.lists))


@dataclass(frozen=True)
class Issue:
    """One numbered issue of a publication; `pictures` are by their path in the issue's folder."""

    publication_id: str
    publication: Publication
    id: str
    folder: Path
    meta: IssueFile
    sections: tuple[Section, ...]
    pictures: Mapping[str, Picture]
    attachments: tuple[AttachedFile, ...] = ()

    @property
    def key(self) -> str:
        """The name people and scripts call it by: `<publication>/<issue>`."""
        return f"{self.publication_id}/{self.id}"

    @property
    def label(self) -> str:
        """Its number as readers see it."""
        return self.publication.issue_label.format(year=self.meta.year, number=self.meta.number, total=self.meta.total)

    @property
    def title(self) -> str:
        """Its own title, or the publication's with its number."""
        return self.meta.title or f"{self.publication.title} {self.label}"

    @property
    def subject(self) -> str:
        """The mail's subject."""
        return self.meta.subject or self.title

    @property
    def published(self) -> dt.datetime:
        """The moment it counts as published, in the publication's zone."""
        return dt.datetime.combine(self.meta.date, self.publication.publish_time, self.publication.zone)

    @property
    def mail_text(self) -> MailText:
        """What becomes of its mail where that is over the budget."""
        return self.meta.mail_text or self.publication.mail_text

    @property
    def send_at(self) -> dt.datetime | None:
        """When it goes out by itself, in the publication's zone; None where nothing says so."""
        return send_time(self.publication, self.meta)

    @property
    def lists(self) -> tuple[str, ...]:
        """The lists it goes to, each once; empty where none is named."""
        return send_lists(self.publication, self.meta)

    @property
    def colophon(self) -> Colophon:
        """Its own colophon, or the publication's."""
        return self.meta.colophon or self.publication.colophon

    @property
    def copyright(self) -> str | None:
        """Its own copyright line, or the publication's."""
        return self.meta.copyright or self.publication.copyright

    @property
    def url(self) -> str:
        """Its page in the web archive."""
        return f"{self.publication.base_url.rstrip('/')}/{self.id}/"

    def article_url(self, slug: str) -> str:
        """The page of the article `slug` in the web archive."""
        return f"{self.url}{slug}/"

    @property
    def articles(self) -> Iterator[Article]:
        """All articles in the order of the sections."""
        return (article for section in self.sections for article in section.articles)
