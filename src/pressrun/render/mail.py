"""Renders an issue as mail, once for all recipients: HTML through MJML, and its plain-text twin."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from markupsafe import Markup

from pressrun.render.edition import Edition
from pressrun.render.environment import make_html_environment, make_text_environment, render_template
from pressrun.render.heading import shift_headings
from pressrun.render.mjml import compile_mjml
from pressrun.render.slot import SlotTokens
from pressrun.render.theme import Theme, load_theme
from pressrun.source.issue import Issue
from pressrun.source.loader import ISSUE_FILE, PUBLICATION_FILE
from pressrun.wording import words

BUDGET_OCTETS = 90 * 1024  # over this a warning; Gmail clips a message near 102 KB
LIMIT_OCTETS = 100 * 1024

_RENDERERS = ("pressrun", "mjml-python", "jinja2", "markdown-it-py", "mdit-py-plugins", "nh3", "css-inline", "lxml")
_GAP = re.compile(r"\n{4,}")
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

    @property
    def octets(self) -> int:
        """The HTML's size, which mail programs clip by."""
        return len(self.edition.html.encode())


def render(issue: Issue, template_folders: list[Path]) -> Rendering:
    """The edition of `issue` with its slots open. The same inputs give the same bytes.

    Raises RenderError where a template fails or makes what mail can't be.
    """
    theme = load_theme(issue.publication.theme, template_folders)
    edition_id = hash_inputs(issue, template_folders)
    tokens = SlotTokens(f"s{edition_id[:12]}")
    values = _values(issue, theme, tokens)
    marked = compile_mjml(_render_mjml(issue, theme, template_folders, values), _name(issue, "mail.mjml.j2"))
    text = render_template(make_text_environment(template_folders), _name(issue, "mail.txt.j2"), **values)
    edition = _make_edition(issue, edition_id, tokens, _MARK.sub("", marked), _tidy(text))
    return Rendering(edition, tuple(_measure(marked)))


def hash_inputs(issue: Issue, template_folders: list[Path]) -> str:
    """The SHA-256 over all that goes into an edition: name, source files, pictures, templates, renderers' versions."""
    digest = hashlib.sha256()
    digest.update(f"{issue.key}\n".encode())  # addresses in the mail are made of it
    for package in _RENDERERS:
        digest.update(f"{package} {version(package)}\n".encode())
    # Only what the mail is made of: an editor's backup file or an unused picture makes no other edition.
    sources = [issue.folder / ISSUE_FILE, *(article.file for article in issue.articles)]
    files = {f"issue/{file.name}": file for file in sources}
    files |= {f"issue/{name}": picture.file for name, picture in issue.pictures.items()}
    files["publication.yaml"] = issue.folder.parent / PUBLICATION_FILE
    theme = Path("themes") / issue.publication.theme
    for folder in reversed(template_folders):  # the first folder's files win
        files |= {str(file.relative_to(folder)): file for file in (folder / theme).rglob("*") if file.is_file()}
    for name, file in sorted(files.items()):
        digest.update(f"{name} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def _name(issue: Issue, template: str) -> str:
    return f"themes/{issue.publication.theme}/{template}"


def _values(issue: Issue, theme: Theme, tokens: SlotTokens) -> dict[str, object]:
    language = issue.publication.language
    return {
        "issue": issue,
        "language": language,
        "cjk": language.split("-")[0] in ("zh", "ja", "ko"),
        "slogan": issue.meta.slogan or issue.publication.slogan,
        "greeting": bool(issue.publication.greeting or issue.publication.greeting_anonymous),
        "words": words(language),
        "slots": tokens,
        "media": _media_address(issue),
        "theme_name": issue.publication.theme,
        "theme": theme,
        "light": theme.light,
        "dark": theme.dark,
        "face": theme.typeface(language),
    }


def _media_address(issue: Issue) -> Callable[[str], str]:
    return lambda name: f"{issue.url}{name}"


def _render_mjml(issue: Issue, theme: Theme, folders: list[Path], values: Mapping[str, object]) -> str:
    style = render_template(make_text_environment(folders), _name(issue, "prose.css.j2"), **values)
    environment = make_html_environment(folders, style)
    environment.filters["shift_headings"] = lambda html, top: Markup(shift_headings(html, top))
    return render_template(environment, _name(issue, "mail.mjml.j2"), **values)


def _tidy(text: str) -> str:
    """`text` with no more than two empty lines together, and no blanks at the end of a line."""
    return _GAP.sub("\n\n\n", "\n".join(line.rstrip() for line in text.strip().split("\n"))) + "\n"


def _measure(marked: str) -> Iterator[PartSize]:
    """Each part's octets, from the marks the theme leaves in the HTML."""
    marks = [*_MARK.finditer(marked)]
    ends = [*(mark.start() for mark in marks), len(marked)]
    for n, mark in enumerate(marks):
        level = 0 if mark[1] == "part" else 1
        until = next((m for m in range(n + 1, len(marks)) if marks[m][1] == "part" or level), len(marks))
        yield PartSize(mark[2], level, len(_MARK.sub("", marked[mark.end() : ends[until]]).encode()))


def _make_edition(issue: Issue, edition_id: str, tokens: SlotTokens, html: str, text: str) -> Edition:
    publication = issue.publication
    return Edition(
        id=edition_id,
        nonce=tokens.nonce,
        issue=issue.key,
        title=issue.title,
        subject=issue.subject,
        language=publication.language,
        sender_name=publication.sender.name,
        sender_address=publication.sender.address,
        reply_to=publication.reply_to,
        list_id=publication.list_id,
        list_title=publication.title,
        unsubscribe_mail=publication.unsubscribe_mail,
        base_url=publication.base_url,
        url=issue.url,
        greeting=publication.greeting,
        greeting_anonymous=publication.greeting_anonymous,
        published=issue.published,
        html=html,
        text=text,
    )
