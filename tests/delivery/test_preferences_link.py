"""Links to preferences: only we can make one, and one for leaving a list is none."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.delivery.leave_link import Leave, make_leave_token, read_leave_token
from pressrun.delivery.preferences_link import make_preferences_token, read_preferences_token
from small_edition import KEY, OTHER_KEY

TOKEN = make_preferences_token(42, KEY)


@given(st.integers(0, 2**63))
def test_a_token_says_whose_it_is(number: int) -> None:
    token = make_preferences_token(number, KEY)
    assert set(token) <= set(string.ascii_letters + string.digits + "-_~")
    assert read_preferences_token(token, KEY) == number


@pytest.mark.parametrize("place", range(len(TOKEN)))
def test_a_change_of_any_character_makes_it_void(place: int) -> None:
    for letter in set(string.printable + "é~-_=+/") - {TOKEN[place]}:
        assert read_preferences_token(TOKEN[:place] + letter + TOKEN[place + 1 :], KEY) is None
    assert read_preferences_token(TOKEN[:place], KEY) is None


@given(st.text())
def test_no_text_raises(text: str) -> None:
    assert read_preferences_token(text, KEY) is None


def test_a_token_serves_one_purpose_and_one_key() -> None:
    leave = make_leave_token(Leave(42, "all"), KEY)
    assert read_preferences_token(leave, KEY) is None
    assert read_leave_token(TOKEN, KEY) is None
    assert read_preferences_token(TOKEN, OTHER_KEY) is None
