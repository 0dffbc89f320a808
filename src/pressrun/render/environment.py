"""The Jinja2 environments templates run in: sandboxed, strict, escaping."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from types import CodeType
from urllib.parse import urlsplit

import css_inline
from jinja2 import BytecodeCache, FileSystemLoader, StrictUndefined, TemplateError, TemplateNotFound
from jinja2.bccache import Bucket
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from pressrun.errors import RenderError
from pressrun.markdown import render_inline, render_markdown
from pressrun.plain import display_width, render_plain, render_plain_inline
from pressrun.source.block import Case, Figure, Prose, Quote, Report, Timeline

_KINDS = {Prose: "prose", Figure: "figure", Report: "report", Timeline: "timeline", Case: "case", Quote: "quote"}
# What a template's own expressions can raise, such as a division by nothing or a filter on a value it can't take.
_EXPRESSION_ERRORS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
_TAG = re.compile(r'<[a-z][a-z0-9]*(?: [a-z-]+="[^"]*")+')
_SPACE_IN_STYLE = re.compile(r"(?<=[;:]) +")


class _CompiledTemplates(BytecodeCache):
    """Keeps templates compiled, by file and text: one that changes or is overridden is compiled anew."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code:
            self._codes[bucket.key, bucket.checksum] = bucket.code


# Compiled code depends on whether it escapes, so the two kinds share nothing.
_COMPILED = {True: _CompiledTemplates(), False: _CompiledTemplates()}


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
    except TemplateNotFound as error:
        raise RenderError(
            f"{_template_place(error) or name}: there is no template {error.name}", "mend its name"
        ) from error
    except (TemplateError, *_EXPRESSION_ERRORS) as error:
        raise RenderError(f"{_template_place(error) or name}: {_explain(error)}", "mend the template") from error


def _make_environment(folders: Sequence[Path], *, autoescape: bool) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader([str(folder) for folder in folders]),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        bytecode_cache=_COMPILED[autoescape],
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

    def style(html: str) -> str:
        return _TAG.sub(_mend_tag, inliner.inline_fragment(html, css)) if "<" in html else html

    return style


def _mend_tag(tag: re.Match[str]) -> str:
    """A tag's attributes as XML wants them, which css-inline writes unescaped, and the styles without spaces."""
    name, *attributes = re.split(r' (?=[a-z-]+="[^"]*")', tag[0][1:])
    mended = (_SPACE_IN_STYLE.sub("", each) if each.startswith("style=") else each for each in attributes)
    return "<" + " ".join((name, *(each.replace("<", "&lt;").replace(">", "&gt;") for each in mended)))


def _explain(error: Exception) -> str:
    return str(error) if isinstance(error, TemplateError) else f"{type(error).__name__}: {error}"


def _template_place(error: Exception) -> str:
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
