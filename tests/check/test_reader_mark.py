"""What looks like a reader's mark in an address and is a plain number or word is left alone."""

from __future__ import annotations

import pytest

from pressrun.check.wrapping import Wrapping, read_wrapping, unwrap


@pytest.mark.parametrize(
    "url",
    [
        "https://www.example.com/calendar?e=20260630",
        "https://www.example.com/calendar?b=20260601&e=20260630#june",
        "https://www.example.com/plants?e=fabaceae",
    ],
)
def test_a_number_or_a_word_is_no_mark(url: str) -> None:
    assert read_wrapping(url) is None
    assert unwrap(url) == url


@pytest.mark.parametrize("mark", ["5e456e5846", "a1234567", "1234567A", "ABCDEF12"])
def test_letters_among_digits_are_one(mark: str) -> None:
    url = f"https://www.example.com/page?a=1&e={mark}#b"
    assert read_wrapping(url) == Wrapping("reader", f"e={mark}")
    assert unwrap(url) == "https://www.example.com/page?a=1#b"
