"""Which issues a build shows: what each folder says of itself, held against the clock and the store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pressrun.site.digest import digest_folder, digest_of, join_digests
from pressrun.site.record import Record
from pressrun.site.withheld import Standing, Terms, judge, terms_of
from pressrun.source.loader import ISSUE_FILE, PUBLICATION_FILE, load_publication
from pressrun.source.model import IssueFile
from pressrun.source.text import read_text
from pressrun.source.validation import validate
from pressrun.source.yamlfile import read_yaml


@dataclass(frozen=True)
class Found:
    """An issue's folder: the name of all it is made from, and its terms, None where its files don't tell them."""

    folder: Path
    source: str
    terms: Terms | None

    @property
    def key(self) -> str:
        """`publication/issue`."""
        return f"{self.folder.parent.name}/{self.folder.name}"


@dataclass(frozen=True)
class Withheld:
    """An issue that is not shown, and why."""

    key: str
    reason: str


@dataclass(frozen=True)
class Choice:
    """The issues of one publication that are shown, and those that are not."""

    folder: Path
    shown: tuple[Found, ...]
    withheld: tuple[Withheld, ...]

    @cached_property
    def made_from(self) -> str:
        """The name of all that the publication's folder is made from."""
        return join_digests(part for issue in self.shown for part in (issue.folder.name, issue.source))


class Judgement:
    """Decides by the moment, by what the store knows, which is asked only where that matters, and by what is named."""

    def __init__(self, now: dt.datetime, ask: Callable[[], Standing], shown: Collection[str]) -> None:
        self._now, self._ask, self._shown = now, ask, shown

    @cached_property
    def _standing(self) -> Standing:
        return self._ask()

    def reason(self, issue: Found) -> str | None:
        """Why `issue` is withheld; None where it is shown. One that can't be read is: its faults stop the build."""
        if (
            issue.terms is None
            or issue.key in self._shown
            or judge(issue.key, issue.terms, self._now, Standing()) is None
        ):
            return None
        return judge(issue.key, issue.terms, self._now, self._standing)


def choose(folder: Path, issues: Sequence[Path], record: Record | None, makers: str, judgement: Judgement) -> Choice:
    """The choice among `issues` of the publication in `folder`; `makers` names what makes pages of them."""
    found = [_find(issue, record, makers) for issue in issues]
    reasons: Mapping[str, str | None] = {issue.key: judgement.reason(issue) for issue in found}
    withheld = tuple(Withheld(key, reason) for key, reason in reasons.items() if reason)
    return Choice(folder, tuple(issue for issue in found if not reasons[issue.key]), withheld)


def _find(folder: Path, record: Record | None, makers: str) -> Found:
    publication = digest_of((folder.parent / PUBLICATION_FILE).read_bytes())
    source = join_digests((makers, publication, digest_folder(folder)))
    known = record.issues.get(folder.name) if record else None
    return Found(folder, source, known.terms if known and known.source == source else _read_terms(folder))


def _read_terms(folder: Path) -> Terms | None:
    """The terms of an issue, without reading its articles: a draft that is withheld may have faults."""
    publication, _ = load_publication(folder.parent)
    text, _ = read_text(folder / ISSUE_FILE)
    if publication is None or text is None:
        return None
    meta, _ = validate(IssueFile, read_yaml(text, ISSUE_FILE), ISSUE_FILE)
    return terms_of(publication, meta) if meta else None
