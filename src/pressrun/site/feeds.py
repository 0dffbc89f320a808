"""RSS 2.0, Atom 1.0 and JSON Feed 1.1: an entry for each article of the newest issues."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass

from feedgen.feed import FeedGenerator
from jinja2.sandbox import ImmutableSandboxedEnvironment

from pressrun.errors import RenderError
from pressrun.render.environment import render_template
from pressrun.site.archive import FEED_FILES, Archive
from pressrun.site.extension import EntryExtension, FeedExtension
from pressrun.source.issue import Article, Issue, Section
from pressrun.source.model import Publication
from pressrun.wording import words

ISSUES_IN_FEED = 5
_TYPES = {"rss": "application/rss+xml", "atom": "application/atom+xml", "json": "application/feed+json"}


@dataclass(frozen=True)
class Entry:
    """An article as a feed tells it: `id` never changes, `content` is clean HTML with absolute addresses."""

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
    image: str | None
    sources: tuple[tuple[str, str], ...]


def feed_id(publication: Publication, publication_id: str) -> str:
    """The feed's RFC 4151 name."""
    return f"tag:{publication.tag}:{publication_id}"


def make_entries(archive: Archive, environment: ImmutableSandboxedEnvironment) -> tuple[Entry, ...]:
    """The entries of the newest issues, newest issue first, articles in their order."""
    return tuple(
        make_entry(issue, section, article, environment)
        for issue in archive.issues[:ISSUES_IN_FEED]
        for section in issue.sections
        for article in section.articles
    )


def make_entry(issue: Issue, section: Section, article: Article, environment: ImmutableSandboxedEnvironment) -> Entry:
    """The entry of `article`."""
    meta, publication = article.meta, issue.publication
    language = meta.language or publication.language
    values = {"issue": issue, "article": article, "language": language, "words": words(publication.language)}
    return Entry(
        id=f"{feed_id(publication, issue.publication_id)}/{issue.id}/{article.slug}",
        url=f"{issue.url}#{article.slug}",
        title=meta.title,
        summary=meta.summary,
        content=render_template(environment, "feed/article.html.j2", **values).strip(),
        authors=meta.authors or (publication.sender.name,),
        categories=tuple(dict.fromkeys((section.meta.title, *meta.labels))),
        published=issue.published,
        updated=_updated(issue, article),
        language=language,
        image=issue.url + meta.image.image if meta.image else None,
        sources=tuple((s.name, s.url) for s in meta.sources if s.url and s.url.startswith("http")),
    )


def _updated(issue: Issue, article: Article) -> dt.datetime:
    if article.meta.updated is None:
        return issue.published
    return dt.datetime.combine(article.meta.updated, issue.publication.publish_time, issue.publication.zone)


def make_feeds(archive: Archive, entries: tuple[Entry, ...]) -> dict[str, bytes]:
    """The three feeds by file name."""
    try:
        return {
            FEED_FILES["rss"]: _generator(archive, entries, "rss").rss_str(pretty=True),
            FEED_FILES["atom"]: _generator(archive, entries, "atom").atom_str(pretty=True),
            FEED_FILES["json"]: _json_feed(archive, entries),
        }
    except ValueError as error:  # lxml's, for a control character that an escape in YAML brought in
        raise RenderError(
            f"the feeds of {archive.id}: {error}", "look for an escape such as \\x07 in its texts"
        ) from error


def _generator(archive: Archive, entries: tuple[Entry, ...], kind: str) -> FeedGenerator:
    """feedgen's feed of one kind: each kind names itself, so that no two share a generator."""
    publication = archive.publication
    feed = FeedGenerator()
    feed.register_extension("pressrun", FeedExtension, EntryExtension)
    feed.id(feed_id(publication, archive.id))
    feed.title(publication.title)
    feed.description(publication.description)  # in Atom its subtitle
    feed.language(publication.language)
    feed.author({"name": publication.sender.name})
    feed.generator("pressrun")
    feed.link(href=archive.feeds[kind], rel="self", type=_TYPES[kind])
    # RSS takes the last link for the channel's own, so the page comes after the feed.
    feed.link(href=archive.url, rel="alternate", type="text/html", hreflang=publication.language)
    if copyright_line := archive.issues[0].copyright:
        feed.rights(copyright_line)
    feed.updated(max(entry.updated for entry in entries))  # without it feedgen takes this moment
    for entry in entries:
        _add_entry(feed, entry)
    return feed


def _add_entry(feed: FeedGenerator, entry: Entry) -> None:
    written = feed.add_entry(order="append")
    written.id(entry.id)
    written.title(entry.title)
    written.link(href=entry.url)
    written.author([{"name": name} for name in entry.authors])
    written.category([{"term": term} for term in entry.categories])
    written.published(entry.published)
    written.updated(entry.updated)
    written.content(entry.content, type="html")
    if entry.summary:
        written.summary(entry.summary)
    written.pressrun.tell(entry.language, entry.authors, entry.updated, entry.sources)


def _json_feed(archive: Archive, entries: tuple[Entry, ...]) -> bytes:
    publication = archive.publication
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": publication.title,
        "home_page_url": archive.url,
        "feed_url": archive.feeds["json"],
        "description": publication.description,
        "authors": [{"name": publication.sender.name}],
        "language": publication.language,
        "items": [_json_item(entry) for entry in entries],
    }
    return (json.dumps(feed, ensure_ascii=False, indent=1) + "\n").encode()


def _json_item(entry: Entry) -> dict[str, object]:
    item = {
        "id": entry.id,
        "url": entry.url,
        "title": entry.title,
        "summary": entry.summary,
        "content_html": entry.content,
        "image": entry.image,
        "date_published": entry.published.isoformat(),
        "date_modified": entry.updated.isoformat(),
        "authors": [{"name": name} for name in entry.authors],
        "tags": list(entry.categories),
        "language": entry.language,
    }
    return {key: value for key, value in item.items() if value is not None}
