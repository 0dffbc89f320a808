"""RSS 2.0, Atom 1.0 and JSON Feed 1.1: an entry an article, an entry an issue, and a feed for each section."""

from __future__ import annotations

from html import escape

from feedgen.feed import FeedGenerator
from jinja2.sandbox import ImmutableSandboxedEnvironment

from pressrun.errors import RenderError
from pressrun.render.environment import render_template
from pressrun.site.archive import Archive
from pressrun.site.extension import EntryExtension, FeedExtension, Head
from pressrun.site.feed_document import ISSUES_IN_FEED, Document, Group, make_documents, make_families
from pressrun.site.feed_entry import Entry, entries_of, make_entry, make_issue_entry
from pressrun.site.feed_json import write_json
from pressrun.site.feed_name import MEDIA_TYPES, STYLE, Kind
from pressrun.wording import words

__all__ = ["ISSUES_IN_FEED", "Entry", "count_entries", "make_entries", "make_entry", "make_feeds"]


def make_entries(archive: Archive, environment: ImmutableSandboxedEnvironment) -> tuple[Entry, ...]:
    """The entries of all articles, newest issue first, articles in their order."""
    return tuple(entry for issue in archive.issues for entry in entries_of(issue, environment))


def count_entries(archive: Archive) -> int:
    """How many articles the live feeds hold."""
    return sum(1 for issue in archive.issues[:ISSUES_IN_FEED] for _ in issue.articles)


def make_feeds(archive: Archive, environment: ImmutableSandboxedEnvironment) -> dict[str, bytes]:
    """Every feed file of `archive`, and the style sheet they share, by its path below the publication's folder.

    The same archive gives the same bytes; an archive document that has one after it keeps its bytes when issues come.
    """
    groups = tuple(Group(issue, tuple(entries_of(issue, environment))) for issue in archive.issues)
    issues = tuple(Group(one.issue, (make_issue_entry(one.issue, one.entries, environment),)) for one in groups)
    language = archive.publication.language
    style = render_template(environment, "feed/feed.css.j2", words=words(language), language=language)
    files = {STYLE: style.encode()}
    for document in (one for family in make_families(archive, groups, issues) for one in make_documents(family)):
        files |= _write(archive, document)
    return files


def _write(archive: Archive, document: Document) -> dict[str, bytes]:
    try:
        return {
            document.path(Kind.RSS): _generator(archive, document, Kind.RSS).rss_str(pretty=True),
            document.path(Kind.ATOM): _generator(archive, document, Kind.ATOM).atom_str(pretty=True),
            document.path(Kind.JSON): write_json(archive, document),
        }
    except ValueError as error:  # lxml's, for a control character that an escape in YAML brought in
        remedy = "look for an escape such as \\x07 in its texts"
        raise RenderError(f"the feeds of {archive.id}: {error}", remedy) from error


def _generator(archive: Archive, document: Document, kind: Kind) -> FeedGenerator:
    """feedgen's feed of one kind: each kind names itself, so that no two share a generator."""
    publication = archive.publication
    feed = FeedGenerator()
    feed.register_extension("pressrun", FeedExtension, EntryExtension)
    feed.id(document.family.id)
    feed.title(document.family.title)
    # In Atom its subtitle, which is text; in RSS readers take it for HTML.
    said = publication.description
    feed.description(escape(said, quote=False) if kind is Kind.RSS else said)
    feed.language(publication.language)
    feed.author({"name": publication.sender.name})
    feed.generator("pressrun")
    feed.link(href=archive.url + document.path(kind), rel="self", type=MEDIA_TYPES[kind])
    # RSS takes the last link for the channel's own, so the page comes after the feed.
    feed.link(href=archive.url, rel="alternate", type="text/html", hreflang=publication.language)
    if copyright_line := document.newest.copyright:
        feed.rights(copyright_line)
    # Without it feedgen takes this moment.
    feed.updated(max((entry.updated for entry in document.entries), default=document.newest.published))
    feed.pressrun.tell(_head(archive, document, kind))
    for entry in document.entries:
        _add_entry(feed, entry, kind, publication.language)
    return feed


def _head(archive: Archive, document: Document, kind: Kind) -> Head:
    language, family = archive.publication.language, document.family
    links = []
    if archive.publication.hub and not document.is_archive:
        links.append(("hub", archive.publication.hub))  # WebSub §4
    if document.is_archive:
        links.append(("current", archive.url + family.path(kind)))
    for relation, number in (("prev-archive", document.earlier), ("next-archive", document.later)):
        if number is not None:
            links.append((relation, archive.url + family.path(kind, number)))
    say = words(language)
    return Head(
        links=links,
        style="../" * family.folder.count("/") + STYLE,
        about=say["feed_archived" if document.is_archive else "feed_about"],
        link_text=say["feed_read"],
        link=archive.url,
        language=language,
        is_archive=document.is_archive,
    )


def _add_entry(feed: FeedGenerator, entry: Entry, kind: Kind, language: str) -> None:
    written = feed.add_entry(order="append")
    written.id(entry.id)
    written.title(entry.title)
    written.link(href=entry.url)
    written.author([{"name": name} for name in entry.authors])
    written.category([{"term": term} for term in entry.categories])
    written.published(entry.published)
    written.updated(entry.updated)
    written.content(entry.content, type="html")
    if kind is Kind.RSS:  # its description is HTML, and stands before the content whether there is a summary or not
        written.summary(escape(entry.description, quote=False))
    elif entry.summary:
        written.summary(entry.summary)
    written.pressrun.tell(entry, language)
