"""Keys of links: the newest signs, all are read, and what nobody signed says nothing."""

from __future__ import annotations

import base64
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.delivery.seal import seal
from pressrun.link_keys import LinkKey, LinkKeys

OLD, NEW, OTHER = (LinkKey(text) for text in (b"an old key of ours", b"a new key of ours", b"somebody else's key"))
BEFORE, AFTER = LinkKeys((OLD,)), LinkKeys((NEW, OLD))
PURPOSE = b"tests v1"
SAID = st.text(string.ascii_letters + string.digits + "-_.~", max_size=60)
TOKEN = AFTER.make_token(PURPOSE, "42~bGlzdA")


@given(SAID)
def test_what_any_of_our_keys_signed_is_read(said: str) -> None:
    assert AFTER.read_token(PURPOSE, BEFORE.make_token(PURPOSE, said)) == said
    assert AFTER.read_token(PURPOSE, AFTER.make_token(PURPOSE, said)) == said
    assert BEFORE.read_token(PURPOSE, AFTER.make_token(PURPOSE, said)) is None


def test_a_token_names_the_key_that_signed_it() -> None:
    assert TOKEN.split("~")[-2] == NEW.id != OLD.id
    assert BEFORE.make_token(PURPOSE, "42").split("~")[-2] == OLD.id


@given(st.binary(min_size=1, max_size=80))
def test_a_keys_name_is_four_letters_and_not_its_text(secret: bytes) -> None:
    key = LinkKey(secret)
    assert len(key.id) == 4 and set(key.id) <= set(string.ascii_letters + string.digits + "-_")
    assert str(secret) not in repr(key)


def test_a_token_is_of_one_purpose() -> None:
    assert AFTER.read_token(b"tests v2", TOKEN) is None
    assert AFTER.read_unnamed_token(b"tests v2", AFTER.led_by(None).make_token(PURPOSE, "7")) is None  # type: ignore[union-attr]


@pytest.mark.parametrize("place", range(len(TOKEN)))
def test_a_change_of_any_character_makes_it_void(place: int) -> None:
    for letter in set(string.printable + "é~-_=+/") - {TOKEN[place]}:
        assert AFTER.read_token(PURPOSE, TOKEN[:place] + letter + TOKEN[place + 1 :]) is None
    assert AFTER.read_token(PURPOSE, TOKEN[:place] + TOKEN[place + 1 :]) is None


def test_a_signature_by_one_key_under_the_name_of_another_is_void() -> None:
    said, name, signature = TOKEN.rsplit("~", 2)
    assert name == NEW.id
    assert AFTER.read_token(PURPOSE, f"{said}~{OLD.id}~{signature}") is None


@given(st.text())
def test_no_text_raises(text: str) -> None:
    assert AFTER.read_token(PURPOSE, text) is None
    assert AFTER.read_unnamed_token(PURPOSE, text) is None


def test_any_of_the_keys_can_sign_again_what_it_once_signed() -> None:
    again = AFTER.led_by(OLD.id)
    assert again is not None
    assert again.make_token(PURPOSE, "42") == BEFORE.make_token(PURPOSE, "42")
    assert AFTER.led_by(OTHER.id) is None


def test_the_oldest_key_signs_as_before_keys_had_names() -> None:
    unnamed = AFTER.led_by(None)
    assert unnamed is not None
    token = unnamed.make_token(PURPOSE, "42")
    assert token.count("~") == 1
    assert AFTER.read_unnamed_token(PURPOSE, token) == BEFORE.read_unnamed_token(PURPOSE, token) == "42"
    assert AFTER.read_token(PURPOSE, token) is None


def test_a_signature_is_the_seal_of_what_is_said() -> None:
    signature = base64.urlsafe_b64decode(TOKEN.rpartition("~")[2] + "==")
    assert signature == seal(NEW.secret, PURPOSE, b"42~bGlzdA")[:16]
