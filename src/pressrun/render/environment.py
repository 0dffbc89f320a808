"""The Jinja2 environments templates run in: sandboxed, strict, escaping."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from types import CodeType
from typing import ClassVar
from urllib.parse import urlsplit

import css_inline
from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined, TemplateError, TemplateNotFound
from jinja2.bccache import Bucket
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from pressrun.errors import RenderError
from pressrun.event_time import tell_date as format_date
from pressrun.event_time import tell_event_time
from pressrun.language import direction
from pressrun.markdown import NOWRAP, render_inline, render_markdown
from pressrun.plain import display_width, render_plain, render_plain_inline
from pressrun.source.block import KINDS
from pressrun.typography import typeset

# What a template's own expressions can raise, such as a division by nothing or a filter on a value it can't take.
_EXPRESSION_ERRORS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
_TAG = re.compile(r'<[a-z][a-z0-9]*(?: [a-z-]+="[^"]*")+')
_NOWRAP_STYLED = '<span style="white-space:nowrap">'
_SPACE_IN_STYLE = re.compile(r"(?<=[;:]) +")


class _Sandbox(ImmutableSandboxedEnvironment):
    """Remembers which attributes are safe: that depends on a value's class only, and is asked 50,000 times a site."""

    _safe: ClassVar[dict[tuple[type, str], bool]] = {}

    def is_safe_attribute(self, obj: object, attr: str, value: object) -> bool:
        kind = (type(obj), attr)
        if kind not in self._safe:
            self._safe[kind] = super().is_safe_attribute(obj, attr, value)
        return self._safe[kind]


class _CompiledTemplates(BytecodeCache):
    """Keeps templates compiled, by file and text: one that changes or is overridden is compiled anew."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code:
            self._codes[bucket.key, bucket.checksum] = bucket.code


class _OwnFiles(FileSystemLoader):
    """Templates that lie in the folders themselves: a link out of them would show any file the worker can read."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        source, file, is_fresh = super().get_source(environment, template)
        real = Path(file).resolve()
        if not any(real.is_relative_to(Path(folder).resolve()) for folder in self.searchpath):
            raise TemplateNotFound(template, f"{file} is a link out of the folder of templates")
        return source, file, is_fresh


# Compiled code depends on whether it escapes, so the two kinds share nothing.
_COMPILED = {True: _CompiledTemplates(), False: _CompiledTemplates()}


def make_html_environment(
    folders: Sequence[Path], prose_css: str = "", language: str = ""
) -> ImmutableSandboxedEnvironment:
    """For HTML and MJML; with `prose_css` the styles of Markdown's elements are written into them, as mail needs.

    Text is set as `language` is, or as the one that a filter is given: `|markdown("en")`, `|typeset("ar")`.
    """
    environment = _make_environment(folders, autoescape=True)
    style = _styler(prose_css)
    environment.filters["markdown"] = lambda text, of=None: Markup(style(render_markdown(text, of or language)))
    environment.filters["inline"] = lambda text, of=None: Markup(style(render_inline(text, of or language)))
    environment.filters["typeset"] = lambda text, of=None: _typeset_line(text, of or language, binding=True)
    return environment


def make_text_environment(folders: Sequence[Path], language: str = "") -> ImmutableSandboxedEnvironment:
    """For plain text, set as `language` is, or as the one that a filter is given."""
    environment = _make_environment(folders, autoescape=False)
    environment.filters["markdown"] = lambda text, of=None: render_plain(text, of or language)
    environment.filters["inline"] = lambda text, of=None: render_plain_inline(text, of or language)
    environment.filters["typeset"] = lambda text, of=None: _typeset_line(text, of or language, binding=False)
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
    environment = _Sandbox(
        loader=_OwnFiles([str(folder) for folder in folders]),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        bytecode_cache=_COMPILED[autoescape],
    )
    environment.filters["kind"] = lambda block: KINDS[type(block)]
    environment.filters["date"] = format_date
    environment.filters["event_time"] = tell_event_time
    environment.filters["direction"] = direction
    environment.filters["host"] = lambda url: urlsplit(url).hostname or url
    return environment


def _typeset_line(text: str, language: str, *, binding: bool) -> str:
    """A line as its language is set; what is markup already is no text and stays as it is."""
    return text if isinstance(text, Markup) else typeset(text, language, binding=binding)


def _styler(css: str) -> Callable[[str], str]:
    if not css:
        return lambda html: html
    inliner = css_inline.CSSInliner(load_remote_stylesheets=False)

    def style(html: str) -> str:
        if "<" not in html:
            return html
        styled = _TAG.sub(_mend_tag, inliner.inline_fragment(html, css))
        return styled.replace(NOWRAP, _NOWRAP_STYLED)  # a class alone does nothing where style sheets are dropped

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
