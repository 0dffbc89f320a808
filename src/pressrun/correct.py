"""Writes the mail of an issue's corrections: a small issue of its own, for an editor to look at and publish.

It is an issue of its own because the delivery log has one row for each issue and address.
"""

from __future__ import annotations

import datetime as dt
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import yaml

from pressrun.errors import PressrunError, UsageError
from pressrun.finding import Severity
from pressrun.plain import render_plain_inline
from pressrun.render.source import FaultyIssueError
from pressrun.site.correction import Note, notes
from pressrun.source.issue import Issue
from pressrun.source.loader import ISSUE_FILE, load_issue
from pressrun.wording import words
from pressrun.workspace import Workspace

_SLUG = "correction"
_PREHEADER = 110
_HEAD = {
    "issue": "# yaml-language-server: $schema=../../.schema/issue.json\n# What was put right in {id}, as a mail.\n",
    "article": "# yaml-language-server: $schema=../../.schema/article.json\n",
}


def correct(workspace: Workspace, name: str, now: dt.datetime) -> Path:
    """Write the corrections of the issue called `name` that no mail told yet, as `<issue>-correction` beside it.

    Gives the new folder. Its lists are the issue's, its number too: `corrects` keeps it out of the count. Raises
    UsageError where there is nothing to tell, FaultyIssueError where the issue has errors.
    """
    folder = workspace.issue_folder(name)
    loaded = load_issue(folder)
    issue = loaded.issue
    if issue is None:
        raise FaultyIssueError(f"{folder.parent.name}/{folder.name}", list(loaded.findings))
    if issue.meta.corrects:
        raise UsageError(f"{issue.key} is a correction itself", f"correct {issue.meta.corrects}")
    told = [each for each in map(_load, workspace.issue_folders(folder.parent.name)) if each]
    earlier = [each for each in told if each.meta.corrects == issue.id]
    new = _untold(issue, [article.file.read_text("utf-8") for each in earlier for article in each.articles])
    if not new:
        remedy = "write what was put right into corrections: of its issue.yaml, with the date"
        raise UsageError(f"{issue.key} has no correction" + (" that no mail told" if earlier else ""), remedy)
    return _write(issue, new, len(earlier), now.astimezone(issue.publication.zone).date())


def _load(folder: Path) -> Issue | None:
    return load_issue(folder).issue


def _untold(issue: Issue, texts: Sequence[str]) -> list[Note]:
    """The corrections that `texts` don't tell; those of the same words are told as often as the words are there."""
    seen: Counter[re.Pattern[str]] = Counter()
    untold: list[Note] = []
    for note in notes(issue):
        told = _told_by(issue, note)
        seen[told] += 1
        if seen[told] > sum(len(told.findall(text)) for text in texts):
            untold.append(note)
    return untold


def _told_by(issue: Issue, note: Note) -> re.Pattern[str]:
    """What `_article_file` writes of `note`. An article is known by the end of its address: titles and hosts change."""
    to = rf"\[.*/{issue.id}/{note.article}/\)" if note.article else r"(?!\[).*"
    return re.compile(rf"^## {to}\s+{re.escape(note.what.strip())}(?=\s*?(?:\n\n|\Z))", re.MULTILINE)


def _write(issue: Issue, new: Sequence[Note], earlier: int, today: dt.date) -> Path:
    """Lay the folder down whole or not at all."""
    place = issue.folder.with_name(f"{issue.id}-{_SLUG}{f'-{earlier + 1}' if earlier else ''}")
    if place.exists():
        raise UsageError(f"{place} is there already", "publish it, or delete it to have it written anew")
    cover = issue.meta.cover.image
    with tempfile.TemporaryDirectory(dir=issue.folder.parent, prefix=".") as name:
        stage = Path(name) / place.name
        (stage / cover).parent.mkdir(parents=True)
        shutil.copyfile(issue.folder / cover, stage / cover)
        (stage / ISSUE_FILE).write_text(
            _HEAD["issue"].format(id=issue.id) + _dump(_issue_file(issue, new, today)), "utf-8"
        )
        (stage / f"{_SLUG}.md").write_text(_article_file(issue, new), "utf-8")
        stage.rename(place)
    loaded = load_issue(place)
    if loaded.issue is None:
        errors = [finding for finding in loaded.findings if finding.severity is Severity.ERROR]
        raise PressrunError(f"{place} was written with a fault: {errors[0]}", "mend it there")
    return place


def _issue_file(issue: Issue, new: Sequence[Note], today: dt.date) -> dict[str, object]:
    say, meta = words(issue.publication.language), issue.meta
    told = render_plain_inline(" ".join(new[0].what.split()))
    values: dict[str, object] = {
        "year": meta.year,
        "number": meta.number,
        "total": meta.total,
        "corrects": issue.id,
        "date": f"{today}",
        "lists": list(meta.lists) if meta.lists is not None else None,
        "title": say["correction_to"].format(issue=issue.label),
        "subject": f"{say['correction']}{say['colon']}{issue.title}",
        "preheader": told if len(told) <= _PREHEADER else f"{told[: _PREHEADER - 1].rstrip()}…",
        "cover": meta.cover.model_dump(exclude_none=True),
        "sections": [{"title": say["correction"], "slug": "corrections", "articles": [_SLUG]}],
        "colophon": meta.colophon.model_dump(mode="json", exclude_none=True) if meta.colophon else None,
        "copyright": meta.copyright,
    }
    return {key: value for key, value in values.items() if value is not None}


def _article_file(issue: Issue, new: Sequence[Note]) -> str:
    say = words(issue.publication.language)
    titles = {article.slug: article.meta.title for article in issue.articles}
    head = _dump({"title": say["correction_to"].format(issue=issue.label)})
    parts = [say["correction_mail"].format(issue=f"[{_plain(issue.title)}]({issue.url})")]
    for note in new:
        about = (titles[note.article], issue.article_url(note.article)) if note.article in titles else None
        parts += [f"## [{_plain(about[0])}]({about[1]})" if about else f"## {_plain(issue.title)}", note.what]
    return f"---\n{_HEAD['article']}{head}---\n" + "\n\n".join(parts) + "\n"


def _plain(text: str) -> str:
    """`text` as Markdown that shows it as it is."""
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>#" else letter for letter in text)


def _dump(values: dict[str, object]) -> str:
    return yaml.safe_dump(values, allow_unicode=True, sort_keys=False, width=4096)
