"""Headings that skip a level or have no words are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from rule_findings import article, places


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("## a\n\n### b\n\n#### c\n\n## d", []),
        ("## a\n\n#### b", [6]),
        ("### a\n\n### b", [4]),
        ("### a\n\n## b\n\n#### c", [4, 8]),
        ("##\n\ntext", [4]),
        ("```\n#### a\n```", []),
        ('::: when a == "b"\n#### a\n:::', [5]),
        ("a\n\nb", []),
    ],
)
def test_each_level_follows_the_one_above(body: str, lines: list[int], tmp_path: Path) -> None:
    assert [line for _, line, _ in places("heading-order", tmp_path, second=article(body))] == lines
