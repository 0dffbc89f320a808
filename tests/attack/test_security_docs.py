"""docs/security.md names tests that are there, and leaves out no file of attacks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
TEXT = (TESTS.parent / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`([\w/]+\.py)::(\w+)`", TEXT)


@pytest.mark.parametrize(("file", "test"), NAMED, ids=[test for _, test in NAMED])
def test_each_test_that_the_page_names_is_there(file: str, test: str) -> None:
    assert re.search(rf"^(?:async )?def {test}\(", (TESTS / file).read_text(encoding="utf-8"), re.MULTILINE)


def test_each_attack_in_the_table_names_its_test() -> None:
    rows = re.search(r"\| attack \|.*?\n\n", TEXT, re.DOTALL)
    assert rows
    assert [row for row in rows[0].strip().splitlines()[2:] if "::test_" not in row] == []


def test_no_file_of_attacks_is_left_out() -> None:
    files = {f"attack/{file.name}" for file in Path(__file__).parent.glob("test_*.py")} - {
        f"attack/{Path(__file__).name}"
    }
    assert files - {file for file, _ in NAMED} == set()
