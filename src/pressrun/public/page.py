"""The shell of the public pages: themed with their publication, in the reader's language, all of it from here."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from pressrun.language import direction
from pressrun.public.doors import Doors
from pressrun.public.wording import page_words, spoken_language
from pressrun.render.environment import make_html_environment, make_text_environment, render_template
from pressrun.render.setting import set_language
from pressrun.render.theme import Theme, load_theme
from pressrun.source.loader import PUBLICATION_FILE, load_publication
from pressrun.source.model import Publication

_STYLE = "public.css"
_HOUSE_THEME = "bulletin"  # of pages that belong to no publication
_POLICY = "default-src 'none'; base-uri 'none'; form-action 'self'; img-src 'self' data:; style-src 'self'"
_A_YEAR = "public, max-age=31536000, immutable"


def find_publication(doors: Doors, name: str) -> Publication | None:
    """The publication in the workspace's folder `name`, as its file is now; None where there is no sound one."""
    folder = next((folder for folder in doors.workspace.publication_folders() if folder.name == name), None)
    if folder is None:
        return None
    stat = (folder / PUBLICATION_FILE).stat()
    return _load(folder, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=64)
def _load(folder: Path, _changed: int, _size: int) -> Publication | None:
    return load_publication(folder)[0]


def render_page(
    doors: Doors,
    publication: str | None,
    template: str,
    *,
    status: int = 200,
    language: str | None = None,
    up: str = "../",
    ancestors: Sequence[str] = (),
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> Response:
    """`templates/public/TEMPLATE` filled with `values`, in the colours and fonts of the publication's theme.

    `publication` is its folder's name; pages of none, or of one that isn't there, have the house's theme. `language` is
    the reader's, the publication's without it. `up` leads from the page to the publication's own address (`../` from
    `/spp/confirm/TOKEN`, empty from `/spp/subscribe`): a proxy may have put it anywhere. `ancestors` are the sites that
    may show the page in a frame. Templates also know `publication`, `words`, `language`, `here`, `up` and `style`.
    """
    owner = find_publication(doors, publication) if publication else None
    spoken = spoken_language(language or (owner.language if owner else "en"))
    theme = _theme_of(doors, owner)
    known = {
        "publication": owner,
        "words": page_words(spoken),
        "language": spoken,
        "direction": direction(spoken),
        "here": set_language(theme, spoken),
        "up": up,
        "style": f"{up}{_STYLE}?v={_hash(_write_style(doors, theme))}",
    }
    environment = _environment(tuple(doors.workspace.template_folders))
    html = render_template(environment, f"public/{template}", **known, **values)
    framed = " ".join(ancestors) or "'none'"
    # The address may be a person's key to their settings: no cache on the way keeps it, no search engine lists it.
    own = {
        "cache-control": "no-store",
        "content-security-policy": f"{_POLICY}; frame-ancestors {framed}",
        "content-language": spoken,
        "x-robots-tag": "noindex",
    }
    return HTMLResponse(html, status, own | dict(headers or {}))


def style_routes(doors: Doors) -> Sequence[BaseRoute]:
    """Where the pages' style sheets are: `/public.css`, and `/PUBLICATION/public.css` for each publication."""

    async def style(request: Request) -> Response:
        name = request.path_params.get("publication")
        text = _write_style(doors, _theme_of(doors, find_publication(doors, name) if name else None))
        is_named = request.query_params.get("v") == _hash(text)
        headers = {"cache-control": _A_YEAR if is_named else "no-cache"}
        return Response(text, 200, headers, "text/css")

    return (Route(f"/{_STYLE}", style), Route(f"/{{publication}}/{_STYLE}", style))


def show_notice(
    doors: Doors,
    publication: str | None,
    title: str,
    text: str,
    *,
    status: int = 200,
    language: str | None = None,
    up: str = "../",
    ancestors: Sequence[str] = (),
    headers: Mapping[str, str] | None = None,
    hint: str = "",
    link: str = "",
    link_text: str = "settings",
    gaps: Mapping[str, object] | None = None,
) -> Response:
    """A page that only says something; `title`, `text`, `hint` and `link_text` are keys of `page_words`.

    `gaps` fill the text's gaps, escaped unless they are markup; the others are as `render_page` has them.
    """
    owner = find_publication(doors, publication) if publication else None
    spoken = spoken_language(language or (owner.language if owner else "en"))
    say = page_words(spoken)
    return render_page(
        doors,
        publication,
        "notice.html.j2",
        status=status,
        language=spoken,
        up=up,
        ancestors=ancestors,
        headers=headers,
        title=say[title],
        text=escape(say[text]).format(**gaps) if gaps else say[text],
        hint=say[hint] if hint else "",
        link=link,
        link_text=say[link_text],
    )


def show_busy(doors: Doors, publication: str, wait: float, language: str, *, up: str = "../") -> Response:
    """Too much came from one network: in `wait` seconds it may go on (RFC 6585 §4)."""
    headers = {"retry-after": str(int(wait) + 1)}
    text = ("too_many_title", "too_many_text")
    return show_notice(doors, publication, *text, status=429, language=language, up=up, headers=headers)


def show_unknown(doors: Doors, publication: str) -> Response:
    """A link that nobody made, or one of a person who is gone: the same page for all of them."""
    return show_notice(doors, publication, "unknown_title", "unknown_text", status=404)


def _theme_of(doors: Doors, publication: Publication | None) -> Theme:
    name = publication.theme if publication else _HOUSE_THEME
    return load_theme(name, doors.workspace.template_folders)


def _write_style(doors: Doors, theme: Theme) -> str:
    environment = _text_environment(tuple(doors.workspace.template_folders))
    return render_template(environment, "public/style.css.j2", theme=theme, light=theme.light, dark=theme.dark)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@lru_cache(maxsize=8)
def _environment(folders: tuple[Path, ...]) -> ImmutableSandboxedEnvironment:
    return make_html_environment(folders)


@lru_cache(maxsize=8)
def _text_environment(folders: tuple[Path, ...]) -> ImmutableSandboxedEnvironment:
    return make_text_environment(folders)
