"""Whichever reader reads a YAML text, it says the same, in the same places."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pressrun.source import yamlfile
from pressrun.source.text import split_front_matter
from pressrun.source.yamlfile import YamlText, read_yaml

ISSUES = Path(__file__).parents[2] / "issues"
PARTS = (
    *("a: b", "- ", "  ", ": ", '"', "'", "|\n", ">-\n", "\n", "#", "&a ", "*a", "{", "}", "[", "]", ",", "~", "null"),
    *(
        "\t",
        "中文",
        "“",
        '"\\x07"',
        "\\u4e2d",
        "\x07",
        "\x7f",
        "\x85",
        "\u2028",
        "\ufeff",
        "!",
        "!!str ",
        "%YAML 1.2\n",
    ),
    *("---\n", "...\n", "? ", "<<", "1", "@", "`", "\r", "\r\n", "é", "😀", "key:", '"\\UFFFFFFFF"', "|2#", "a" * 5),
)
pytestmark = pytest.mark.skipif(not yaml.__with_libyaml__, reason="PyYAML has no libyaml here")


@pytest.fixture
def read_slowly(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], YamlText]:
    def read(text: str) -> YamlText:
        with monkeypatch.context() as patch:
            patch.setattr(yamlfile, "_FastLoader", None)
            return read_yaml(text, "x")

    return read


def test_the_issues_of_the_repository_are_read_alike(read_slowly: Callable[[str], YamlText]) -> None:
    texts = [file.read_text(encoding="utf-8") for file in ISSUES.glob("*/**/*.yaml")]
    for file in ISSUES.glob("*/*/*.md"):
        parts, _ = split_front_matter(file.read_text(encoding="utf-8"), file)
        assert parts
        texts.append(parts.head)
    assert len(texts) > 50
    for text in texts:
        assert read_yaml(text, "x") == read_slowly(text)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(PARTS), max_size=12).map("".join) | st.text())
@example("a: b\n- c")
@example('a: "\\x07"\nb: [1, {c: d}]\n')
def test_any_text_is_read_alike(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        fast = read_yaml(text, "x")
        patch.setattr(yamlfile, "_FastLoader", None)
        assert fast == read_yaml(text, "x")
