"""The rule on headings in articles: one level after another."""

from __future__ import annotations

from collections.abc import Iterator

from pressrun.check.manuscript import Manuscript
from pressrun.check.page import Heading
from pressrun.check.rule import Fault, rule
from pressrun.finding import Severity
from pressrun.source.yamlfile import Place

_TOP = 2  # the article's title is above


@rule("heading-order", Severity.WARNING, "Headings go down one level at a time, from ##, and have words.")
def find_skipped_levels(manuscript: Manuscript) -> Iterator[Fault]:
    """Headings chosen for their size: people who listen to a text find their way by levels."""
    for page in manuscript.articles:
        above = _TOP - 1
        for heading in page.headings:
            if fault := _fault_of(heading, above):
                yield Fault(page.file, Place(heading.line, 1), *fault)
            above = heading.level


def _fault_of(heading: Heading, above: int) -> tuple[str, str] | None:
    marks, wanted = "#" * heading.level, "#" * (above + 1)
    if not heading.text.strip():
        return "this heading has no words", f"write it after the {marks}, or take the line away"
    if heading.level > above + 1:
        before = "the first heading" if above < _TOP else f"the one after {'#' * above}"
        return f"{marks} is too deep for {before}", f"write {wanted} {heading.text}"
    return None
