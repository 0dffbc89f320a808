"""What feeds tell of an article or an issue: an entry, whatever the format."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from urllib.parse import quote, urlsplit, urlunsplit

from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from pressrun.render.environment import render_template
from pressrun.render.heading import shift_headings
from pressrun.render.inline import hosted_url
from pressrun.site.correction import corrections_of, updated
from pressrun.source.issue import Article, Issue, Section
from pressrun.source.model import Image, Publication
from pressrun.typography import typeset
from pressrun.wording import words

EXCERPT = 200
"""How many characters of the text stand for a summary that nobody wrote."""

_PARAGRAPH = re.compile(r"<p>(.*?)</p>", re.DOTALL)
_TAG = re.compile(r"<[^<>]*>")
# RFC 3986 §2: what an address may hold as it is; `%` too, which begins an escape that is there already.
_URI = "%/?:@!$&'()*+,;=-._~[]"


@dataclass(frozen=True)
class Enclosure:
    """A picture that goes with an entry: address, MIME type, size in bytes."""

    url: str
    media_type: str
    octets: int


@dataclass(frozen=True)
class Entry:
    """An article or issue as a feed tells it: `id` never changes, `content` is clean HTML with absolute addresses.

    `section` is the slug of an article's section, empty for an issue; `sources` are pairs of name and address.
    """

    id: str
    url: str
    title: str
    summary: str | None
    content: str
    authors: tuple[str, ...]
    categories: tuple[str, ...]
    published: dt.datetime
    updated: dt.datetime
    language: str
    enclosure: Enclosure | None
    sources: tuple[tuple[str, str], ...]
    section: str = ""

    @property
    def image(self) -> str | None:
        """The address of its picture."""
        return self.enclosure.url if self.enclosure else None

    @property
    def description(self) -> str:
        """Its summary, or how its text begins."""
        return self.summary or excerpt(self.content) or self.title

    @property
    def is_changed(self) -> bool:
        """Whether it was changed after it came out."""
        return self.updated > self.published


def feed_id(publication: Publication, publication_id: str) -> str:
    """The RFC 4151 name of the feed with an entry an article; all other names begin with it."""
    return f"tag:{publication.tag}:{publication_id}"


def make_entry(issue: Issue, section: Section, article: Article, environment: ImmutableSandboxedEnvironment) -> Entry:
    """The entry of `article`."""
    meta, publication = article.meta, issue.publication
    language = meta.language or publication.language
    corrections = corrections_of(issue, article.slug)
    content = _render(environment, "article", issue, article=article, language=language, corrections=corrections)
    published, changed = _moments(issue, article.slug)
    return Entry(
        id=f"{feed_id(publication, issue.publication_id)}/{issue.id}/{article.slug}",
        url=issue.article_url(article.slug),
        title=typeset(meta.title, language, binding=False),
        summary=typeset(meta.summary, language, binding=False) if meta.summary else None,
        content=content,
        authors=meta.authors or (publication.sender.name,),
        categories=tuple(dict.fromkeys((section.meta.title, *meta.labels))),
        published=published,
        updated=changed,
        language=language,
        enclosure=_enclosure(issue, meta.image) if meta.image else None,
        sources=tuple((s.name, as_uri(s.url)) for s in meta.sources if s.url and s.url.startswith("http")),
        section=section.meta.slug,
    )


def make_issue_entry(issue: Issue, articles: tuple[Entry, ...], environment: ImmutableSandboxedEnvironment) -> Entry:
    """The entry of `issue` as a whole, with the text of its `articles`, given in its order."""
    publication, language = issue.publication, issue.publication.language
    contents = {entry.url: Markup(shift_headings(entry.content, 4)) for entry in articles}
    titles = {entry.url: entry.title for entry in articles}
    corrections = corrections_of(issue)
    values = {"language": language, "corrections": corrections, "contents": contents, "titles": titles}
    return Entry(
        id=f"{feed_id(publication, issue.publication_id)}/{issue.id}",
        url=issue.url,
        title=typeset(issue.title, language, binding=False),
        summary=typeset(issue.meta.preheader, language, binding=False),
        content=_render(environment, "issue", issue, **values),
        authors=(publication.sender.name,),
        categories=tuple(dict.fromkeys(section.meta.title for section in issue.sections)),
        published=issue.published,
        updated=_mark(updated(issue), issue),
        language=language,
        enclosure=_enclosure(issue, issue.meta.cover),
        sources=(),
    )


def entries_of(issue: Issue, environment: ImmutableSandboxedEnvironment) -> Iterator[Entry]:
    """The entries of the articles of `issue` in their order."""
    for section in issue.sections:
        for article in section.articles:
            yield make_entry(issue, section, article, environment)


def excerpt(content: str) -> str:
    """The first words of an entry's content as plain text, whole paragraphs or cut at `EXCERPT` characters."""
    text = ""
    for paragraph in _PARAGRAPH.finditer(content):
        text = " ".join(f"{text} {unescape(_TAG.sub('', paragraph[1]))}".split())
        if len(text) >= EXCERPT // 2:
            break
    if len(text) <= EXCERPT:
        return text
    cut = text[:EXCERPT]
    # Between words where there are any near the end; Chinese has none.
    return cut[: max(cut.rfind(" "), EXCERPT - 20)].rstrip() + "…"


def as_uri(url: str) -> str:
    """A web address with ASCII alone: its host in Punycode, the rest escaped (RFC 3987 §3.1)."""
    try:
        parts = urlsplit(url)
        host = parts.netloc if parts.netloc.isascii() else parts.netloc.encode("idna").decode()
    except ValueError:  # no address; the checks tell of it
        return url
    path, query, fragment = (quote(part, safe=_URI) for part in (parts.path, parts.query, parts.fragment))
    return urlunsplit(parts._replace(netloc=host, path=path, query=query, fragment=fragment))


def _render(environment: ImmutableSandboxedEnvironment, name: str, issue: Issue, **values: object) -> str:
    common = {"issue": issue, "words": words(issue.publication.language)}
    return render_template(environment, f"feed/{name}.html.j2", **common, **values).strip()


def _enclosure(issue: Issue, image: Image) -> Enclosure:
    picture = issue.pictures[image.image]
    return Enclosure(hosted_url(issue, image.image), picture.mime_type, picture.octets)


def _moments(issue: Issue, slug: str) -> tuple[dt.datetime, dt.datetime]:
    """When an article came out and was last changed.

    Readers sort entries by these moments, and two that share one stand in any order; validators warn of it too. So each
    article comes out a second before the one above it.
    """
    place = next(n for n, article in enumerate(issue.articles) if article.slug == slug)
    before = dt.timedelta(seconds=place)
    return issue.published - before, _mark(updated(issue, slug), issue) - before


def _mark(moment: dt.datetime, issue: Issue) -> dt.datetime:
    """The moment of a change, which no other issue's that was changed on the same day shares."""
    return moment if moment == issue.published else moment + dt.timedelta(microseconds=issue.meta.total)
