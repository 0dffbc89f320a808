"""What a language tag (BCP 47) tells of how its text is set."""

from __future__ import annotations

from typing import Literal

_RIGHT_TO_LEFT = frozenset({"ar", "dv", "fa", "he", "ku", "ps", "sd", "ug", "ur", "yi"})
_CJK = frozenset({"zh", "ja", "ko"})


def primary(language: str) -> str:
    """The tag's first part, in small letters: `zh` of `zh-CN`."""
    return language.split("-")[0].lower()


def direction(language: str) -> Literal["ltr", "rtl"]:
    """Which way text in `language` runs."""
    return "rtl" if primary(language) in _RIGHT_TO_LEFT else "ltr"


def is_cjk_language(language: str) -> bool:
    """Whether `language` is Chinese, Japanese or Korean, whose letters are all of one width."""
    return primary(language) in _CJK
