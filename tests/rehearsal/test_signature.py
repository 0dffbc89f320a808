from __future__ import annotations

import re

import dkim
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.delivery.dkim_key import Algorithm, make_key
from pressrun.rehearsal.signature import verified_by
from signed_message import BODY, CONSTANT, DOMAIN, VARYING, ask_dkimpy, both_keys, compose

RSA, ED25519 = both_keys()
OTHER = make_key(DOMAIN, "other", Algorithm.ED25519_SHA256)


def test_both_kinds_of_signature_hold() -> None:
    assert verified_by(compose([RSA, ED25519]), [RSA, ED25519, OTHER]) == {RSA.name, ED25519.name}


def test_a_message_without_a_signature_is_signed_by_nobody() -> None:
    assert verified_by(VARYING + CONSTANT + b"\r\n" + BODY, [RSA, ED25519]) == set()


def test_a_key_that_is_not_known_counts_for_nothing() -> None:
    assert verified_by(compose([RSA]), [ED25519]) == set()


def test_another_key_of_the_same_name_does_not_hold() -> None:
    assert verified_by(compose([ED25519]), [make_key(DOMAIN, "test-ed25519", Algorithm.ED25519_SHA256)]) == set()


def test_what_dkimpy_signs_holds() -> None:
    message = VARYING + CONSTANT + b"\r\n" + BODY
    signature = dkim.sign(
        message, b"test", DOMAIN.encode(), RSA.pem.partition("\n")[2].encode(), canonicalize=(b"relaxed", b"relaxed")
    )
    assert verified_by(signature + message, [RSA]) == {RSA.name}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"lin@example.com", b"ann@example.com"),
        ("买得更好".encode(), "买得更坏".encode()),
        (b"c=relaxed/relaxed", b"c=simple/simple"),
        (b"v=1;", b"v=2;"),
        (b" b=", b" b=!"),
        (b"MIME-Version: 1.0", b"MIME-Version: 1.0\r\nTo: ann@example.com"),  # oversigned: a second one breaks it
    ],
)
def test_whatever_was_signed_and_is_changed_no_longer_holds(old: bytes, new: bytes) -> None:
    message = compose([ED25519])
    assert old in message
    assert verified_by(message.replace(old, new, 1), [ED25519]) == set()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"To: ", b"to:  "),
        (b"Reply-To: editor", b"Reply-To:\r\n\t editor"),
        (b"   \xe8\xae\xa9", b" \xe8\xae\xa9"),
    ],
)
def test_blanks_and_case_may_change_on_the_way(old: bytes, new: bytes) -> None:
    message = compose([ED25519])
    assert old in message
    assert verified_by(message.replace(old, new, 1), [ED25519]) == {ED25519.name}


@given(st.binary(max_size=300).map(lambda body: re.sub(rb"\r\n|\r|\n", b"\r\n", body) + b"\r\n"))
def test_it_says_what_dkimpy_says_of_any_body(body: bytes) -> None:
    message = compose([ED25519], body=body)
    assert (verified_by(message, [ED25519]) == {ED25519.name}) is ask_dkimpy(message, [ED25519])[0]


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_no_changed_octet_raises_anything(at: int, octet: int) -> None:
    message = bytearray(compose([ED25519]))
    message[at % len(message)] = octet
    assert verified_by(bytes(message), [ED25519]) <= {ED25519.name}
