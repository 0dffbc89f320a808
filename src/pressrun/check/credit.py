"""Rules on credits: where an article's matter comes from, and whose a report is."""

from __future__ import annotations

from collections.abc import Iterator

from pressrun.check.manuscript import Manuscript
from pressrun.check.page import Page
from pressrun.check.rule import Fault, rule
from pressrun.check.width import columns_of
from pressrun.finding import Severity
from pressrun.source.issue import Article
from pressrun.source.yamlfile import Place

_NOTICE = 100  # columns of text: a notice of a line or two needs no source
_CREDITING = ("report", "case", "event")


@rule("source-missing", Severity.WARNING, "An article says where its matter comes from, or who wrote it.")
def find_missing_sources(manuscript: Manuscript) -> Iterator[Fault]:
    """Articles without source, author, link, report, case or event; a colophon may say it for the whole issue."""
    severity = Severity.INFO if manuscript.issue.colophon.statement else None
    for article, page in zip(manuscript.issue.articles, manuscript.articles, strict=True):
        if not _is_credited(article, page) and sum(columns_of(one.text) for one in page.body) >= _NOTICE:
            what = "nothing says where this comes from"
            hint = "add sources: with name and url, or authors:, or link to the source in the text"
            yield Fault(page.file, page.head.key_place_of(("title",)), what, hint, severity)


def _is_credited(article: Article, page: Page) -> bool:
    has_block = any(kind in _CREDITING for kind, _ in page.blocks)
    return bool(article.meta.sources or article.meta.authors or page.links or has_block)


@rule("report-credit", Severity.INFO, "A report card says who published the report, and where it can be read.")
def find_reports_without_credit(manuscript: Manuscript) -> Iterator[Fault]:
    """Report cards without publisher or address."""
    for page in manuscript.articles:
        for kind, block in page.blocks:
            data = block.data if isinstance(block.data, dict) else {}
            lacking = [key for key in ("publisher", "url") if not data.get(key)]
            if kind == "report" and lacking:
                place = Place(block.origin.line - 1, 1)
                what = f"this report has no {' and no '.join(lacking)}"
                yield Fault(page.file, place, what, f"add {' and '.join(lacking)}, if there is any")
