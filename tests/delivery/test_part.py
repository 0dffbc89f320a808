"""Parts: each in the shortest encoding that may be, and as 8bit only where it fits."""

from __future__ import annotations

import base64
import quopri

import pytest

from pressrun.delivery.part import Part, encode_text
from pressrun.render.slot import SlottedText, cut_plain
from small_edition import TOKENS


def make_part(text: str, *, eight_bit: bool = False) -> Part:
    slotted: SlottedText = cut_plain(text, TOKENS)
    pairs = zip(slotted.slots, slotted.escapes, strict=True)
    return Part("plain", slotted, {pair: n for n, pair in enumerate(dict.fromkeys(pairs))}, eight_bit=eight_bit)


def fill(part: Part, *values: bytes) -> tuple[str, bytes]:
    """The transfer encoding said in the header, and the body."""
    out: list[bytes] = []
    part.append(values, out)
    header, _, body = b"".join(out).partition(b"\r\n\r\n")
    assert header.startswith(b'Content-Type: text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: ')
    return header.rpartition(b" ")[2].decode(), body


@pytest.mark.parametrize(
    ("text", "encoding"), [("重点。后文\n", "base64"), ("Buy less = better.\n", "quoted-printable")]
)
def test_the_shorter_encoding_is_taken(text: str, encoding: str) -> None:
    said, body = fill(make_part(text * 40))
    assert said == encoding
    decode = base64.b64decode if encoding == "base64" else quopri.decodestring
    assert decode(body) == (text * 40).replace("\n", "\r\n").encode()


def test_eight_bit_is_the_text_itself() -> None:
    part = make_part(f"重点 {TOKENS['name']}\n.\n", eight_bit=True)
    assert fill(part, "林晓".encode()) == ("8bit", "重点 林晓\r\n.\r\n".encode())


def test_a_value_that_makes_a_line_too_long_is_encoded_for_that_one_alone() -> None:
    part = make_part(f"重点 {TOKENS['name']}\n", eight_bit=True)
    said, body = fill(part, b"x" * 2_000)
    assert said == "base64"
    assert base64.b64decode(body) == "重点 ".encode() + b"x" * 2_000 + b"\r\n"
    assert fill(part, b"x")[0] == "8bit"


def test_a_value_that_looks_like_a_boundary_is_encoded() -> None:
    said, body = fill(make_part(f"{TOKENS['name']}\n", eight_bit=True), b"--=_pressrun_alternative_0--")
    assert said != "8bit"
    assert b"=_pressrun" not in body


def test_a_text_with_too_long_a_line_is_encoded() -> None:
    assert fill(make_part("重" * 400, eight_bit=True))[0] == "base64"


@pytest.mark.parametrize("text", ["a\0b", "see --=_pressrun_alternative_0--"])
def test_a_text_that_could_break_the_message_is_encoded(text: str) -> None:
    assert fill(make_part(text, eight_bit=True))[0] != "8bit"


def test_every_line_end_becomes_crlf() -> None:
    assert encode_text("a\nb\rc\r\nd\n\re") == b"a\r\nb\r\nc\r\nd\r\n\r\ne"


def test_what_no_encoding_has_a_place_for_is_a_question_mark() -> None:
    assert encode_text("a\ud800b") == b"a?b"
