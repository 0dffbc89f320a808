"""Pages and style sheets made to look as they do for a reader who prefers light, or dark, whatever the browser says."""

from __future__ import annotations

import re
from enum import StrEnum


class Scheme(StrEnum):
    """The colour scheme that a reader prefers."""

    LIGHT = "light"
    DARK = "dark"


# Conditions that hold always and never, wherever in a media query they stand (Media Queries 4 §4.3, §2.4.3: a width
# is never below zero).
_ALWAYS, _NEVER = "(min-width:0px)", "(max-width:-1px)"

_FEATURE = re.compile(r"\(\s*prefers-color-scheme\s*(?::\s*(?P<scheme>light|dark)\s*)?\)", re.IGNORECASE)
_PROPERTY = re.compile(r"(?P<name>(?<![\w-])color-scheme\s*:\s*)(?=[^;}]*\blight\b)(?=[^;}]*\bdark\b)[^;}!]+", re.I)
_SHEET = re.compile(r"(<style\b[^<>]*>)(.*?)(</style)", re.IGNORECASE | re.DOTALL)
_MEDIA = re.compile(r"""(<(?:style|link|source|meta)\b[^<>]*?\smedia=)("[^"]*"|'[^']*')""", re.IGNORECASE)
_META = re.compile(r"""<meta\b(?=[^<>]*\sname=["']?(?:supported-)?color-schemes?\b)[^<>]*>""", re.IGNORECASE)
_CONTENT = re.compile(r"""(\scontent=)("[^"]*"|'[^']*'|[^\s>]+)""", re.IGNORECASE)


def force_scheme(html: str, scheme: Scheme) -> str:
    """The page `html` as one sees it who prefers `scheme`: its style sheets, `media` and `meta` elements settled."""
    html = _SHEET.sub(lambda sheet: sheet[1] + force_scheme_of_css(sheet[2], scheme) + sheet[3], html)
    html = _MEDIA.sub(lambda media: media[1] + _settle(media[2], scheme), html)
    return _META.sub(lambda meta: _CONTENT.sub(rf'\1"{scheme}"', meta[0]), html)


def force_scheme_of_css(css: str, scheme: Scheme) -> str:
    """The style sheet `css` as one sees it who prefers `scheme`."""
    return _PROPERTY.sub(rf"\g<name>{scheme}", _settle(css, scheme))


def _settle(css: str, scheme: Scheme) -> str:
    def decide(feature: re.Match[str]) -> str:
        named = feature["scheme"]
        return _ALWAYS if named is None or named.lower() == scheme else _NEVER

    return _FEATURE.sub(decide, css)
