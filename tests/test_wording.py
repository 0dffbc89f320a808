"""What pressrun says to readers is said in each language it knows, with the same gaps to fill."""

from __future__ import annotations

import re

import pytest

from pressrun import wording
from pressrun.wording import words

TABLES = {"ar": wording._ARABIC, "zh": wording._CHINESE}
GAP = re.compile(r"\{\w*\}")


@pytest.mark.parametrize("language", TABLES)
def test_a_language_has_every_word_and_none_besides(language: str) -> None:
    assert TABLES[language].keys() == wording._ENGLISH.keys()


@pytest.mark.parametrize("language", TABLES)
def test_a_translation_has_the_gaps_of_the_english(language: str) -> None:
    for key, english in wording._ENGLISH.items():
        assert sorted(GAP.findall(TABLES[language][key])) == sorted(GAP.findall(english)), key


def test_the_tables_are_in_the_order_of_their_keys() -> None:
    for table in (wording._ENGLISH, *TABLES.values()):
        assert list(table) == sorted(table)


@pytest.mark.parametrize(
    ("tag", "contents"),
    [("ar", "المحتويات"), ("ar-JO", "المحتويات"), ("zh-Hans-CN", "目录"), ("EN", "Contents"), ("de", "Contents")],
)
def test_a_tag_finds_its_language_and_an_unknown_one_english(tag: str, contents: str) -> None:
    assert words(tag)["contents"] == contents
