"""Spaces: between Han and other letters, at full-width punctuation, and between numbers and their units."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pressrun.typography.line import HAN, VALUE, Change

NO_BREAK = "\u00a0"
NARROW = "\u202f"

_IS_HAN = re.compile(f"[{HAN}]")
_WIDE = "，。、；：？！（）【】《》〈〉「」『』〔〕"
_AT_WIDE = re.compile(f"(?<=[{_WIDE}])[ \n]+(?=[^ \n\"'….-])|(?<=[^ \n\"'….-])[ \n]+(?=[{_WIDE}])|(?<=\\d) +(?=[%‰℃])")
# Quotation marks, dashes and dots that Chinese shares with others are as wide as a character beside one.
_AT_SHARED = re.compile(
    f"(?<=[{HAN}])[ \n]+(?=[“”]|——|……)|(?<=[“”])[ \n]+(?=[{HAN}])|(?:(?<=——)|(?<=……))[ \n]+(?=[{HAN}])"
)

_SPACE = re.compile("[ \n]")
_SHARED = re.compile("[“”—…]")

_RUN = re.compile(f"[^{HAN}\u2160-\u2188\u2460-\u24ff\u3000-\u30ff\uff00-\uffef\"'“”‘’—…·\\s{VALUE}]+")
_LETTER = re.compile(r"[^\W\d_]|\ue000")
_FIRST = re.compile(r"[^\W_]|\ue000")
_LAST = re.compile("(?:[^\\W_][\u0300-\u036f]*|\ue000)[+#]*$")
_FIGURE = re.compile(r"(?:[A-Z]{0,3}[$€£¥￥])?[-+−±~≈<>≤≥(]?\d(?:[\d.,:/×~–-]*\d)?[%‰°℃℉′″)+]*")
_LABEL = re.compile(
    "(?:图|表|例|附件|附录|附表|附图|案例|专栏|方框|议题|目标|步骤|原则|建议|主题|模块|单元|阶段|问题|任务)"
    r" ?\d[\d.-]*(?= )"
)
_MAGNITUDE = "[十百千万亿兆]"
_MEASURE = (
    "(?:平方米|平方公里|立方米|人民币|千瓦时|个百分点|个月|美元|欧元|英镑|日元|公里|公斤|公顷|小时|分钟|世纪|年代|千米|千克|千瓦|兆瓦"
    "|时(?![代期间候刻尚])|[年月日号点分秒期卷版章节条款届次个名位人家项种件份所座台辆部篇页倍吨元克米升瓦度天周岁套批场层只亩])"
)
_COUNTED = re.compile(f"{_MAGNITUDE}|{_MEASURE}")
KEPT_TOGETHER = re.compile(
    f"(?<![\\d.,])第?\\d[\\d.,]*(?:{_MAGNITUDE}+{_MEASURE}?|{_MEASURE}(?:(?<=月)\\d{{1,2}}[日号])?)"
)
"""A number and what it counts where nothing stands between them, as in Chinese: 3.5万吨, 第24期, 6月30日."""

_UNIT = (
    "(?:%|‰|°C|°F|°|℃|℉|km²|km2|km|m²|m³|cm|mm|m|ha|kg|mg|g|kt|Mt|Gt|t|ml|l|L|kWh|MWh|GWh|TWh|kW|MW|GW|TW|W"
    "|kB|KB|MB|GB|TB|Hz|kHz|MHz|GHz|dpi|px|ppm|h|min|s|million|billion|trillion|USD|EUR|GBP|CNY|RMB|a\\.m\\.|p\\.m\\.)"
    "(?![A-Za-z0-9²³₂])"
)
_UNIT_AFTER = re.compile(f"[ {NO_BREAK}]{_UNIT}")
_NUMBERED = "|".join(
    f"(?<={mark}) (?=\\d)" for mark in (r"\bNo\.", r"\bFig\.", r"\bVol\.", r"\bp\.", r"\bpp\.", "§", "№")
)
_UNIT_SPACE = re.compile(f"(?<=\\d) (?={_UNIT})|{_NUMBERED}")
_FRENCH_SPACE = re.compile(r"(?<=«) | (?=»)|(?<=\S) (?=[;!?](?:\s|$|»))|(?P<colon>(?<=\S) (?=:(?:\s|$)))")


def drop_wide_spaces(text: str) -> Iterable[Change]:
    """No space at full-width punctuation, whose glyphs have their own; nor before a per cent sign."""
    if not _SPACE.search(text):
        return ()
    return ((found.start(), found.end(), "") for found in _AT_WIDE.finditer(text))


def drop_shared_spaces(text: str) -> Iterable[Change]:
    """No space between Han and quotation marks, Chinese dashes and dots."""
    if not (_SPACE.search(text) and _SHARED.search(text)):
        return ()
    return ((found.start(), found.end(), "") for found in _AT_SHARED.finditer(text))


def set_gaps(text: str, *, prose: bool) -> Iterator[Change]:
    """One space between Han and a word in other letters, none between Han and a figure.

    In a line that is no prose, such as a title, a space on one side of a figure parts two things, and stays.
    """
    label = _LABEL.match(text)
    label_end = label.end() if label else -1
    for run in _RUN.finditer(text):
        start, end = run.span()
        left, right = _without_spaces(text, start, end)
        before = left > 0 and bool(_IS_HAN.match(text, left - 1))
        after = bool(_IS_HAN.match(text, right))
        if not (before or after):
            continue
        if _FIGURE.fullmatch(run[0]) and not _UNIT_AFTER.match(text, end):
            around = before and after and left < start and right > end
            if before and (prose or around or text[left - 1] == "第"):
                yield left, start, ""
            if after and end != label_end and (prose or around or _COUNTED.match(text, right)):
                yield end, right, ""
        elif _LETTER.search(run[0]) or _FIGURE.fullmatch(run[0]):
            if before and _FIRST.match(run[0]):
                yield left, start, _one(text[left:start])
            if after and _LAST.search(run[0]):
                yield end, right, _one(text[end:right])


def _without_spaces(text: str, start: int, end: int) -> tuple[int, int]:
    """Where the spaces before `start` begin, and where those from `end` on end."""
    while start and text[start - 1] in " \n":
        start -= 1
    while end < len(text) and text[end] in " \n":
        end += 1
    return start, end


def _one(spaces: str) -> str:
    return "\n" if "\n" in spaces else " "


def bind_units(text: str) -> Iterable[Change]:
    """A number's space before its unit doesn't break."""
    if " " not in text:
        return ()
    return ((found.start(), found.end(), NO_BREAK) for found in _UNIT_SPACE.finditer(text))


def bind_french(text: str) -> Iterator[Change]:
    """The spaces that French has inside of guillemets and before tall punctuation don't break."""
    for found in _FRENCH_SPACE.finditer(text):
        yield found.start(), found.end(), NO_BREAK if found["colon"] else NARROW
