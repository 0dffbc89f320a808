"""What tells crawlers which pages there are and when each last changed: sitemap.xml and robots.txt."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from xml.sax.saxutils import escape

from pressrun.site.archive import Archive
from pressrun.site.correction import updated

_NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"

SITEMAP = "sitemap.xml"
ROBOTS = "robots.txt"


def write_sitemap(archive: Archive) -> str:
    """The sitemap of a publication: its first page, its issues and their articles."""
    urls = "".join(
        f"<url><loc>{escape(url)}</loc><lastmod>{moment.isoformat()}</lastmod></url>\n"
        for url, moment in _pages(archive)
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="{_NAMESPACE}">\n{urls}</urlset>\n'


def _pages(archive: Archive) -> Iterator[tuple[str, dt.datetime]]:
    yield archive.url, max(updated(issue) for issue in archive.issues)
    for issue in archive.shown:
        yield issue.url, updated(issue)
        for article in issue.articles:
            yield issue.article_url(article.slug), updated(issue, article.slug)


def write_robots(sitemaps: Iterable[str]) -> str:
    """What crawlers may read, which is all, and where the sitemaps are; they look for it at a host's root only."""
    return "User-agent: *\nAllow: /\n" + "".join(f"Sitemap: {url}\n" for url in sitemaps)
