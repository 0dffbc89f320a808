"""What counts as an address, and when two are the same person's."""

from __future__ import annotations

import string
import unicodedata

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from pressrun.address import AddressError, ParsedAddress, parse_address

ATEXT = string.ascii_letters + string.digits + "!#$%&'*+-/=?^_`{|}~"
atoms = st.text(ATEXT, min_size=1, max_size=20)
local_parts = st.lists(atoms, min_size=1, max_size=3).map(".".join)
domains = st.sampled_from(["example.com", "City.Example.COM", "lists.example", "a.test", "bücher.example.com"])
addresses = st.builds("{}@{}".format, local_parts, domains)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Li.Wei@Example.COM", "li.wei@example.com"),
        ("  li.wei@example.com\t", "li.wei@example.com"),
        ("li.wei+news@example.com", "li.wei+news@example.com"),
        ("liwei@example.com", "liwei@example.com"),
        ("o'neill@city.example.com", "o'neill@city.example.com"),
        ("a@news.example", "a@news.example"),
        ("a@news.test", "a@news.test"),
        ("李伟@example.com", "李伟@example.com"),
        ("Jose\u0301@example.com", "jos\u00e9@example.com"),
        ("STRASSE@example.com", "strasse@example.com"),
        ("straße@example.com", "strasse@example.com"),
        ("a@BÜCHER.example.com", "a@xn--bcher-kva.example.com"),
        ("a@例子.example", "a@xn--fsqu00a.example"),
        ("a@XN--FSQU00A.example", "a@xn--fsqu00a.example"),
        ("Postmaster@example.com", "postmaster@example.com"),
        ("l" * 64 + "@example.com", "l" * 64 + "@example.com"),
    ],
)
def test_the_key_compares_and_the_address_stays_as_given(text: str, key: str) -> None:
    assert parse_address(text) == ParsedAddress(text.strip(), key)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "@example.com",
        "li.wei",
        "li.wei@",
        "li wei@example.com",
        "li..wei@example.com",
        ".li@example.com",
        "li@example.com.",
        "li@-city.example.com",
        "li@localhost",
        "li@test",
        "li@city.local",
        "li@city.invalid",
        "li@[127.0.0.1]",
        '"li wei"@example.com',
        "a@b@example.com",
        "li.wei＠example.com",
        "l" * 65 + "@example.com",
        "l" * 60 + "@" + ".".join(["d" * 60] * 4) + ".com",
        "li.wei@example.com, wang@example.com",
        "\u202eli@example.com",
        "\ufeffli@example.com",
        "li@example.com\x07",
    ],
)
def test_what_is_no_address_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse_address(text)
    assert 0 < len(str(caught.value)) < 200
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "li@example.com\r\nBcc: all@example.com",
        "li@example.com\n",
        "\rli@example.com",
        "li\0@example.com",
        "<li@example.com>",
        "Li Wei <li@example.com>",
        "li@example.com>",
        "li@example.com> SIZE=1",
    ],
)
def test_line_breaks_nul_brackets_and_display_names_are_refused(text: str) -> None:
    with pytest.raises(AddressError):
        parse_address(text)


@given(addresses)
def test_case_and_space_around_it_do_not_matter(text: str) -> None:
    try:
        key = parse_address(text).key
    except AddressError:
        return
    local, _, domain = text.rpartition("@")
    assert parse_address(f" {local.upper()}@{domain.upper()} ").key == key


@given(st.one_of(addresses, st.text(max_size=30), st.builds("{}@{}".format, st.text(max_size=80), domains)))
def test_the_key_of_a_key_is_the_key(text: str) -> None:
    try:
        key = parse_address(text).key
        again = parse_address(key).key
    except AddressError:
        return
    assert again == key
    assert unicodedata.is_normalized("NFC", key)


hosts = st.text(string.ascii_letters + string.digits + "-.", max_size=90)


@given(
    st.one_of(
        addresses,
        st.builds("{}@{}".format, st.text(ATEXT + '. "@é', max_size=70), st.one_of(domains, hosts)),
        st.builds("{}@{}.test".format, local_parts, st.lists(st.text("ab-", max_size=64), max_size=5).map(".".join)),
    )
)
def test_the_shortcut_agrees_with_the_library(text: str) -> None:
    text = text.strip()
    try:
        valid = validate_email(text, strict=True, check_deliverability=False, test_environment=True)
        expected = valid.ascii_domain if "." in valid.ascii_domain else None
    except EmailNotValidError:
        expected = None
    try:
        found = parse_address(text).key.rpartition("@")[2]
    except AddressError:
        found = None
    assert found == expected
