"""The Jinja2 environments templates run in: sandboxed, strict, escaping."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import css_inline
from jinja2 import FileSystemLoader, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from pressrun.errors import RenderError
from pressrun.markdown import render_inline, render_markdown
from pressrun.plain import display_width, render_plain, render_plain_inline
from pressrun.source.block import Case, Figure, Prose, Quote, Report, Timeline

_KINDS = {Prose: "prose", Figure: "figure", Report: "report", Timeline: "timeline", Case: "case", Quote: "quote"}


def make_html_environment(folders: Sequence[Path], prose_css: str = "") -> ImmutableSandboxedEnvironment:
    """For HTML and MJML; with `prose_css` the styles of Markdown's elements are written into them, as mail needs."""
    environment = _make_environment(folders, autoescape=True)
    style = _styler(prose_css)
    environment.filters["markdown"] = lambda text: Markup(style(render_markdown(text)))
    environment.filters["inline"] = lambda text: Markup(style(render_inline(text)))
    return environment


def make_text_environment(folders: Sequence[Path]) -> ImmutableSandboxedEnvironment:
    """For plain text."""
    environment = _make_environment(folders, autoescape=False)
    environment.filters["markdown"] = render_plain
    environment.filters["inline"] = render_plain_inline
    environment.filters["underline"] = lambda text, mark="=": f"{text}\n{mark * min(display_width(text), 72)}"
    return environment


def render_template(environment: ImmutableSandboxedEnvironment, name: str, **values: object) -> str:
    """The template `name` filled with `values`; a fault in it names file and line."""
    try:
        return environment.get_template(name).render(values)
    except TemplateError as error:
        place = _template_place(error, environment)
        raise RenderError(f"{place or name}: {error.message or type(error).__name__}", "mend the template") from error


def _make_environment(folders: Sequence[Path], *, autoescape: bool) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader([str(folder) for folder in folders]),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["kind"] = lambda block: _KINDS[type(block)]
    environment.filters["date"] = format_date
    environment.filters["host"] = lambda url: urlsplit(url).hostname or url
    return environment


def format_date(day: dt.date, language: str) -> str:
    """`day` as a person writes it in `language`: 2026年6月30日, or 30 June 2026."""
    if language.split("-")[0] in ("zh", "ja"):
        return f"{day.year}年{day.month}月{day.day}日"
    months = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ]
    return f"{day.day} {months[day.month - 1]} {day.year}" if language.startswith("en") else day.isoformat()


def _styler(css: str) -> Callable[[str], str]:
    if not css:
        return lambda html: html
    inliner = css_inline.CSSInliner(load_remote_stylesheets=False)
    one_line = re.compile(r";\s+")

    def style(html: str) -> str:
        if "<" not in html:
            return html
        return one_line.sub(";", inliner.inline_fragment(html, css))

    return style


def _template_place(error: TemplateError, environment: ImmutableSandboxedEnvironment) -> str:
    """File and line of a template's fault, from the error itself or the last template frame it passed."""
    line, name = getattr(error, "lineno", None), getattr(error, "filename", None) or getattr(error, "name", None)
    if line and name:
        return f"{name}:{line}"
    place = ""
    trace = error.__traceback__
    while trace:
        file = trace.tb_frame.f_code.co_filename
        if file.endswith((".j2", ".css")):
            place = f"{file}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
