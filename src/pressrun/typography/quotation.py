"""Straight quotation marks made those of a language, paired over the whole of a paragraph."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pressrun.language import primary
from pressrun.typography.line import HAN, Change

APOSTROPHE = "\u2019"
_NARROW = "\u202f"  # a no-break space as narrow as French has it inside of guillemets


@dataclass(frozen=True)
class Marks:
    """What opens and closes a quotation, and one inside of it."""

    opening: str
    closing: str
    inner_opening: str
    inner_closing: str


_ENGLISH = Marks("“", "”", "‘", "’")
_CORNERS = Marks("「", "」", "『", "』")
_GUILLEMETS = Marks("«", "»", "“", "”")
_LOW = Marks("„", "“", "‚", "‘")
# CLDR's `delimiters`, but for Arabic, for which docs/decisions.md has the reason.
_MARKS = {
    "ar": Marks("«", "»", "‹", "›"),
    "bg": _LOW,
    "cs": _LOW,
    "da": _ENGLISH,
    "de": _LOW,
    "el": _GUILLEMETS,
    "es": _GUILLEMETS,
    "fa": Marks("«", "»", "‹", "›"),
    "fi": Marks("”", "”", "’", "’"),
    "fr": Marks(f"«{_NARROW}", f"{_NARROW}»", "“", "”"),
    "hu": Marks("„", "”", "»", "«"),
    "it": _GUILLEMETS,
    "ja": _CORNERS,
    "nb": Marks("«", "»", "‘", "’"),
    "no": Marks("«", "»", "‘", "’"),
    "pl": Marks("„", "”", "«", "»"),
    "ro": Marks("„", "”", "«", "»"),
    "ru": Marks("«", "»", "„", "“"),
    "sk": _LOW,
    "sl": _LOW,
    "sv": Marks("”", "”", "’", "’"),
    "uk": Marks("«", "»", "„", "“"),
    "zh-hant": _CORNERS,
    "zh-hk": _CORNERS,
    "zh-mo": _CORNERS,
    "zh-tw": _CORNERS,
}

_CJK = re.compile(f"[{HAN}\u3000-\u3007\u3040-\u30ff\uff00-\uffef]")
_ENDS = re.compile(
    f"[{HAN}\u3000-\u3007\u3040-\u30ff\uff00-\uffef.,!?;:)\\]}}%…]"
)  # what may stand before a closing mark
_DECADE = re.compile(r"'\d\ds?(?![\w'])")
_WORD = re.compile(r"[^\W_]|[\ue000-\ue001]")


def marks_of(language: str, *, binding: bool) -> Marks:
    """The marks of `language`; those of English where nothing else is known of it."""
    tag = language.lower()
    marks = _MARKS.get("-".join(tag.split("-")[:2])) or _MARKS.get(primary(tag), _ENGLISH)
    if binding or _NARROW not in marks.opening:
        return marks
    return Marks("« ", " »", marks.inner_opening, marks.inner_closing)


def set_quotes(text: str, marks: Marks) -> Iterator[Change]:
    """The changes that make straight marks curly; one without its other half stays, but for an apostrophe."""
    written: dict[int, str] = {}
    if '"' in text:
        written |= _pair(text, '"', marks.opening, marks.closing)
    if "'" in text:
        written |= _pair(text, "'", marks.inner_opening, marks.inner_closing)
    yield from ((at, at + 1, written[at]) for at in sorted(written))


def _pair(text: str, mark: str, opening: str, closing: str) -> dict[int, str]:
    """What each `mark` becomes, by what stands beside it: the two kinds pair without regard to each other."""
    written: dict[int, str] = {}
    still_open: list[int] = []
    at = text.find(mark)
    while at >= 0:
        before, after = text[at - 1 : at] or " ", text[at + 1 : at + 2] or " "
        if mark == "'" and not _is_word(before) and _DECADE.match(text, at):
            written[at] = APOSTROPHE
        elif _is_word(before) and _is_word(after):
            if mark == "'" and not (before.isdigit() and after.isdigit()):  # 5'10 is no apostrophe
                written[at] = APOSTROPHE
        elif still_open and not before.isspace() and (not _is_word(after) or _ENDS.match(before)):
            written[still_open.pop()], written[at] = opening, closing
        elif not after.isspace() and (not _is_word(before) or _CJK.match(after)):
            still_open.append(at)
        elif mark == "'" and _is_word(before) and not before.isdigit():
            written[at] = APOSTROPHE
        at = text.find(mark, at + 1)
    apostrophes = (at for at in still_open if mark == "'" and not _beside_cjk(text, at))
    return written | dict.fromkeys(apostrophes, APOSTROPHE)  # ’tis


def _is_word(character: str) -> bool:
    return bool(_WORD.match(character)) and not _CJK.match(character)


def _beside_cjk(text: str, at: int) -> bool:
    return bool(_CJK.match(text[at - 1 : at]) or _CJK.match(text[at + 1 : at + 2]))
