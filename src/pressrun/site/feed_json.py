"""JSON Feed 1.1."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pressrun.site.archive import Archive
from pressrun.site.feed_document import Document
from pressrun.site.feed_entry import Entry
from pressrun.site.feed_name import Kind
from pressrun.wording import words

VERSION = "https://jsonfeed.org/version/1.1"


def write_json(archive: Archive, document: Document) -> bytes:
    """`document` as JSON Feed."""
    publication, family = archive.publication, document.family
    hub = publication.hub if not document.is_archive else None
    feed = {
        "version": VERSION,
        "title": family.title,
        "home_page_url": archive.url,
        "feed_url": archive.url + document.path(Kind.JSON),
        "description": publication.description,
        "user_comment": words(publication.language)["feed_archived" if document.is_archive else "feed_about"],
        "next_url": archive.url + family.path(Kind.JSON, document.earlier) if document.earlier is not None else None,
        "authors": [{"name": publication.sender.name}],
        "language": publication.language,
        "hubs": [{"type": "WebSub", "url": hub}] if hub else None,
        "items": [_item(entry) for entry in document.entries],
    }
    return (json.dumps(_told(feed), ensure_ascii=False, indent=1) + "\n").encode()


def _item(entry: Entry) -> dict[str, object]:
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
        "attachments": [
            {"url": one.url, "mime_type": one.media_type, "size_in_bytes": one.octets}
            for one in (entry.enclosure,)
            if one
        ]
        or None,
    }
    return _told(item)


def _told(values: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in values.items() if value is not None}
