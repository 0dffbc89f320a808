"""Which combinations of conditions readers can meet, and the heaviest mail that one of them gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from pressrun.render.kind import kinds_of_reader
from rendered_issue import render_folder
from small_issue import write_small_issue


@pytest.mark.parametrize(
    ("conditions", "kinds"),
    [
        ([], {()}),
        (['a == "1"'], {(True,), (False,)}),
        (['a == "1"', 'not (a == "1")'], {(True, False), (False, True)}),
        (['a == "1"', 'a == "2"'], {(True, False), (False, True), (False, False)}),
        (['a == "1"', 'b == "1"'], {(True, True), (True, False), (False, True), (False, False)}),
        (['a in ("1", "2")', 'a == "2" and b != ""'], {(True, True), (True, False), (False, False)}),
        (['a == "1" and a == "2"'], {(False,)}),
        (['a == "1" or a != "1"'], {(True,)}),
    ],
)
def test_only_what_a_reader_can_meet_is_a_kind(conditions: list[str], kinds: set[tuple[bool, ...]]) -> None:
    assert kinds_of_reader(conditions) == kinds


def test_too_many_kinds_are_not_gone_through() -> None:
    assert kinds_of_reader([f'name{n} == "x"' for n in range(9)]) is not None
    assert kinds_of_reader([f'name{n} == "x"' for n in range(12)]) is None


def test_the_weight_is_that_of_the_heaviest_mail_a_reader_gets(tmp_path: Path) -> None:
    def octets(folder: str, body: str) -> int:
        first = f"---\ntitle: The first\n---\n{body}\n"
        return render_folder(write_small_issue(tmp_path / folder, first=first)).octets

    cities = "".join(f'::: when city == "{city}"\n{city * 9_000}\n:::\n' for city in "abc")
    alone = octets("alone", "c" * 9_000)
    assert alone - 50 < octets("cities", cities) < alone + 300
