"""What the rules look at: a sound issue, its files with the places of all that stands in them, and its rendering."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from pressrun.check.page import Page, read_page
from pressrun.render.mail import Rendering, render
from pressrun.source.issue import Issue
from pressrun.source.link import Link
from pressrun.source.loader import ISSUE_FILE, PUBLICATION_FILE
from pressrun.source.text import read_text
from pressrun.source.yamlfile import read_yaml


@dataclass(frozen=True)
class Neighbour:
    """How another issue of the publication is numbered and dated."""

    id: str
    year: int
    number: int
    total: int
    date: dt.date


@dataclass(frozen=True)
class Manuscript:
    """An issue as rules see it; rules that need its mail are given where the templates are."""

    issue: Issue
    template_folders: Sequence[Path] = ()

    @cached_property
    def publication(self) -> Page:
        """The publication's file."""
        return read_page(self.issue.folder.parent / PUBLICATION_FILE)

    @cached_property
    def own(self) -> Page:
        """The issue's own file."""
        return read_page(self.issue.folder / ISSUE_FILE)

    @cached_property
    def articles(self) -> tuple[Page, ...]:
        """The articles' files, in the order of the sections."""
        return tuple(read_page(article.file) for article in self.issue.articles)

    @property
    def pages(self) -> tuple[Page, ...]:
        """All files that the issue is made of."""
        return (self.publication, self.own, *self.articles)

    @property
    def links(self) -> Iterator[tuple[Page, Link]]:
        """Every link with the page it stands on."""
        return ((page, link) for page in self.pages for link in page.links)

    @cached_property
    def rendering(self) -> Rendering:
        """The issue as mail."""
        return render(self.issue, list(self.template_folders))

    @cached_property
    def neighbours(self) -> tuple[Neighbour, ...]:
        """The publication's other issues whose numbers can be read, in their order; corrections are not counted."""
        if self.issue.meta.corrects:
            return ()
        folders = (file.parent for file in self.issue.folder.parent.glob(f"*/{ISSUE_FILE}"))
        found = (_read_neighbour(folder) for folder in folders if folder.name != self.issue.id)
        return tuple(sorted(filter(None, found), key=lambda one: (one.year, one.number, one.id)))

    def language_of(self, page: Page) -> str:
        """The language a page is written in."""
        article = next((one for one in self.issue.articles if one.file == page.file), None)
        return (article.meta.language if article else None) or self.issue.publication.language


def _read_neighbour(folder: Path) -> Neighbour | None:
    text, _ = read_text(folder / ISSUE_FILE)
    return _parse_neighbour(folder.name, text) if text else None


@lru_cache(maxsize=256)
def _parse_neighbour(id: str, text: str) -> Neighbour | None:
    data = read_yaml(text, ISSUE_FILE).data
    if not isinstance(data, dict) or data.get("corrects"):
        return None
    try:
        year, number, total = (int(str(data.get(key))) for key in ("year", "number", "total"))
        date = dt.date.fromisoformat(str(data.get("date")))
    except ValueError:  # it is faulty; checking it says how
        return None
    return Neighbour(id, year, number, total, date)
