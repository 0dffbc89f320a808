"""A feedgen extension for what feedgen leaves out or gets wrong (feedgen 1.0.0)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from feedgen.ext.base import BaseEntryExtension, BaseExtension
from lxml import etree

_ATOM = "http://www.w3.org/2005/Atom"
_DUBLIN_CORE = "http://purl.org/dc/elements/1.1/"
_ENCODED = "{http://purl.org/rss/1.0/modules/content/}encoded"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"

# feedgen has no types, and builds Atom without a namespace: it writes xmlns as if it were an attribute.
_Element = Any


class FeedExtension(BaseExtension):  # type: ignore[misc]
    """The namespace of the entries' additions."""

    def extend_ns(self) -> dict[str, str]:
        """The namespaces beyond feedgen's own."""
        return {"dc": _DUBLIN_CORE}

    def extend_atom(self, feed: _Element) -> _Element:
        """Take the unused namespace away again: lxml would write it into every feed."""
        etree.cleanup_namespaces(feed)
        return feed


class EntryExtension(BaseEntryExtension):  # type: ignore[misc]
    """An entry's language, RSS authors without address, RSS change date, and Atom links to its sources."""

    def __init__(self) -> None:
        self._language = ""
        self._authors: tuple[str, ...] = ()
        self._updated: dt.datetime | None = None
        self._sources: tuple[tuple[str, str], ...] = ()

    def tell(
        self, language: str, authors: tuple[str, ...], updated: dt.datetime, sources: tuple[tuple[str, str], ...]
    ) -> None:
        """Say what feedgen can't be told; `sources` are pairs of name and address."""
        self._language, self._authors, self._updated, self._sources = language, authors, updated, sources

    def extend_atom(self, entry: _Element) -> _Element:
        """Add `xml:lang`, the alternate link's attributes, and a link to each source."""
        entry.set(_LANGUAGE, self._language)
        for link in entry.findall("link"):
            link.set("rel", "alternate")
            link.set("type", "text/html")
        for url, name in {url: name for name, url in self._sources}.items():  # each address once
            etree.SubElement(entry, "link", rel="via", href=url, title=name)
        return entry

    def extend_rss(self, item: _Element) -> _Element:
        """Add `dc:creator` (RSS's own author must be an address) and `atom:updated`; put content where it belongs."""
        description = item.find("description")
        if description is not None and item.find(_ENCODED) is None:
            description.tag = _ENCODED  # without a summary feedgen calls the content a description
        for name in self._authors:
            etree.SubElement(item, f"{{{_DUBLIN_CORE}}}creator").text = name
        if self._updated:
            etree.SubElement(item, f"{{{_ATOM}}}updated").text = self._updated.isoformat()
        return item
