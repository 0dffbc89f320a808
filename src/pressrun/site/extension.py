"""A feedgen extension for what feedgen leaves out or gets wrong (feedgen 1.0.0)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from feedgen.ext.base import BaseEntryExtension, BaseExtension
from lxml import etree

from pressrun.site.feed_entry import Entry

_ATOM = "http://www.w3.org/2005/Atom"
_DUBLIN_CORE = "http://purl.org/dc/elements/1.1/"
_ENCODED = "{http://purl.org/rss/1.0/modules/content/}encoded"
_HISTORY = "http://purl.org/syndication/history/1.0"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_XHTML = "http://www.w3.org/1999/xhtml"

_NO_PREFIX: Any = {None: _XHTML}  # lxml's types know no None here

# feedgen has no types, and builds Atom without a namespace: it writes xmlns as if it were an attribute.
_Element = Any


@dataclass(frozen=True)
class Head:
    """What a feed says of itself that feedgen can't be told.

    `links` are pairs of relation and address; `style` is the address of its style sheet; `about` a line for people who
    open it in a browser, with the text and address of a link, and their language.
    """

    links: Sequence[tuple[str, str]]
    style: str
    about: str
    link_text: str
    link: str
    language: str
    is_archive: bool


class FeedExtension(BaseExtension):  # type: ignore[misc]
    """A feed's style sheet, its links to hub and archive documents, and what a person is told who opens it."""

    def __init__(self) -> None:
        self._head: Head | None = None

    def tell(self, head: Head) -> None:
        """Say what feedgen can't be told."""
        self._head = head

    def extend_ns(self) -> dict[str, str]:
        """The namespaces beyond feedgen's own."""
        archived = {"fh": _HISTORY} if self._head and self._head.is_archive else {}
        return {"dc": _DUBLIN_CORE} | archived

    def extend_atom(self, feed: _Element) -> _Element:
        """Add to the head of an Atom feed; what people read is foreign markup, which readers skip (RFC 4287 §6.3)."""
        if self._head:
            _write_head(self._head, feed, feed, "link")
            _explain(self._head, feed)
        etree.cleanup_namespaces(feed, keep_ns_prefixes=["fh"])  # lxml would write what is unused into every feed
        return feed

    def extend_rss(self, rss: _Element) -> _Element:
        """Add to the head of an RSS channel."""
        if self._head:
            _write_head(self._head, rss, rss.find("channel"), f"{{{_ATOM}}}link")
        return rss


def _write_head(head: Head, root: _Element, parent: _Element, link: str) -> None:
    root.addprevious(etree.ProcessingInstruction("xml-stylesheet", f'type="text/css" href="{head.style}"'))
    for relation, url in head.links:
        etree.SubElement(parent, link, rel=relation, href=url)
    if head.is_archive:
        etree.SubElement(parent, f"{{{_HISTORY}}}archive")  # RFC 5005 §4


def _explain(head: Head, feed: _Element) -> None:
    told = etree.SubElement(feed, f"{{{_XHTML}}}div", {_LANGUAGE: head.language}, nsmap=_NO_PREFIX)
    line = etree.SubElement(told, f"{{{_XHTML}}}p")
    line.text = f"{head.about} "
    etree.SubElement(line, f"{{{_XHTML}}}a", href=head.link).text = head.link_text


class EntryExtension(BaseEntryExtension):  # type: ignore[misc]
    """An entry's language, picture, sources, RSS authors without address, and RSS change date."""

    def __init__(self) -> None:
        self._entry: Entry | None = None
        self._language = ""

    def tell(self, entry: Entry, language: str) -> None:
        """Say what feedgen can't be told, in a feed in `language`."""
        self._entry, self._language = entry, language

    def extend_atom(self, element: _Element) -> _Element:
        """Add `xml:lang`, the alternate link's attributes, and links to picture and sources."""
        if entry := self._entry:
            element.set(_LANGUAGE, entry.language)
            for link in element.findall("link"):
                link.set("rel", "alternate")
                link.set("type", "text/html")
                link.set("hreflang", entry.language)
            if one := entry.enclosure:
                attributes = {"rel": "enclosure", "href": one.url, "type": one.media_type, "length": str(one.octets)}
                etree.SubElement(element, "link", attributes)
            for name, url in _each_once(entry.sources):
                etree.SubElement(element, "link", rel="via", href=url, title=name)
        return element

    def extend_rss(self, item: _Element) -> _Element:
        """Add `dc:creator` (RSS's own author must be an address), enclosure, sources and `atom:updated`."""
        if entry := self._entry:
            if entry.language != self._language:
                item.set(_LANGUAGE, entry.language)
            for name in entry.authors:
                etree.SubElement(item, f"{{{_DUBLIN_CORE}}}creator").text = name
            if one := entry.enclosure:
                etree.SubElement(item, "enclosure", url=one.url, length=str(one.octets), type=one.media_type)
            for n, (name, url) in enumerate(_each_once(entry.sources)):
                if not n:  # RSS's own source is a feed; Dublin Core's is anything, but there is one
                    etree.SubElement(item, f"{{{_DUBLIN_CORE}}}source").text = url
                etree.SubElement(item, f"{{{_ATOM}}}link", rel="via", href=url, title=name)
            etree.SubElement(item, f"{{{_ATOM}}}updated").text = entry.updated.isoformat()
        return item


def _each_once(sources: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, url) for url, name in {url: name for name, url in sources}.items()]
