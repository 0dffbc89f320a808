"""Replies: what kind of outcome they are, and that any store can hold their text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.delivery.outcome import Kind, one_line, outcome_of_reply


@given(code=st.integers(-100, 2_000), text=st.text())
def test_the_first_digit_decides(code: int, text: str) -> None:
    outcome = outcome_of_reply(code, text)
    kinds = {2: Kind.ACCEPTED, 4: Kind.TEMPORARY, 5: Kind.PERMANENT}
    assert outcome.kind is kinds.get(code // 100, Kind.IN_DOUBT)
    assert outcome.code == code
    assert outcome.enhanced is None or (
        outcome.text.startswith(outcome.enhanced) and outcome.enhanced[0] == str(code)[0]
    )


@given(st.text())
def test_one_line_is_printable_short_and_encodable(text: str) -> None:
    line = one_line(text)
    assert line.isprintable() and len(line) <= 1000
    line.encode()
    assert one_line(line) == line.rstrip()


@pytest.mark.parametrize(
    ("code", "text", "enhanced"),
    [
        (250, "2.0.0 ok", "2.0.0"),
        (250, "2.0.0", "2.0.0"),
        (550, "5.1.1\n5.1.1 second", "5.1.1"),
        (550, "4.1.1 other class", None),
        (550, "5.1.1no space", None),
        (550, "3.1.1 no such class", None),
        (550, " 5.7.509 three digits", "5.7.509"),
        (550, "5.7.5090 four digits", None),
        (250, "", None),
    ],
)
def test_an_enhanced_code_counts_where_it_agrees(code: int, text: str, enhanced: str | None) -> None:
    assert outcome_of_reply(code, text).enhanced == enhanced
