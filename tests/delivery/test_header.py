"""Header fields: one field each, of short lines, that read back as what was written."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pressrun.delivery.header import (
    clean_line,
    wire_address,
    write_mailto,
    write_parameter,
    write_phrase,
    write_text,
    write_uri,
)

ANY = st.one_of(
    st.text(max_size=200),
    st.lists(
        st.sampled_from(
            ["\r\n", "\r\nBcc: x", "=?", "?=", "=?utf-8?q?a?=", " ", "  ", '"', "\\", ";", "*", "%", "'", "\0"]
        )
        | st.sampled_from(
            ["\u202e", "\u2028", "\x85", "🎉", "👩\u200d👧", "林晓", "word", "x" * 70, "\ud800", "e\u0301"]
        ),
        max_size=20,
    ).map("".join),
    st.text("a林 ", min_size=1_900, max_size=2_000),
)


def check_lines(field: str, longest: int) -> None:
    assert field.isascii()
    for n, line in enumerate(field.split("\r\n")):
        assert "\r" not in line and "\n" not in line
        assert len(line) <= longest
        assert n == 0 or (line.startswith(" ") and line.strip())


@given(ANY)
@example("word " * 400)
@example("x" * 2_000)
@example("x" * 67)
@example("x" * 68)
@example("y " + "x" * 66 + " z")
def test_a_subject_reads_back(text: str) -> None:
    field = write_text("Subject", text)
    check_lines(field.removesuffix("\r\n"), 76)
    octets = field.encode()
    assert message_from_bytes(octets + b"\r\n", policy=policy.default)["Subject"] == clean_line(text)


@given(ANY)
@example("x" * 60)
@example('"' * 60)
def test_a_phrase_reads_back(text: str) -> None:
    clean = clean_line(text)
    phrase = write_phrase(clean)
    check_lines(phrase, 130)  # sixty escaped characters, the longest that are not folded
    if "=?utf-8?b?" in phrase and not phrase.startswith('"'):
        assert str(make_header(decode_header(phrase.replace("\r\n", "")))) == clean
        assert all(len(word) <= 75 for word in phrase.split("\r\n "))  # RFC 2047 §2
    elif phrase.startswith('"'):
        assert re.sub(r"\\(.)", r"\1", phrase[1:-1]) == clean
    else:
        assert phrase == clean


@given(ANY)
@example("x" * 60)
@example("年报 2026.pdf")
@example("é" * 300)
def test_a_file_name_reads_back(name: str) -> None:
    field = f"Content-Disposition: attachment{write_parameter('filename', name)}"
    check_lines(field, 105)
    message = message_from_bytes(f"{field}\r\n\r\n".encode())
    assert (message.get_filename() or "") == clean_line(name)


@given(ANY)
def test_a_clean_line_is_one_line_and_stays_as_it_is(text: str) -> None:
    clean = clean_line(text)
    assert clean == clean_line(clean) == " ".join(clean.split())
    assert len(clean.splitlines()) <= 1
    clean.encode()


@given(ANY)
def test_an_address_between_angle_brackets_cant_end_them(text: str) -> None:
    written = write_uri(f"https://example.com/{text}")
    assert written.isascii() and not set(written) & set("<> \r\n\0")


def test_addresses_are_written_as_they_are() -> None:
    assert write_uri("https://example.com/a?b=c%20d&e=~f") == "https://example.com/a?b=c%20d&e=~f"
    assert unquote(write_uri("https://example.com/采购")) == "https://example.com/采购"
    assert write_mailto("a+b&c?d%@example.com") == "mailto:a+b%26c%3Fd%25@example.com"  # RFC 6068 §2
    assert write_mailto("a@采购.example.com") == f"mailto:a@{'采购'.encode('idna').decode()}.example.com"


@pytest.mark.parametrize("domain", ["bücher.example.com", "采购.example.com"])
def test_domains_are_written_as_a_labels(domain: str) -> None:
    assert wire_address(f"a@{domain}") == f"a@{domain.encode('idna').decode()}"
