"""Fits article HTML to the page it stands on: heading levels, tables that scroll, no inline style."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

_HEADING = re.compile(r"<(/?)h([2-6])(?=[ >])")
_STYLE = re.compile(r' style="text-align: ?(left|right|center);?"')


def shift_headings(html: str, top: int) -> str:
    """`html` with its `h2` made `h<top>` and the rest below it, none deeper than one step at a time."""
    # Levels that are open: what the writer gave, and what it became.
    given: list[int] = []
    made = top - 1

    def shift(match: re.Match[str]) -> str:
        nonlocal made
        if not match[1]:
            level = int(match[2])
            while given and given[-1] >= level:
                given.pop()
            given.append(level)
            made = min(6, top - 1 + len(given))
        return f"<{match[1]}h{made}"

    return _HEADING.sub(shift, html)


def page_prose(html: str, top: int, table: str) -> Markup:
    """For a page: headings from `top`, each table in a region called `table` that scrolls on a phone."""
    html = _STYLE.sub(r' class="\1"', shift_headings(html, top))
    region = f'<div class="scroll" role="region" aria-label="{escape(table)}" tabindex="0"><table>'
    html = html.replace("<table>", region).replace("</table>", "</table></div>")
    return Markup(html)  # it came out of templates, which escape


def feed_prose(html: str, top: int) -> Markup:
    """For a feed entry: headings from `top`, no style attributes (feed readers drop or distrust them)."""
    return Markup(_STYLE.sub("", shift_headings(html, top)).strip())
