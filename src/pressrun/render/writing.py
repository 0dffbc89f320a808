"""Writes an issue by its theme's templates: as HTML through MJML, and as the plain text that goes with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from pressrun.errors import RenderError
from pressrun.event_time import tell_event_time
from pressrun.render.environment import make_html_environment, make_text_environment, render_template
from pressrun.render.heading import shift_headings
from pressrun.render.inline import hosted_url
from pressrun.render.mjml import compile_mjml
from pressrun.render.personal import Personal
from pressrun.render.setting import set_language
from pressrun.render.tabular import draw_table, figure_columns
from pressrun.render.theme import find_theme, load_theme
from pressrun.source.issue import Article, Issue, Section
from pressrun.wording import words

_GAP = 3  # line ends in a row: two empty lines


def write_html(issue: Issue, template_folders: Sequence[Path], personal: Personal) -> str:
    """`issue` as HTML with its slots open, and with the marks that tell its parts.

    Raises RenderError where a template fails, makes what mail can't be, or shows to all what is for some.
    """
    folders, values = _folders(issue, template_folders), _values(issue, template_folders, personal)
    enclosed = _Enclosed(personal)
    environment = _html_environment(issue, folders, values)
    mjml = render_template(environment, "mail.mjml.j2", **values, begin=enclosed.begin, end=personal.end)
    name = f"themes/{issue.publication.theme}/mail.mjml.j2"
    html = personal.free_html(compile_mjml(mjml, name))
    enclosed.demand(issue, name, html)
    return html


def write_text(issue: Issue, template_folders: Sequence[Path], personal: Personal) -> str:
    """`issue` as plain text with its slots open. Raises RenderError as `write_html` does."""
    folders, values = _folders(issue, template_folders), _values(issue, template_folders, personal)
    enclosed = _Enclosed(personal)
    environment = make_text_environment(folders, issue.publication.language)
    environment.filters["draw_table"] = draw_table
    text = render_template(environment, "mail.txt.j2", **values, begin=enclosed.begin, end=personal.end)
    tidy = _tidy(personal.free_plain(text), personal.block_pattern)
    enclosed.demand(issue, f"themes/{issue.publication.theme}/mail.txt.j2", tidy)
    return tidy


def _folders(issue: Issue, template_folders: Sequence[Path]) -> Sequence[Path]:
    return find_theme(issue.publication.theme, template_folders).folders


def _values(issue: Issue, template_folders: Sequence[Path], personal: Personal) -> dict[str, Any]:
    """What templates know by name."""
    theme, publication = load_theme(issue.publication.theme, template_folders), issue.publication
    return {
        "issue": issue,
        "language": publication.language,
        "here": set_language(theme, publication.language),
        "setting": partial(set_language, theme),
        "event_time": partial(tell_event_time, zone=publication.zone),
        "slogan": issue.meta.slogan or publication.slogan,
        "greeting": bool(publication.greeting or publication.greeting_anonymous),
        "words": words(publication.language),
        "slots": personal.slots(publication),
        "media": lambda name: hosted_url(issue, name),
        "theme": theme,
        "light": theme.light,
        "dark": theme.dark,
        "scale": theme.scale,
    }


def _html_environment(
    issue: Issue, folders: Sequence[Path], values: Mapping[str, Any]
) -> ImmutableSandboxedEnvironment:
    """For a theme's MJML; Markdown's elements get the styles of the language they are in."""
    css, setting = make_text_environment(folders), values["setting"]

    def make(language: str) -> ImmutableSandboxedEnvironment:
        style = render_template(css, "prose.css.j2", **{**values, "here": setting(language)})
        return make_html_environment(folders, style, language)

    environment = make(issue.publication.language)
    own = {article.meta.language for article in issue.articles} - {issue.publication.language, None}
    others = {language: make(language).filters for language in sorted(filter(None, own))}
    for name in ("markdown", "inline"):
        environment.filters[name] = _by_language(name, environment.filters[name], others)
    environment.filters["shift_headings"] = lambda html, top: Markup(shift_headings(html, top))
    environment.filters["figure_columns"] = figure_columns
    return environment


def _by_language(name: str, first: Callable[..., str], others: Mapping[str, dict[str, Any]]) -> Callable[..., str]:
    return lambda text, of=None: others[of][name](text, of) if of in others else first(text, of)


class _Enclosed:
    """What a template encloses for some readers; what it leaves open it would show to all."""

    def __init__(self, personal: Personal) -> None:
        self._personal = personal
        self._conditions: set[str | None] = {None}

    def begin(self, condition: str | None) -> str:
        """The token before what only those see who meet `condition`."""
        self._conditions.add(condition)
        return self._personal.begin(condition)

    def demand(self, issue: Issue, template: str, rendered: str) -> None:
        """Raise where a section or article for some readers is open to all, or blocks don't close as they opened."""
        parts: tuple[Section | Article, ...] = (*issue.sections, *issue.articles)
        for part in parts:
            if part.condition not in self._conditions:
                what = f"{template}: shows to everybody what is only for {part.condition}"
                raise RenderError(what, "write begin(….condition) and end(….condition) around sections and articles")
        try:
            self._personal.select(rendered, {})
        except ValueError as error:
            raise RenderError(f"{template}: {error}", "write begin and end in pairs, one inside of another") from error


def _tidy(text: str, token: str) -> str:
    """`text` with no more than two empty lines together, tokens between them or not, and no blanks at a line's end."""
    lines = "\n".join(line.rstrip() for line in text.strip().split("\n"))
    shorten = re.compile(rf"\n|{token}")

    def close(gap: re.Match[str]) -> str:
        pieces = [piece[0] for piece in shorten.finditer(gap[0])]
        return "".join(piece for n, piece in enumerate(pieces) if piece != "\n" or pieces[:n].count("\n") < _GAP)

    return re.sub(rf"\n(?:(?:{token})*\n){{{_GAP},}}", close, lines) + "\n"
