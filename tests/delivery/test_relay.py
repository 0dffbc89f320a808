"""Relay URLs: read whole, refused with a remedy, and the password never told."""

from __future__ import annotations

import pytest

from pressrun.delivery.relay import Relay, Starttls, parse_relay
from pressrun.errors import UsageError


@pytest.mark.parametrize(
    ("url", "relay"),
    [
        ("smtp://127.0.0.1:1025", Relay("127.0.0.1", 1025)),
        ("smtp://mail.example.com", Relay("mail.example.com", 25)),
        ("smtp://me:pw@mail.example.com", Relay("mail.example.com", 587, username="me", password="pw")),
        ("smtps://mail.example.com", Relay("mail.example.com", 465, implicit_tls=True)),
        ("smtp://m%40x:p%2F%3A@[::1]:26", Relay("::1", 26, username="m@x", password="p/:")),
        ("smtp://h.example.com?starttls=never&verify=no", Relay("h.example.com", 25, False, Starttls.NEVER, False)),
    ],
)
def test_a_url_names_a_relay(url: str, relay: Relay) -> None:
    assert parse_relay(url) == relay


@pytest.mark.parametrize(
    "url",
    [
        "", "mail.example.com", "http://mail.example.com", "smtp://", "smtp://h:99999", "smtp://h:x", "smtp://[::1",
        "smtp://h?starttls=maybe", "smtp://h?verify=perhaps", "smtp://h?tls=1",
    ],
)  # fmt: skip
def test_a_url_that_names_none_is_refused_with_a_remedy(url: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_relay(url)
    assert raised.value.remedy


def test_no_text_about_a_relay_holds_its_password() -> None:
    relay = parse_relay("smtp://me:geheim@h.example.com:25")
    assert "geheim" not in f"{relay} {relay!r}"
    for url in (
        "smtp://me:geheim@h:port",
        "smtp://me:geheim/1@h.example.com",
        "ftp://me:geheim@h",
        "smtp://me:geheim@",
    ):
        with pytest.raises(UsageError) as raised:
            parse_relay(url)
        assert "geheim" not in str(raised.value)
