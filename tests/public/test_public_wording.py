"""What the public pages say is said in each language they know, with the same gaps to fill."""

from __future__ import annotations

import re

import pytest

from pressrun.public import wording
from pressrun.public.wording import name_language, page_words, spoken_language

GAP = re.compile(r"\{\w*\}")


@pytest.mark.parametrize("language", wording._TABLES)
def test_a_language_has_every_word_in_order_and_with_the_gaps_of_the_english(language: str) -> None:
    table = wording._TABLES[language]
    assert list(table) == sorted(wording._ENGLISH)
    for key, english in wording._ENGLISH.items():
        assert sorted(GAP.findall(table[key])) == sorted(GAP.findall(english)), key


def test_the_words_of_mail_and_archive_are_there_too() -> None:
    assert page_words("zh-CN")["unsubscribe"] == "退订"


@pytest.mark.parametrize(("tag", "spoken"), [("zh-CN", "zh-CN"), ("ar", "ar"), ("fr", "en"), ("EN-gb", "EN-gb")])
def test_a_reader_of_a_language_without_words_gets_english(tag: str, spoken: str) -> None:
    assert spoken_language(tag) == spoken
    assert page_words(tag)["save"] == page_words(spoken)["save"]


@pytest.mark.parametrize(
    ("tag", "name"), [("zh-CN", "中文"), ("zh-Hant", "繁體中文"), ("de-AT", "Deutsch"), ("eo", "eo")]
)
def test_a_language_is_called_what_it_calls_itself(tag: str, name: str) -> None:
    assert name_language(tag) == name
