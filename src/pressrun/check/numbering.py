"""Rules on how issues are numbered, held against the publication's other issues."""

from __future__ import annotations

from collections.abc import Iterator

from pressrun.check.manuscript import Manuscript, Neighbour
from pressrun.check.rule import Fault, rule
from pressrun.finding import Severity


def _itself(manuscript: Manuscript) -> Neighbour:
    meta = manuscript.issue.meta
    return Neighbour(manuscript.issue.id, meta.year, meta.number, meta.total, meta.date)


def _at(manuscript: Manuscript, key: str, message: str, hint: str, severity: Severity | None = None) -> Fault:
    return Fault(manuscript.own.file, manuscript.own.place_of(key), message, hint, severity)


def _before(manuscript: Manuscript) -> Neighbour | None:
    """The issue before this one, by year and number."""
    own = _itself(manuscript)
    return next(
        (one for one in reversed(manuscript.neighbours) if (one.year, one.number) < (own.year, own.number)), None
    )


@rule("numbering", Severity.WARNING, "Numbers go on from issue to issue, and no two issues share one.")
def find_broken_numbering(manuscript: Manuscript) -> Iterator[Fault]:
    """Numbers that can't be right together with those of the other issues."""
    own = _itself(manuscript)
    for other in manuscript.neighbours:
        if (other.year, other.number) == (own.year, own.number):
            what = f"{other.id} is number {own.number} of {own.year} too"
            yield _at(manuscript, "number", what, "give one of them another number")
        elif other.total == own.total:
            what = f"{other.id} has the running number {own.total} too"
            yield _at(manuscript, "total", what, "give one of them another total")
    before = _before(manuscript)
    if before and before.total != own.total and (fault := _step_fault(before, own)):
        yield _at(manuscript, *fault)


def _step_fault(before: Neighbour, own: Neighbour) -> tuple[str, str, str] | None:
    """What is wrong with the step from one issue to the next: at which key, what, and how to mend it."""
    step = own.total - before.total
    if step < 0:
        what = f"the running number falls from {before.total} ({before.id}) to {own.total}"
        return "total", what, f"it should be {before.total + 1}, or more where issues between are missing here"
    if before.year == own.year and step != own.number - before.number:
        what = f"from {before.id} the number rises by {own.number - before.number}, the running number by {step}"
        return "total", what, f"it should be {before.total + own.number - before.number}"
    if before.year != own.year and step < own.number:
        what = f"it is number {own.number} of {own.year}, but only {step} after {before.id}"
        return "number", what, f"it should be {step} at most, or the total {before.total + own.number} at least"
    return None


@rule("issue-missing", Severity.INFO, "The issue before this one is in the publication's folder.")
def find_missing_issues(manuscript: Manuscript) -> Iterator[Fault]:
    """Running numbers that no issue here has."""
    own, before = _itself(manuscript), _before(manuscript)
    if before and own.total > before.total + 1 and _step_fault(before, own) is None:
        missing = own.total - before.total - 1
        told = f"running number {before.total + 1}" if missing == 1 else f"{missing} running numbers"
        what = f"no issue here has the {told} between {before.id} and this one"
        yield _at(manuscript, "total", what, "add what came out between, or mend the number")
