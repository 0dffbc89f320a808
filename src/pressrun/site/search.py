"""The index that readers' browsers search: every article's title, labels and text, in one file that a script loads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape

from pressrun.site.archive import Archive
from pressrun.site.metadata import write_script_json
from pressrun.source.issue import Issue

# Words end where these do; other tags stand within a word as often as not.
_BREAK = re.compile(r"<(?:br|/p|/li|/h\d|/t[dh]|/dt|/dd|/figcaption|/div|/caption)\b[^<>]*>")
_TAG = re.compile(r"<[^<>]*>")

Bodies = Mapping[tuple[str, str], str]
"""The HTML of articles' texts, by issue and slug."""


def write_search_index(archive: Archive, bodies: Bodies) -> str:
    """A script that hands `pressrunSearch` the issues as [folder, label], and the articles of each, newest first.

    An article is [issue's place, slug, title, what stands around it, text, language]. A script and not bare JSON, as
    browsers let no page that is opened from a disk read a file beside it.
    """
    issues = [[issue.id, issue.meta.title or issue.label] for issue in archive.issues]
    articles = [row for place, issue in enumerate(archive.issues) for row in _rows(place, issue, bodies)]
    return f"pressrunSearch({write_script_json({'issues': issues, 'articles': articles})});\n"


def _rows(place: int, issue: Issue, bodies: Bodies) -> list[list[object]]:
    rows: list[list[object]] = []
    for article in issue.articles:
        meta = article.meta
        around = " ".join(filter(None, (meta.kicker, *meta.labels, *meta.authors, meta.summary)))
        own = meta.language or issue.publication.language
        rows.append([place, article.slug, meta.title, around, plain_text(bodies[issue.id, article.slug]), own])
    return rows


def plain_text(html: str) -> str:
    """What can be read in `html`, on one line."""
    return " ".join(unescape(_TAG.sub("", _BREAK.sub(" ", html))).split())
