"""Leave links: they say what was signed, and anything else says nothing."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.delivery.leave_link import Leave, make_leave_token, read_leave_token
from pressrun.link_keys import LinkKey, LinkKeys
from small_edition import KEY, OTHER_KEY

TOKEN = make_leave_token(Leave(42, "同事~名单"), KEY)


@given(number=st.integers(0, 2**63), name=st.text(st.characters(exclude_categories=["Cs"])))
def test_a_token_says_what_was_signed(number: int, name: str) -> None:
    token = make_leave_token(Leave(number, name), KEY)
    assert set(token) <= set(string.ascii_letters + string.digits + "-_~")
    assert read_leave_token(token, KEY) == Leave(number, name)


@pytest.mark.parametrize("place", range(len(TOKEN)))
def test_a_change_of_any_character_makes_it_void(place: int) -> None:
    for letter in set(string.printable + "é~-_=+/") - {TOKEN[place]}:
        assert read_leave_token(TOKEN[:place] + letter + TOKEN[place + 1 :], KEY) is None
    assert read_leave_token(TOKEN[:place] + TOKEN[place + 1 :], KEY) is None
    assert read_leave_token(TOKEN[:place] + "x" + TOKEN[place:], KEY) is None
    assert read_leave_token(TOKEN[:place], KEY) is None


@pytest.mark.parametrize(
    "text",
    ["", "~", "~~", "~~~", "1~2", "1~2~3", "\0", "名单", "\ud800", "~\udcff~", "1~" * 50_000, "=" * 10_000],
)
def test_what_is_no_token_says_nothing(text: str) -> None:
    assert read_leave_token(text, KEY) is None


@given(st.text())
def test_no_text_raises(text: str) -> None:
    assert read_leave_token(text, KEY) is None


@pytest.mark.parametrize("extra", ["=", "==", " ", "\n", "~", "A"])
def test_nothing_may_be_added(extra: str) -> None:
    assert read_leave_token(TOKEN + extra, KEY) is None
    assert read_leave_token(extra + TOKEN, KEY) is None


def test_a_token_from_before_keys_had_names_is_read_with_any_key() -> None:
    both, unnamed = LinkKeys((*OTHER_KEY.keys, *KEY.keys)), KEY.led_by(None)
    assert unnamed is not None
    token = make_leave_token(Leave(42, "同事~名单"), unnamed)
    assert token.count("~") == TOKEN.count("~") - 1
    assert read_leave_token(token, both) == read_leave_token(TOKEN, both) == Leave(42, "同事~名单")


def test_another_key_reads_nothing() -> None:
    assert read_leave_token(TOKEN, OTHER_KEY) is None
    assert read_leave_token(TOKEN, LinkKeys((LinkKey(b""),))) is None
