"""Seals are HMAC-SHA-256, whatever the key and what is said."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.delivery.seal import seal


@given(st.binary(max_size=200), st.binary(max_size=40), st.binary(max_size=300))
def test_a_seal_is_the_hmac_of_purpose_nul_and_what_is_said(key: bytes, purpose: bytes, said: bytes) -> None:
    assert seal(key, purpose, said) == hmac.digest(key, purpose + b"\0" + said, "sha256")


@pytest.mark.parametrize("length", [0, 1, 63, 64, 65, 128])
def test_keys_about_a_blocks_length_are_no_exception(length: int) -> None:
    key = bytes(range(length))
    assert seal(key, b"p", b"s") == hmac.digest(key, b"p\0s", "sha256")


def test_sealing_again_begins_anew() -> None:
    first = [seal(b"key", b"purpose", said) for said in (b"one", b"two", b"one")]
    assert first[0] == first[2] != first[1]


def test_another_key_or_purpose_makes_another_seal() -> None:
    assert len({seal(key, purpose, b"said") for key in (b"a", b"b") for purpose in (b"p", b"q")}) == 4
