"""An issue as read: its publication, sections, articles and pictures, all found sound."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pressrun.source.block import Block
from pressrun.source.media import Picture
from pressrun.source.model import ArticleFile, Colophon, IssueFile, Publication, SectionFile


@dataclass(frozen=True)
class Article:
    """One article: `slug` is its file's name, `blocks` its body in order."""

    slug: str
    file: Path
    meta: ArticleFile
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Section:
    """A section with its articles in order."""

    meta: SectionFile
    articles: tuple[Article, ...]


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

    @property
    def articles(self) -> Iterator[Article]:
        """All articles in the order of the sections."""
        return (article for section in self.sections for article in section.articles)
