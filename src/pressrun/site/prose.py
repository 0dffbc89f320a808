"""Fits article HTML to the page it stands on: heading levels, tables that scroll, no inline style."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from pressrun.markdown import NOWRAP
from pressrun.render.heading import shift_headings

_STYLE = re.compile(r' style="text-align: ?(left|right|center);?"')
_SPAN = re.compile(f"{NOWRAP}(.*?)</span>")


def page_prose(html: str, top: int, table: str) -> Markup:
    """For a page: headings from `top`, each table in a group called `table` that scrolls on a phone."""
    html = _STYLE.sub(r' class="\1"', shift_headings(html, top))
    group = f'<div class="scroll" role="group" aria-label="{escape(table)}" tabindex="0"><table>'
    html = html.replace("<table>", group).replace("</table>", "</table></div>")
    return Markup(html)  # it came out of templates, which escape


def feed_prose(html: str, top: int) -> Markup:
    """For a feed entry: headings from `top`, no style attributes or spans (feed readers drop or distrust them)."""
    return Markup(_SPAN.sub(r"\1", _STYLE.sub("", shift_headings(html, top))).strip())
