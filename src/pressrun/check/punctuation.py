"""Rules on punctuation: what opens closes, and Chinese has its own marks and its own way to begin a paragraph."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pressrun.check.manuscript import Manuscript
from pressrun.check.page import Page, Passage
from pressrun.check.rule import Fault, rule
from pressrun.finding import Severity

_PAIRS = {
    "“": "”",
    "「": "」",
    "『": "』",
    "《": "》",
    "〈": "〉",
    "（": "）",
    "(": ")",
    "【": "】",
    "〔": "〕",
    "«": "»",
}
_OPENING = {closing: opening for opening, closing in _PAIRS.items()}
_MARKS = re.compile("[" + re.escape("".join((*_PAIRS, *_OPENING))) + "]")
_WIDE = {",": "，", ".": "。", ";": "；", ":": "：", "?": "？", "!": "！", "(": "（", ")": "）"}
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_CHINESE = f"{_HAN}，。；：、！？）】》」』”％"
# A mark after Chinese with Chinese after it, or nothing: an English name or a number on one side excuses it.
_HALF = re.compile(
    rf"(?<=[{_HAN}）】》」』”])(?:[,;:?!]|\.(?!\.))(?=\s*[{_CHINESE}“《「（]|\s*$)|(?<=[{_HAN}])\((?=[^()\n]*[{_HAN}])"
)
_FULL = re.compile(rf"(?<![{_CHINESE}“《「（])(?<!^)[，。；：！？（）](?!\s*[{_CHINESE}“《「（])")
_LIST_LABEL = re.compile(
    r"(?:(?:^|[^0-9A-Za-z])(?:\d{1,3}|[a-zA-Z]|[ivx]{2,4})|(?:^|[\s，。；：、])[一二三四五六七八九十]{1,3})$"
)
_SMILE = re.compile(r"[:;=]-?$")
# A line that Chinese begins a paragraph with, where the one above does not end in a line break.
_INDENT = re.compile(r"(?<!\\)(?<!  )\n[ \t]*(?=\u3000)")
_FULL_LANGUAGES = ("zh", "ja", "ko")


def _paragraphs(manuscript: Manuscript) -> Iterator[tuple[Page, Sequence[Passage]]]:
    return ((page, page.passages) for page in manuscript.pages)


@rule("unbalanced", Severity.WARNING, "Quotation marks and brackets that open are closed in their paragraph.")
def find_unbalanced(manuscript: Manuscript) -> Iterator[Fault]:
    """A mark without its other half."""
    for page, passages in _paragraphs(manuscript):
        for n, passage in enumerate(passages):
            after = passages[n + 1].text if n + 1 < len(passages) and passages[n + 1].key == passage.key else ""
            for offset, mark, hint in _open_marks(passage.prose, after):
                what = f"{mark} has no other half in this paragraph"
                yield Fault(page.file, page.place_in(passage, offset), what, hint)


def _open_marks(text: str, after: str) -> Iterator[tuple[int, str, str]]:
    opened: list[re.Match[str]] = []
    for mark in _MARKS.finditer(text):
        if mark[0] in _PAIRS:
            opened.append(mark)
        elif opened and _closes(opened[-1][0], mark[0]):
            opened.pop()
        elif not _stands_alone(text, mark):
            yield mark.start(), mark[0], f"open it with {_OPENING[mark[0]]}, or take it away"
    for mark in opened:
        # English reopens a quotation at each of its paragraphs and closes it once.
        if not (mark[0] in "“«" and after.lstrip(">* ").startswith(mark[0])):
            yield mark.start(), mark[0], f"close it with {_PAIRS[mark[0]]}"


def _closes(opening: str, closing: str) -> bool:
    """Whether the two are a pair; one of each width is another rule's fault."""
    return _PAIRS[opening] == closing or (opening in "(（" and closing in ")）")


def _stands_alone(text: str, mark: re.Match[str]) -> bool:
    """Whether a closing bracket is that of a list's label such as a) or of a smile."""
    if mark[0] not in ")）":
        return False
    before = text[: mark.start()]
    return bool(_LIST_LABEL.search(before) or _SMILE.search(before))


@rule("halfwidth-punctuation", Severity.WARNING, "Chinese text has full-width punctuation.")
def find_half_width(manuscript: Manuscript) -> Iterator[Fault]:
    """English marks between Chinese letters: they are too narrow, and stand at the wrong height."""
    for page, passages in _paragraphs(manuscript):
        for passage in passages:
            for mark in _HALF.finditer(passage.prose):
                what = f"{mark[0]} stands in Chinese text"
                yield Fault(page.file, page.place_in(passage, mark.start()), what, f"write {_WIDE[mark[0]]}")


@rule("fullwidth-punctuation", Severity.WARNING, "Text in other languages has none of the Chinese marks.")
def find_full_width(manuscript: Manuscript) -> Iterator[Fault]:
    """Chinese marks where no Chinese stands: mostly an input method left on."""
    half = {wide: narrow for narrow, wide in _WIDE.items()}
    for page, passages in _paragraphs(manuscript):
        if manuscript.language_of(page).split("-")[0] in _FULL_LANGUAGES:
            continue
        for passage in passages:
            for mark in _FULL.finditer(passage.prose):
                if mark[0] == "）" and _is_chinese_bracket(passage.prose[: mark.start()]):
                    continue
                what = f"{mark[0]} is a Chinese mark"
                yield Fault(page.file, page.place_in(passage, mark.start()), what, f"write {half[mark[0]]}")


def _is_chinese_bracket(before: str) -> bool:
    """Whether the bracket that is open in `before` stands rightly beside Chinese."""
    at = before.rfind("（")
    return at >= 0 and not _FULL.match(before, at)


@rule("indented-paragraph", Severity.WARNING, "A paragraph begins after an empty line, indented or not.")
def find_indented(manuscript: Manuscript) -> Iterator[Fault]:
    """Full-width blanks at a line's start: they make no paragraph, and the line runs on from the one above."""
    for page, passages in _paragraphs(manuscript):
        for passage in passages:
            for indent in _INDENT.finditer(passage.prose):
                what = "this line is indented as a new paragraph, but goes on in the one above"
                yield Fault(page.file, page.place_in(passage, indent.end()), what, "put an empty line before it")
