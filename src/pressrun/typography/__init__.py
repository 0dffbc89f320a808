"""Sets text as its language is set: spaces, quotation marks, dashes and dots, and nothing else."""

from __future__ import annotations

from functools import lru_cache

from pressrun.language import primary
from pressrun.typography.line import Line, cut_text
from pressrun.typography.punctuation import set_dashes, set_dots, set_ranges
from pressrun.typography.quotation import marks_of, set_quotes
from pressrun.typography.spacing import bind_french, bind_units, drop_shared_spaces, drop_wide_spaces, set_gaps

_KNOWN = frozenset({"ar", "en", "fr", "zh"})  # of the others only the quotation marks are known


@lru_cache(maxsize=4096)  # a title stands in the mail, its contents, the archive and the feeds
def typeset(text: str, language: str, *, binding: bool = True) -> str:
    """`text`, a line without markup, as its `language` (a BCP 47 tag) is set; with "" as it is.

    With `binding` a number and its unit are held together by a no-break space; plain text has none.
    """
    if not language:
        return text
    line = Line(cut_text(text))
    set_line(line, language, prose=False, binding=binding)
    return "".join(piece.text for piece in line.pieces)


def set_line(line: Line, language: str, *, prose: bool, binding: bool) -> None:
    """Set `line`; `prose` is running text, where a space beside a figure is never more than a gap."""
    chinese = primary(language) == "zh"
    if primary(language) in _KNOWN:
        if chinese:
            line.change(drop_wide_spaces(line.text))
        line.change(set_dots(line.text, chinese=chinese))
        line.change(set_dashes(line.text, chinese=chinese))
        line.change(set_ranges(line.text, chinese=chinese))
    line.change(set_quotes(line.text, marks_of(language, binding=binding)))
    if chinese:
        line.change(drop_wide_spaces(line.text))  # corner brackets are full-width
        line.change(drop_shared_spaces(line.text))
        line.change(set_gaps(line.text, prose=prose))
    if binding and primary(language) in _KNOWN:
        line.change(bind_units(line.text))
    if binding and primary(language) == "fr":
        line.change(bind_french(line.text))
