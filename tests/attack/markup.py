"""What a page, a mail or a feed would run or load that nobody of the house put there."""

from __future__ import annotations

import re
from collections.abc import Iterator

import lxml.html

ACTIVE = {"script", "iframe", "object", "embed", "applet", "base", "form", "svg", "math", "link", "meta", "frame"}
_ADDRESSES = ("href", "src", "action", "background", "cite", "formaction", "poster", "srcset", "data")
_SCHEME = re.compile(r"^\s*([a-z][a-z0-9+.\-]*)\s*:", re.IGNORECASE)
NO_ICON = "data:,"
HARMLESS = {"http", "https", "mailto", "cid"}


def dangers_in(html: str) -> Iterator[str]:
    """Each thing in `html` that could run something or load from elsewhere, but for what `shape_of` counts."""
    for element in lxml.html.document_fromstring(html).iter():
        if not isinstance(element.tag, str):  # a comment: Outlook's own, held by its twin
            continue
        for name, value in element.attrib.items():
            if name.lower().startswith("on"):
                yield f"{element.tag} {name}={value!r}"
            # Browsers leave tabs, line breaks and controls out of an address before they read its scheme.
            scheme = _SCHEME.match(re.sub(r"[\x00-\x20]", "", value)) if name.lower() in _ADDRESSES else None
            if scheme and scheme[1].lower() not in HARMLESS and value != NO_ICON:
                yield f"{element.tag} {name}={value!r}"
            if name == "style" and re.search(r"expression\(|url\(|behavior|@import|-moz-binding", value, re.IGNORECASE):
                yield f"{element.tag} {name}={value!r}"


def shape_of(html: str) -> list[tuple[str, tuple[str, ...]]]:
    """Elements and the names of their attributes, in order: a text that is only shown leaves them as they are."""
    root = lxml.html.document_fromstring(html)
    return [(str(element.tag), tuple(sorted(element.attrib))) for element in root.iter()]


def active_in(html: str) -> list[str]:
    """The kinds of elements in `html` that run, load or post something, in order."""
    root = lxml.html.document_fromstring(html)
    return [element.tag for element in root.iter() if isinstance(element.tag, str) and element.tag in ACTIVE]
