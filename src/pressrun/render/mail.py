"""Renders an issue as mail, once for all recipients: HTML through MJML, and its plain-text twin."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path

from pressrun.render.edition import Edition, File
from pressrun.render.excerpt import excerpt, excerpted
from pressrun.render.inline import put_inline
from pressrun.render.kind import kinds_of_reader
from pressrun.render.personal import Personal
from pressrun.render.slot import SlotTokens, select_blocks
from pressrun.render.theme import find_theme
from pressrun.render.writing import write_html, write_text
from pressrun.source.attachment import AttachedFile
from pressrun.source.issue import Issue
from pressrun.source.loader import ISSUE_FILE, PUBLICATION_FILE
from pressrun.tracking import find_links
from pressrun.typography import typeset

BUDGET_OCTETS = 90 * 1024  # over this a warning; Gmail clips a message near 102 KB
LIMIT_OCTETS = 100 * 1024

_RENDERERS = ("pressrun", "mjml-python", "jinja2", "markdown-it-py", "mdit-py-plugins", "nh3", "css-inline", "lxml")
_ATTEMPTS = 5  # at a mail within its budget
_MARK = re.compile(r"<!--(part|article) ([\w-]+)-->")


@dataclass(frozen=True)
class PartSize:
    """How many octets of the HTML a part of the issue takes; `level` 0 is a section, 1 an article in it."""

    name: str
    level: int
    octets: int


@dataclass(frozen=True)
class Rendering:
    """An edition and what its HTML weighs, part by part."""

    edition: Edition
    parts: tuple[PartSize, ...]
    excerpted: tuple[str, ...] = ()
    """The articles that end early, as the mail would be over its budget with all of them."""

    @cached_property
    def octets(self) -> int:
        """The HTML's size, which mail programs clip by; the largest, where readers see different parts."""
        edition, kinds = self.edition, kinds_of_reader(self.edition.conditions)
        if not edition.conditions or kinds is None:
            return len(edition.html.encode())
        tokens = SlotTokens(edition.nonce)
        return max(len(select_blocks(edition.html, tokens, met).encode()) for met in kinds)

    @property
    def heaviest(self) -> tuple[PartSize, ...]:
        """The three articles that take the most, the heaviest first."""
        return tuple(sorted((part for part in self.parts if part.level), key=lambda part: -part.octets)[:3])

    @property
    def message_octets(self) -> int | None:
        """About what a message weighs on the way, where pictures or attachments are in it; None where none are."""
        edition = self.edition
        files = [len(file.content) for file in (*edition.inline, *edition.attachments)]
        texts = [len(text.encode()) for text in (edition.html, edition.text)]
        return sum(math.ceil(octets / 57) * 78 for octets in (*files, *texts)) if files else None


def render(issue: Issue, template_folders: list[Path]) -> Rendering:
    """The edition of `issue` with its slots open. The same inputs give the same bytes.

    Raises RenderError where a template fails or makes what mail can't be.
    """
    edition_id = hash_inputs(issue, template_folders)
    whole = _render(issue, edition_id, template_folders)
    if issue.mail_text == "full" or whole.octets <= BUDGET_OCTETS:
        return whole
    weights = {part.name: part.octets for part in whole.parts if part.level}
    shortened, over = whole, 0
    for attempt in range(_ATTEMPTS):
        # What will go can only be estimated before it is rendered; the last attempt takes away all that may go.
        over = over + shortened.octets - BUDGET_OCTETS if attempt + 1 < _ATTEMPTS else whole.octets
        shortened = _render(excerpt(issue, weights, over), edition_id, template_folders)
        if shortened.octets <= BUDGET_OCTETS:
            break
    return shortened


def _render(issue: Issue, edition_id: str, template_folders: list[Path]) -> Rendering:
    personal = Personal(SlotTokens(f"s{edition_id[:12]}"))
    written = personal.write_issue(issue)
    marked, text = write_html(written, template_folders, personal), write_text(written, template_folders, personal)
    edition = _make_edition(written, edition_id, personal, _MARK.sub("", marked), text)
    return Rendering(edition, tuple(_measure(marked)), excerpted(issue))


_version = cache(version)  # read from disk each time, else


def hash_inputs(issue: Issue, template_folders: list[Path]) -> str:
    """The SHA-256 over all that goes into an edition: name, source files, pictures, templates, renderers' versions."""
    digest = hashlib.sha256()
    digest.update(f"{issue.key}\n".encode())  # addresses in the mail are made of it
    for package in _RENDERERS:
        digest.update(f"{package} {_version(package)}\n".encode())
    # Only what the mail is made of: an editor's backup file or an unused picture makes no other edition.
    sources = [issue.folder / ISSUE_FILE, *(article.file for article in issue.articles)]
    files = {f"issue/{file.name}": file for file in sources}
    files |= {f"issue/{name}": picture.file for name, picture in issue.pictures.items()}
    files |= {f"attachment/{attached.name}": attached.file for attached in issue.attachments}
    files["publication.yaml"] = issue.folder.parent / PUBLICATION_FILE
    theme = find_theme(issue.publication.theme, template_folders)
    files |= {f"theme/{name}": file for name, file in theme.templates().items()}
    files |= {f"theme.yaml/{n}": file for n, file in enumerate(theme.tokens)}
    for name, file in sorted(files.items()):
        digest.update(f"{name} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    digest.update(_tell_personal(issue).encode())
    return digest.hexdigest()


def _tell_personal(issue: Issue) -> str:
    """The issue's fields and conditions as they were spelled out by files beside it: segments, declared fallbacks."""
    personal = Personal(SlotTokens("none"))
    personal.write_issue(issue)
    personal.slots(issue.publication)
    for condition in (*(section.meta.when for section in issue.sections), *(one.condition for one in issue.articles)):
        personal.begin(condition)
    return "".join(f"{known!r}\n" for known in (*personal.conditions, *personal.fields))


def _measure(marked: str) -> Iterator[PartSize]:
    """Each part's octets, from the marks the theme leaves in the HTML."""
    marks = [*_MARK.finditer(marked)]
    ends = [*(mark.start() for mark in marks), len(marked)]
    for n, mark in enumerate(marks):
        level = 0 if mark[1] == "part" else 1
        until = next((m for m in range(n + 1, len(marks)) if marks[m][1] == "part" or level), len(marks))
        yield PartSize(mark[2], level, len(_MARK.sub("", marked[mark.end() : ends[until]]).encode()))


def _make_edition(issue: Issue, edition_id: str, personal: Personal, html: str, text: str) -> Edition:
    publication = issue.publication
    shown, inline = put_inline(html, issue) if publication.images == "inline" else (html, ())
    has_fields = personal.has_fields_in_greeting(publication)  # then the greeting is written into the texts
    return Edition(
        id=edition_id,
        nonce=personal.nonce,
        issue=issue.key,
        title=issue.title,
        subject=typeset(issue.subject, publication.language, binding=False),
        language=publication.language,
        sender_name=publication.sender.name,
        sender_address=publication.sender.address,
        reply_to=publication.reply_to,
        list_id=publication.list_id,
        list_title=publication.title,
        unsubscribe_mail=publication.unsubscribe_mail,
        base_url=publication.base_url,
        url=issue.url,
        greeting=None if has_fields else publication.greeting,
        greeting_anonymous=None if has_fields else publication.greeting_anonymous,
        published=issue.published,
        html=shown,
        text=text,
        return_path=publication.return_path,
        verp=publication.verp,
        eight_bit=publication.eight_bit,
        fields=personal.fields,
        conditions=personal.conditions,
        inline=inline,
        attachments=tuple(_attach(attached) for attached in issue.attachments),
        clicks=publication.tracking.clicks,
        opens=publication.tracking.opens,
        links=find_links(shown, personal.nonce, (issue.url,)) if publication.tracking.clicks != "none" else (),
    )


def _attach(attached: AttachedFile) -> File:
    return File(name=attached.name, media_type=attached.media_type, content=attached.file.read_bytes())
