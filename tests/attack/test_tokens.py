"""Tokens: one of another purpose, person, list, key or form opens nothing, and none can be made from another."""

from __future__ import annotations

import base64
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pressrun.delivery.leave_link import Leave, make_leave_token, read_leave_token
from pressrun.delivery.preferences_link import make_preferences_token, read_preferences_token
from pressrun.delivery.recipient import envelope_sender, read_verp
from pressrun.link_keys import LinkKey, LinkKeys
from small_edition import NOW, make_edition

ONE, OTHER = LinkKey(b"one key for tests, long enough"), LinkKey(b"another key for tests, long enough")
KEYS, OTHERS, BOTH = LinkKeys((ONE,)), LinkKeys((OTHER,)), LinkKeys((OTHER, ONE))
PURPOSES = (b"pressrun unsubscribe v1", b"pressrun preferences v1", b"pressrun confirm v1", b"pressrun form v1")
SAID = st.text(string.ascii_letters + string.digits + "-_.~", max_size=40)
LETTERS = string.ascii_letters + string.digits + "-_~"
READERS = (read_leave_token, read_preferences_token)
TOKENS = (make_leave_token(Leave(7, "news"), KEYS), make_preferences_token(7, KEYS))


@given(said=SAID)
def test_a_token_is_read_for_its_purpose_only(said: str) -> None:
    for purpose in PURPOSES:
        token = KEYS.make_token(purpose, said)
        assert KEYS.read_token(purpose, token) == said
        for other in PURPOSES:
            if other != purpose:
                assert KEYS.read_token(other, token) is None
                assert KEYS.read_unnamed_token(other, token) is None


@given(said=SAID, place=st.integers(0, 200), letter=st.sampled_from(LETTERS))
def test_a_token_with_one_letter_changed_is_none(said: str, place: int, letter: str) -> None:
    token = KEYS.make_token(PURPOSES[0], said)
    place %= len(token)
    changed = token[:place] + letter + token[place + 1 :]
    assume(changed != token)
    assert KEYS.read_token(PURPOSES[0], changed) is None
    assert KEYS.read_unnamed_token(PURPOSES[0], changed) is None


@given(said=SAID, more=st.text(min_size=1, max_size=5))
def test_nor_is_one_cut_short_or_made_longer(said: str, more: str) -> None:
    token = KEYS.make_token(PURPOSES[0], said)
    for changed in (token + more, more + token, token + "=", token + "==", *(token[:n] for n in range(len(token)))):
        assert KEYS.read_token(PURPOSES[0], changed) is None
        assert KEYS.read_unnamed_token(PURPOSES[0], changed) is None


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("read", READERS)
def test_base64_has_one_spelling_only(token: str, read: object) -> None:
    """The last of 22 letters has bits to spare: another letter decodes to the same octets (CWE-347)."""
    *_, signature = token.split("~")
    octets = base64.urlsafe_b64decode(signature + "==")
    same = [
        signature[:-1] + letter
        for letter in LETTERS[:-1]
        if base64.urlsafe_b64decode(signature[:-1] + letter + "==") == octets and letter != signature[-1]
    ]
    assert same  # else this tests nothing
    standard = token.replace("-", "+").replace("_", "/")
    for changed in [token.removesuffix(signature) + one for one in same] + [standard] * (standard != token):
        assert read(changed, KEYS) is None  # type: ignore[operator]


@given(text=st.text(max_size=80))
def test_whatever_stands_in_place_of_a_token_is_none_and_raises_nothing(text: str) -> None:
    for read in READERS:
        assert read(text, BOTH) is None
    assert read_verp(text, BOTH) is None


@pytest.mark.parametrize("text", ["", "~", "~~", "~~~", "7~~", "0~~" + "A" * 22, "7", "\x00", "7~bmV3cw~" + "A" * 22,
                                  "７~bmV3cw~" + "A" * 22, "A" * 100_000, "~" * 100_000, "\udc80"])  # fmt: skip
def test_odd_texts_are_no_tokens(text: str) -> None:
    for read in READERS:
        assert read(text, KEYS) is None
    assert read_verp(f"bounces+{text}@example.com", KEYS) is None


@pytest.mark.parametrize("token", TOKENS)
def test_a_token_in_other_case_is_none(token: str) -> None:
    for read in READERS:
        for changed in (token.upper(), token.lower(), token.swapcase()):
            assert changed == token or read(changed, KEYS) is None


def test_one_persons_signature_is_no_other_persons_and_no_other_lists() -> None:
    _, news, key_id, signature = make_leave_token(Leave(7, "news"), KEYS).split("~")
    other = make_leave_token(Leave(7, "other"), KEYS).split("~")[1]
    for said in (f"8~{news}", f"77~{news}", f"07~{news}", f"+7~{news}", f"7~{other}", "7", f"7~{news}~", f"~7~{news}"):
        assert read_leave_token(f"{said}~{key_id}~{signature}", KEYS) is None
        assert read_leave_token(f"{said}~{signature}", KEYS) is None


def test_a_leave_link_does_not_open_the_preferences_nor_they_leave() -> None:
    leave, preferences = TOKENS
    assert read_preferences_token(leave, KEYS) is None
    assert read_leave_token(preferences, KEYS) is None


@pytest.mark.parametrize(("token", "read"), [(TOKENS[0], READERS[0]), (TOKENS[1], READERS[1])])
def test_a_key_that_is_gone_reads_nothing_and_one_that_was_added_all(token: str, read: object) -> None:
    assert read(token, OTHERS) is None  # type: ignore[operator]
    assert read(token, BOTH) is not None  # type: ignore[operator]


def test_naming_another_key_makes_no_token_of_it() -> None:
    token = KEYS.make_token(PURPOSES[0], "x")
    assert BOTH.read_token(PURPOSES[0], token.replace(ONE.id, OTHER.id)) is None


def test_what_a_key_is_called_and_how_it_is_shown_say_nothing_of_it() -> None:
    assert len(ONE.id) == 4
    assert ONE.secret.decode() not in repr(KEYS) + str(KEYS) + repr(ONE)


class _Row:
    """As much of a row as a return path needs."""

    id, subscriber_id, list, address, created_at = 4711, 7, "news", "lin@example.com", NOW


def test_a_return_path_names_its_own_row_only() -> None:
    address = envelope_sender(_Row(), make_edition(verp=True), KEYS)  # type: ignore[arg-type]
    assert read_verp(address, KEYS) == 4711
    assert read_verp(address.upper(), KEYS) == 4711  # relays fold case
    assert read_verp(address, OTHERS) is None
    local, _, domain = address.partition("@")
    for changed in (
        local.replace("4711", "4712"),
        local.replace("4711", "04711"),
        local[:-1],
        local + "a",
        f"x{local}+y",
    ):
        assert read_verp(f"{changed}@{domain}", KEYS) is None
