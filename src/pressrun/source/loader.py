"""Loads publications and issues from their folders and tells every fault at once."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Formatter

from pressrun.condition import ANYTHING, Vocabulary
from pressrun.finding import Finding, Severity
from pressrun.segment import issue_vocabulary
from pressrun.source import personal
from pressrun.source.attachment import AttachedFile, is_refused, media_type_of
from pressrun.source.body import read_body
from pressrun.source.issue import Article, Issue, Section, send_lists
from pressrun.source.media import Picture, read_picture
from pressrun.source.model import ArticleFile, Attachment, IssueFile, Publication
from pressrun.source.spelling import spell_out_article, spell_out_blocks, spell_out_issue, spell_out_publication
from pressrun.source.text import read_text, split_front_matter
from pressrun.source.validation import Model, validate
from pressrun.source.value import SLUG
from pressrun.source.yamlfile import Path as KeyPath
from pressrun.source.yamlfile import Place, YamlText, each_text, read_yaml

PUBLICATION_FILE = "publication.yaml"
ISSUE_FILE = "issue.yaml"
RESERVED = frozenset({"preview", "health"})  # paths of the web server beside the publications'
ISSUE_RESERVED = frozenset({"confirm", "preferences", "subscribe", "unsubscribe"})  # and beside its issues
SITE_FOLDERS = frozenset({"sections"})  # what the site has beside the issues: the sections' feeds


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
    vocabulary: Vocabulary = ANYTHING
    """What conditions may ask for."""
    pictures: dict[str, Picture] = field(default_factory=dict)

    def find(self, file: Path, place: Place, code: str, message: str, hint: str) -> None:
        """Add a fault."""
        self.findings.append(
            Finding(path=str(file), line=place.line, column=place.column, code=code, message=message, hint=hint)
        )


def load_publication(folder: Path) -> tuple[Publication | None, list[Finding]]:
    """The publication in `folder`, or None; and what was found."""
    reading = _Reading(folder, vocabulary=issue_vocabulary(folder.parent.parent))
    _check_name(reading, folder / PUBLICATION_FILE, "publication")
    publication, text = _read_model(reading, folder / PUBLICATION_FILE, Publication, personal.PUBLICATION)
    if publication:
        _check_label(reading, folder / PUBLICATION_FILE, publication, text)
    if publication is None or any(finding.severity is Severity.ERROR for finding in reading.findings):
        return None, reading.findings
    return spell_out_publication(publication, reading.vocabulary), reading.findings


def _check_name(reading: _Reading, file: Path, what: str) -> None:
    """The folder's name is the publication's or issue's in addresses, feed ids and commands."""
    if not re.fullmatch(SLUG, file.parent.name):
        message = f"the {what}'s folder is called {file.parent.name!r}"
        reading.find(file, Place(1, 1), "bad-name", message, "rename it: lower-case letters, digits and hyphens only")
    elif file.parent.name in (RESERVED if what == "publication" else ISSUE_RESERVED):
        message = f"{file.parent.name!r} is a page of pressrun's own web server"
        reading.find(file, Place(1, 1), "bad-name", message, "choose another name for the folder")
    elif what == "issue" and file.parent.name in SITE_FOLDERS:
        message = f"{file.parent.name!r} is a folder of the site's own feeds"
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
    reading = _Reading(folder, findings, issue_vocabulary(folder.parent.parent.parent))
    file = folder / ISSUE_FILE
    _check_name(reading, file, "issue")
    meta, text = _read_model(reading, file, IssueFile, personal.ISSUE)
    articles = _read_articles(reading)
    _check_listing(reading, file, text, articles)
    _check_names(reading, file, meta, text, articles)
    _read_pictures(reading, file, text.data, text.places)
    attachments = _read_attachments(reading, file, meta.attachments if meta else (), text)
    if publication and meta and meta.send_at and not send_lists(publication, meta):
        what, hint = "it goes out by itself, but to no list", "add lists here or in publication.yaml"
        reading.find(file, text.key_place_of(("send_at",)), "lists-missing", what, hint)
    if publication is None or meta is None or any(f.severity is Severity.ERROR for f in reading.findings):
        return LoadedIssue(None, tuple(reading.findings))
    meta = spell_out_issue(meta, reading.vocabulary)
    sections = tuple(
        Section(section, tuple(article for slug in section.articles if (article := articles[slug])))
        for section in meta.sections
    )
    issue = Issue(folder.parent.name, publication, folder.name, folder, meta, sections, reading.pictures, attachments)
    return LoadedIssue(issue, tuple(reading.findings))


def _read_model(
    reading: _Reading, file: Path, model: type[Model], kind: personal.Kind
) -> tuple[Model | None, YamlText]:
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
    reading.findings += personal.check_texts(yaml_text, kind, text, 1, str(file), reading.vocabulary)
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
    reading.findings += personal.check_texts(head, personal.ARTICLE, text, 1, str(file), reading.vocabulary)
    body, findings = read_body(parts.body, str(file), parts.body_line, reading.vocabulary)
    reading.findings += findings
    _read_pictures(reading, file, head.data, head.places)
    for directive in body.directives:
        _read_pictures(reading, file, directive.block.model_dump(), directive.places)
    if meta is None:
        return None
    blocks = spell_out_blocks(body.blocks, reading.vocabulary)
    return Article(file.stem, file, spell_out_article(meta, reading.vocabulary), blocks)


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


def _check_names(
    reading: _Reading, file: Path, meta: IssueFile | None, text: YamlText, articles: Collection[str]
) -> None:
    """Corrections and silences are about what the issue has."""
    files = [ISSUE_FILE, PUBLICATION_FILE, *(f"{slug}.md" for slug in articles)]
    for n, correction in enumerate(meta.corrections if meta else ()):
        if correction.article and correction.article not in articles:
            place = text.place_of(("corrections", n, "article"))
            _find_unknown(reading, file, place, "article", correction.article, articles)
    for n, silence in enumerate(meta.silence if meta else ()):
        if silence.file and silence.file not in files:
            _find_unknown(reading, file, text.place_of(("silence", n, "file")), "file", silence.file, files)


def _find_unknown(reading: _Reading, file: Path, place: Place, what: str, name: str, known: Collection[str]) -> None:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known) or 'none'}"
    reading.find(file, place, f"unknown-{what}", f"the issue has no {what} {name}", hint)


def _find_duplicate(reading: _Reading, file: Path, place: Place, slug: str) -> None:
    what = f"{slug} names two things in this issue"
    reading.find(file, place, "duplicate-slug", what, "list an article once, and give each section its own slug")


def _read_pictures(reading: _Reading, file: Path, data: object, places: dict[KeyPath, Place]) -> None:
    for at, name in each_text(data):
        if not name.startswith("media/") or at[-1:] not in (("image",), ("cover",)) or name in reading.pictures:
            continue
        place = places.get(at, Place(1, 1))
        if _is_there(reading, file, place, name, "picture"):
            _read_picture(reading, file, place, name, reading.folder / name)


def _is_there(reading: _Reading, file: Path, place: Place, name: str, what: str) -> bool:
    """Whether the media file `name` exists where it may; a fault where not."""
    real = Path(os.path.realpath(reading.folder / name))  # Path.resolve raises on a loop of links
    # The folder may itself be a link to where pictures are kept; but through such a one any file could be attached.
    within = (reading.folder / "media").resolve() if what == "picture" else reading.folder.resolve() / "media"
    if not real.is_relative_to(within):
        reading.find(file, place, "bad-value", f"{name} leads out of media/", f"keep {what}s in media/")
        return False
    if not os.path.isfile(real):  # noqa: PTH113 - Path.is_file raises on a name that is too long
        reading.find(file, place, "missing-file", f"there is no {what} {name}", "add it, or mend its name")
        return False
    return True


def _read_picture(reading: _Reading, file: Path, place: Place, name: str, picture: Path) -> None:
    try:
        reading.pictures[name] = read_picture(picture)
    except ValueError as error:
        reading.find(file, place, "bad-picture", f"{name}: {error}", "save it as PNG, JPEG or GIF")


def _read_attachments(
    reading: _Reading, file: Path, attachments: Sequence[Attachment], text: YamlText
) -> tuple[AttachedFile, ...]:
    read: dict[str, AttachedFile] = {}
    for n, attachment in enumerate(attachments):
        place = text.place_of(("attachments", n, "name" if attachment.name else "file"))
        name = attachment.name or Path(attachment.file).name
        if not _is_there(reading, file, text.place_of(("attachments", n, "file")), attachment.file, "file"):
            continue
        if _is_fit_name(reading, file, place, name, {*read}) and not _is_refused(reading, file, place, attachment):
            path = reading.folder / attachment.file
            read[name] = AttachedFile(path, name, media_type_of(name), path.stat().st_size)
    return tuple(read.values())


def _is_fit_name(reading: _Reading, file: Path, place: Place, name: str, taken: set[str]) -> bool:
    if not name.isprintable() or set(name) & set('/\\:*?"<>|') or name.startswith("."):
        hint = 'use no / \\ : * ? " < > | in it, and no dot before it'
        reading.find(file, place, "bad-value", f"{name!r} can't be a file's name on every computer", hint)
        return False
    if name in taken:
        reading.find(file, place, "bad-value", f"two attachments are called {name}", "give one another name")
        return False
    return True


def _is_refused(reading: _Reading, file: Path, place: Place, attachment: Attachment) -> bool:
    refused = [name for name in (attachment.name, attachment.file) if name and is_refused(name)]
    if refused:
        what = f"mail servers refuse a file such as {refused[0]}"
        reading.find(file, place, "attachment-refused", what, "link to it, or send a PDF")
    return bool(refused)
