"""Rules on dates: those of an issue agree with one another, with its numbers, and with its neighbours."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pressrun.check.manuscript import Manuscript
from pressrun.check.rule import Fault, rule
from pressrun.finding import Severity

_YEAR = re.compile(r"(?<![\d.,/-])(19\d\d|20\d\d)(?![\d.,/-])")
_NEAR_YEARS = 2  # a subject may speak of 2030; last year's is a slip


def _at(manuscript: Manuscript, path: tuple[str | int, ...], message: str, hint: str) -> Fault:
    return Fault(manuscript.own.file, manuscript.own.place_of(*path), message, hint)


@rule("dates-disagree", Severity.WARNING, "The dates of an issue agree.")
def find_disagreeing_dates(manuscript: Manuscript) -> Iterator[Fault]:
    """Dates and years that can't all be right."""
    yield from _own_dates(manuscript)
    yield from _years_in_titles(manuscript)
    yield from _order_of_issues(manuscript)
    yield from _past_events(manuscript)
    for article, page in zip(manuscript.issue.articles, manuscript.articles, strict=True):
        if article.meta.updated and article.meta.updated < manuscript.issue.meta.date:
            what = f"it was updated on {article.meta.updated}, before the issue came out"
            hint = f"give a day after {manuscript.issue.meta.date}, or take the line away"
            yield Fault(page.file, page.place_of("updated"), what, hint)


def _own_dates(manuscript: Manuscript) -> Iterator[Fault]:
    meta = manuscript.issue.meta
    if meta.send_at and meta.send_at.date() != meta.date:
        what = f"it goes out on {meta.send_at.date()}, but is dated {meta.date}"
        yield _at(manuscript, ("send_at",), what, "make the two the same day")
    # What is numbered in December may come out in the first months of the next year.
    if not (meta.date.year == meta.year or (meta.date.year == meta.year + 1 and meta.date.month <= 3)):
        what = f"it is dated {meta.date}, but numbered in {meta.year}"
        yield _at(manuscript, ("date",), what, "mend the year or the date")
    for n, correction in enumerate(meta.corrections):
        if correction.date < meta.date:
            what = f"it was put right on {correction.date}, before the issue came out"
            yield _at(manuscript, ("corrections", n, "date"), what, f"give a day from {meta.date} on")


def _years_in_titles(manuscript: Manuscript) -> Iterator[Fault]:
    meta = manuscript.issue.meta
    for key, text in (("title", meta.title), ("subject", meta.subject)):
        years = {int(found) for found in _YEAR.findall(text or "")}
        near = [year for year in years if 0 < abs(year - meta.year) <= _NEAR_YEARS and year != meta.date.year]
        if near and meta.year not in years:
            what = f"the {key} says {near[0]}, but the issue is of {meta.year}"
            yield _at(manuscript, (key,), what, f"write {meta.year}, or nothing")


def _order_of_issues(manuscript: Manuscript) -> Iterator[Fault]:
    meta = manuscript.issue.meta
    for other in manuscript.neighbours:
        if (other.year, other.number) < (meta.year, meta.number) and other.date > meta.date:
            what = f"it is dated {meta.date}, but {other.id}, numbered before it, {other.date}"
            yield _at(manuscript, ("date",), what, "mend one of the two dates")
            return


def _past_events(manuscript: Manuscript) -> Iterator[Fault]:
    """Events that are over when the issue comes out: nobody needs their calendar files."""
    day = manuscript.issue.meta.date.isoformat()
    for page in manuscript.articles:
        for kind, block in page.blocks:
            data = block.data if isinstance(block.data, dict) else {}
            key = "ends" if data.get("ends") else "starts"
            if kind == "event" and isinstance(when := data.get(key), str) and when[: len(day)] < day:
                what = f"the event was over on {when[: len(day)]}, before the issue comes out on {day}"
                yield Fault(page.file, block.place_of((key,)), what, "mend the date, or tell of it in the text")
