"""The views of a proof: what each iframe of the frame page holds, and what `pressrun screenshot` draws."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote, unquote

from markupsafe import Markup

from pressrun.language import direction
from pressrun.preview.look import Look
from pressrun.preview.proof import Proof
from pressrun.preview.reader import read_html, read_text
from pressrun.preview.scheme import Scheme, force_scheme, force_scheme_of_css
from pressrun.render.environment import make_html_environment, render_template
from pressrun.render.inline import content_id
from pressrun.source.issue import Issue

_SOURCE = re.compile(r'(<[a-z][^<>]*?\s(?:src|background|poster)=")([^"]*)(")', re.IGNORECASE)
_OUTWARD = re.compile(r'<(a|area)(?=\s)(?=[^<>]*\shref="(?:https?|mailto):)', re.IGNORECASE)


def mail_view(proof: Proof, look: Look) -> str:
    """The mail as a mail program shows it; with images off, who serves it has to forbid them."""
    shown = _point_to_here(read_html(proof.rendering.edition, look.reader), proof.issue)
    return _lead_here(_open_outside(force_scheme(shown, look.scheme)), proof.issue, look.scheme)


def text_view(proof: Proof, look: Look, folders: Sequence[Path]) -> str:
    """The mail's plain text on a page."""
    text, language = read_text(proof.rendering.edition, look.reader), proof.issue.publication.language
    return _render(folders, "text", look.scheme, text=text, language=language)


def archive_view(proof: Proof, path: str, scheme: Scheme) -> tuple[str, str] | None:
    """The archive's page or style sheet at `path`, and its own path; None where the proof has none there."""
    found = proof.find_page(path)
    if found is None:
        return None
    own, text = found
    if own.endswith(".css"):
        return own, force_scheme_of_css(text, scheme)
    if own.endswith(".html"):
        return own, _open_outside(_point_to_here(force_scheme(text, scheme), proof.issue))
    return own, text


def feed_view(proof: Proof, look: Look, folders: Sequence[Path]) -> str:
    """The issue's entries as a feed reader shows them."""
    publication = proof.issue.publication
    entries = [(entry, Markup(_point_to_here(entry.content, proof.issue))) for entry in proof.entries]
    page = _render(
        folders, "feed", look.scheme, publication=publication, entries=entries, language=publication.language
    )
    return _lead_here(_open_outside(page), proof.issue, look.scheme)


def empty_view(scheme: Scheme, folders: Sequence[Path]) -> str:
    """What stands where there is no proof yet."""
    return _render(folders, "empty", scheme, language="en")


def _render(folders: Sequence[Path], name: str, scheme: Scheme, *, language: str, **values: object) -> str:
    environment = make_html_environment(folders)
    page = render_template(
        environment, f"preview/{name}.html.j2", language=language, direction=direction(language), **values
    )
    return force_scheme(page, scheme)


def _point_to_here(page: str, issue: Issue) -> str:
    """`page` with the issue's pictures where the preview serves them, whichever way the page names them."""
    here = dict(_addresses(issue))

    def point(source: re.Match[str]) -> str:
        address = here.get(unquote(html.unescape(source[2]).removeprefix("../")))
        return f"{source[1]}{address}{source[3]}" if address else source[0]

    return _SOURCE.sub(point, page)


def _addresses(issue: Issue) -> Iterator[tuple[str, str]]:
    """Every name a page may have for a picture, and its address here: one for all views, until its file changes."""
    for name, picture in issue.pictures.items():
        address = f"/{quote(name)}{_stamp_of(picture.file)}"
        yield name, address
        yield f"{issue.url}{name}", address
        yield f"cid:{content_id(name, issue.publication.list_id)}", address


def _stamp_of(file: Path) -> str:
    try:
        found = file.stat()
    except OSError:  # gone since the proof was made: the view shows that
        return ""
    return f"?v={found.st_mtime_ns:x}-{found.st_size:x}"


def _open_outside(page: str) -> str:
    """`page` whose links to elsewhere open a tab of their own: a view shows the issue and nothing else."""
    return _OUTWARD.sub(r'<\1 target="_blank" rel="noopener noreferrer"', page)


def _lead_here(page: str, issue: Issue, scheme: Scheme) -> str:
    """`page` whose links to the issue in the archive lead to the one shown here: the other isn't there yet."""
    here = f"/view/archive/{scheme}/{quote(issue.id)}/"
    return page.replace(f'href="{html.escape(issue.url)}', f'href="{here}')
