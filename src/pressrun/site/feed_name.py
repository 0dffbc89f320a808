"""The names and MIME types of feed files, which the site writes and the web server knows again."""

from __future__ import annotations

import re
from enum import StrEnum


class Kind(StrEnum):
    """A format of feeds: RSS 2.0, Atom 1.0 (RFC 4287), JSON Feed 1.1."""

    RSS = "rss"
    ATOM = "atom"
    JSON = "json"


MEDIA_TYPES = {
    Kind.RSS: "application/rss+xml",
    Kind.ATOM: "application/atom+xml",
    Kind.JSON: "application/feed+json",
}
STYLE = "feed.css"
ISSUES = "issues-"
"""What the names of the feeds with an entry an issue begin with."""
SECTIONS = "sections"
"""The folder of the sections' feeds."""

_STEMS = {Kind.RSS: "rss", Kind.ATOM: "atom", Kind.JSON: "feed"}
_KINDS = {stem: kind for kind, stem in _STEMS.items()}
_NAME = re.compile(rf"(?:{ISSUES})?(?:(rss|atom)(?:-\d+)?\.xml|(feed)(?:-\d+)?\.json)")


def file_name(kind: Kind, prefix: str = "", number: int | None = None) -> str:
    """The name of a live feed, such as `issues-atom.xml`, or of the archive document `number`: `atom-3.xml`."""
    suffix = "json" if kind is Kind.JSON else "xml"
    return f"{prefix}{_STEMS[kind]}{'' if number is None else f'-{number}'}.{suffix}"


def kind_of(name: str) -> Kind | None:
    """The format of the feed in a file called `name`; None where it is none of ours."""
    found = _NAME.fullmatch(name)
    return _KINDS[found[1] or found[2]] if found else None


def is_live(name: str) -> bool:
    """Whether `name` is a feed's that people subscribe to, and no archive document's."""
    return kind_of(name) is not None and not re.search(r"-\d+\.", name)
