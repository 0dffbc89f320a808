"""Loads publications and issues from their folders and tells every fault at once."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from string import Formatter

from pressrun.finding import Finding, Severity
from pressrun.source.body import read_body
from pressrun.source.issue import Article, Issue, Section
from pressrun.source.media import Picture, read_picture
from pressrun.source.model import SLUG, ArticleFile, IssueFile, Publication
from pressrun.source.text import read_text, split_front_matter
from pressrun.source.validation import Model, validate
from pressrun.source.yamlfile import Path as KeyPath
from pressrun.source.yamlfile import Place, YamlText, each_text, read_yaml

PUBLICATION_FILE = "publication.yaml"
ISSUE_FILE = "issue.yaml"
RESERVED = frozenset({"preview", "health"})  # paths of the web server beside the publications'


@dataclass(frozen=True)
class LoadedIssue:
    """The issue, unless a fault forbids; and what was found."""

    issue: Issue | None
    findings: tuple[Finding, ...]


@dataclass
class _Reading:
    """What one load has gathered so far."""

    folder: Path
    findings: list[Finding] = field(default_factory=list)
    pictures: dict[str, Picture] = field(default_factory=dict)

    def find(self, file: Path, place: Place, code: str, message: str, hint: str) -> None:
        """Add a fault."""
        self.findings.append(
            Finding(path=str(file), line=place.line, column=place.column, code=code, message=message, hint=hint)
        )


def load_publication(folder: Path) -> tuple[Publication | None, list[Finding]]:
    """The publication in `folder`, or None; and what was found."""
    reading = _Reading(folder)
    _check_name(reading, folder / PUBLICATION_FILE, "publication")
    publication, text = _read_model(reading, folder / PUBLICATION_FILE, Publication)
    if publication:
        _check_label(reading, folder / PUBLICATION_FILE, publication, text)
    return (None if reading.findings else publication), reading.findings


def _check_name(reading: _Reading, file: Path, what: str) -> None:
    """The folder's name is the publication's or issue's in addresses, feed ids and commands."""
    if not re.fullmatch(SLUG, file.parent.name):
        message = f"the {what}'s folder is called {file.parent.name!r}"
        reading.find(file, Place(1, 1), "bad-name", message, "rename it: lower-case letters, digits and hyphens only")
    elif what == "publication" and file.parent.name in RESERVED:
        message = f"{file.parent.name!r} is a page of pressrun's own web server"
        reading.find(file, Place(1, 1), "bad-name", message, "choose another name for the folder")


def _check_label(reading: _Reading, file: Path, publication: Publication, text: YamlText) -> None:
    if not _can_fill(publication.issue_label):
        place = text.place_of(("issue_label",))
        hint = "use only {year}, {number} and {total}; write {{ for a brace"
        reading.find(file, place, "bad-value", "issue_label can't be filled in", hint)


def _can_fill(label: str) -> bool:
    try:
        fields = [field for _, *field in Formatter().parse(label) if field[0] is not None]
    except ValueError:  # a single brace
        return False
    # A width such as {number:02} is all that a number needs; {year:9999999999} would fill the memory.
    return all(
        name in ("year", "number", "total") and not conversion and re.fullmatch(r"0?\d?d?", form or "")
        for name, form, conversion in fields
    )


def load_issue(folder: Path) -> LoadedIssue:
    """The issue in `folder`, whose publication is the folder above."""
    publication, findings = load_publication(folder.parent)
    reading = _Reading(folder, findings)
    file = folder / ISSUE_FILE
    _check_name(reading, file, "issue")
    meta, text = _read_model(reading, file, IssueFile)
    articles = _read_articles(reading)
    _check_listing(reading, file, text, articles)
    _read_pictures(reading, file, text.data, text.places)
    if publication is None or meta is None or any(f.severity is Severity.ERROR for f in reading.findings):
        return LoadedIssue(None, tuple(reading.findings))
    sections = tuple(
        Section(section, tuple(article for slug in section.articles if (article := articles[slug])))
        for section in meta.sections
    )
    issue = Issue(folder.parent.name, publication, folder.name, folder, meta, sections, reading.pictures)
    return LoadedIssue(issue, tuple(reading.findings))


def _read_model(reading: _Reading, file: Path, model: type[Model]) -> tuple[Model | None, YamlText]:
    if not file.is_file():
        reading.find(file, Place(1, 1), "missing-file", f"{file.name} is missing", "write it; see docs/writing.md")
        return None, YamlText()
    text, findings = read_text(file)
    reading.findings += findings
    if text is None:
        return None, YamlText()
    yaml_text = read_yaml(text, str(file))
    value, findings = validate(model, yaml_text, str(file))
    reading.findings += findings
    return value, yaml_text


def _read_articles(reading: _Reading) -> dict[str, Article | None]:
    """Every article file of the folder by slug; None where a fault forbids."""
    files = sorted(reading.folder.glob("*.md"))
    return {file.stem: _read_article(reading, file) for file in files}


def _read_article(reading: _Reading, file: Path) -> Article | None:
    text, findings = read_text(file)
    reading.findings += findings
    if text is None:
        return None
    parts, findings = split_front_matter(text, file)
    reading.findings += findings
    if parts is None:
        return None
    head = read_yaml(parts.head, str(file), Place(parts.head_line, 1))
    meta, findings = validate(ArticleFile, head, str(file))
    reading.findings += findings
    body, findings = read_body(parts.body, str(file), parts.body_line)
    reading.findings += findings
    _read_pictures(reading, file, head.data, head.places)
    for directive in body.directives:
        _read_pictures(reading, file, directive.block.model_dump(), directive.places)
    return Article(file.stem, file, meta, body.blocks) if meta else None


def _check_listing(reading: _Reading, file: Path, text: YamlText, articles: dict[str, Article | None]) -> None:
    """Each article listed once, each listed one there, and no name taken twice, whatever else is wrong."""
    sections = text.data.get("sections") if isinstance(text.data, dict) else None
    if not isinstance(sections, list) or not sections:
        return
    names = list(_names_in(sections))
    taken: set[str] = set()
    for at, name in names:
        if name in taken:
            _find_duplicate(reading, file, text.place_of(at), name)
        elif at[-2] == "articles" and name not in articles and re.fullmatch(SLUG, name):
            what = f"there is no file {name}.md"
            reading.find(file, text.place_of(at), "missing-file", what, f"write {name}.md or take the line out")
        taken.add(name)
    listed = {name for at, name in names if at[-2] == "articles"}
    for slug in sorted(articles.keys() - listed):
        article_file = reading.folder / f"{slug}.md"
        hint = f"list {slug} under a section of {ISSUE_FILE}, or remove the file"
        reading.find(article_file, Place(1, 1), "article-unlisted", "no section lists this article", hint)


def _names_in(sections: list[object]) -> Iterator[tuple[KeyPath, str]]:
    """Every slug that the sections name, theirs and their articles'."""
    for n, section in enumerate(sections):
        if not isinstance(section, dict):
            continue
        if isinstance(slug := section.get("slug"), str):
            yield ("sections", n, "slug"), slug
        for m, name in enumerate(articles if isinstance(articles := section.get("articles"), list) else ()):
            if isinstance(name, str):
                yield ("sections", n, "articles", m), name


def _find_duplicate(reading: _Reading, file: Path, place: Place, slug: str) -> None:
    what = f"{slug} names two things in this issue"
    reading.find(file, place, "duplicate-slug", what, "list an article once, and give each section its own slug")


def _read_pictures(reading: _Reading, file: Path, data: object, places: dict[KeyPath, Place]) -> None:
    for at, name in each_text(data):
        if not name.startswith("media/") or at[-1:] not in (("image",), ("cover",)) or name in reading.pictures:
            continue
        picture = Path(os.path.realpath(reading.folder / name))  # Path.resolve raises on a loop of links
        place = places.get(at, Place(1, 1))
        if not picture.is_relative_to((reading.folder / "media").resolve()):
            reading.find(file, place, "bad-value", f"{name} leads out of media/", "keep pictures in media/")
        elif not os.path.isfile(picture):  # noqa: PTH113 - Path.is_file raises on a name that is too long
            reading.find(file, place, "missing-file", f"there is no picture {name}", "add it, or mend its name")
        else:
            _read_picture(reading, file, place, name, reading.folder / name)


def _read_picture(reading: _Reading, file: Path, place: Place, name: str, picture: Path) -> None:
    try:
        reading.pictures[name] = read_picture(picture)
    except ValueError as error:
        reading.find(file, place, "bad-picture", f"{name}: {error}", "save it as PNG, JPEG or GIF")
