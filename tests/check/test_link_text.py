"""Words that don't say where a link leads are found, in the languages that publications are written in."""

from __future__ import annotations

from pathlib import Path

import pytest

from rule_findings import article, find, hints, places


@pytest.mark.parametrize(
    "words",
    ["here", "Click here", "click here!", "*Read more*", "这里", "点击这里", "“此处”", "更多>>", "اضغط هنا"],
)
def test_empty_words_are_found(words: str, tmp_path: Path) -> None:
    assert places("link-text", tmp_path, second=article(f"A [{words}](https://www.example.com/a) b."))


@pytest.mark.parametrize(
    "words",
    ["the report", "here is the report", "报告", "更多报告", "www.example.com", "example.com", "`code`"],
)
def test_words_that_say_it_are_left_alone(words: str, tmp_path: Path) -> None:
    assert places("link-text", tmp_path, second=article(f"A [{words}](https://www.example.com/a) b.")) == []


@pytest.mark.parametrize(
    "form", ["see {} now", "<{}>", "[{}]({})", "看{}。", "[www.example.com/a/b](https://www.example.com/a/b)"]
)
def test_an_address_to_be_read_is_found(form: str, tmp_path: Path) -> None:
    url = "https://www.example.com/a/b"
    assert hints("link-text", tmp_path, second=article(form.format(url, url))) == [f"write [what it is]({url})"]


def test_a_link_without_words_is_found(tmp_path: Path) -> None:
    (finding,) = find("link-text", tmp_path, second=article("A [](https://www.example.com/a) b."))
    assert finding.message == "this link has no words"


def test_the_same_words_with_other_targets_are_found_in_another_article_too(tmp_path: Path) -> None:
    first = article("[The report](https://www.example.com/a) and [the report](http://example.com/a/?utm_source=x).")
    second = article("[The Report.](https://www.example.com/b) and [here](https://www.example.com/c).")
    assert places("link-text-repeated", tmp_path, first=first, second=second) == [("second.md", 4, 15)]


def test_what_one_reader_never_sees_together_is_left_alone(tmp_path: Path) -> None:
    here, there = "[Sign up](https://www.example.com/a)", "[Sign up](https://www.example.com/b)"
    body = f'::: when city == "Linz"\n{here}\n:::\n::: otherwise\n{there}\n:::'
    assert places("link-text-repeated", tmp_path, second=article(body)) == []
