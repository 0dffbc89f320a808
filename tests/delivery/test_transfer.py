"""Transfer encodings: encoding what never changes only once decodes to what the whole text is."""

from __future__ import annotations

import base64
import quopri
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pressrun.delivery.dkim import canonicalize_body
from pressrun.delivery.transfer import LONGEST_LINE, Base64, EightBit, Encoding, QuotedPrintable

LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\r\n")
LINE = st.text(LETTERS, max_size=90)
ODD = st.sampled_from(
    [
        "",
        ".",
        "..",
        " ",
        "  ",
        "\t",
        "=",
        "=20",
        "From ",
        "From",
        "x" * 57,
        "x" * 75,
        "x" * 76,
        "x" * 200,
        "重" * 19,
        "\0",
    ]
)
LITERAL = st.lists(st.one_of(LINE, ODD, st.sampled_from(["\r\n", "\r\n\r\n", " \r\n", "\r\n."])), max_size=6).map(
    "".join
)
VALUE = st.lists(st.one_of(LINE, ODD), max_size=3).map("".join)
TEXTS = st.lists(st.tuples(VALUE, LITERAL), max_size=5)


def encode(text: str) -> bytes:
    # A lone CR or LF can't be in a literal: parts are given line ends of one kind.
    return re.sub("\r(?!\n)|(?<!\r)\n", "", text).encode()


def fill(encoding: Encoding, values: list[bytes]) -> bytes:
    out: list[bytes] = []
    encoding.append(values, out)
    return b"".join(out)


def lines(body: bytes) -> list[bytes]:
    found = body.split(b"\r\n")
    assert not any(b"\r" in line or b"\n" in line for line in found)
    return found


@settings(max_examples=300, deadline=None)
@given(first=LITERAL, others=TEXTS)
@example(first="", others=[("", ""), ("", "")])
@example(first="ab", others=[("c", ""), ("", "d"), ("ef", "")])
@example(first="xyz", others=[("", "abcdef"), ("y", "\r\n")])
@example(first="", others=[("a", "\r\n" * 3), ("b", "\r\n" * 3)])
def test_base64_decodes_to_the_filled_text(first: str, others: list[tuple[str, str]]) -> None:
    literals = [encode(first), *(encode(literal) for _, literal in others)]
    values = [encode(value) for value, _ in others]
    body = fill(Base64(literals, range(len(values))), values)
    wanted = literals[0] + b"".join(value + literal for value, literal in zip(values, literals[1:], strict=True))
    found = lines(body)
    assert all(len(line) <= 76 for line in found)
    assert all(line and len(line) % 4 == 0 and b"=" not in line for line in found[:-1])
    assert base64.b64decode(body.replace(b"\r\n", b""), validate=True) == wanted


@settings(max_examples=300, deadline=None)
@given(first=LITERAL, others=TEXTS)
@example(first="", others=[("", " \r\n"), (" ", " "), (".", "\r\n.")])
@example(first="a ", others=[("", ""), ("", "\r\nb")])
@example(first="x" * 74 + " ", others=[("." * 200, "From ")])
@example(first="x" * 75 + ".", others=[("x" * 75 + "." + "=" * 60, "x" * 76)])
@example(first="", others=[("From", " x")])
@example(first="From", others=[(" x", "")])
@example(first="\r\n", others=[("From here", "\r\n"), ("From 林", "\r\n")])
def test_quoted_printable_decodes_to_the_filled_text_and_is_canonical(
    first: str, others: list[tuple[str, str]]
) -> None:
    literals = [encode(first), *(encode(literal) for _, literal in others)]
    values = [encode(value) for value, _ in others]
    body = fill(QuotedPrintable(literals, range(len(values))), values)
    wanted = literals[0] + b"".join(value + literal for value, literal in zip(values, literals[1:], strict=True))
    found = lines(body)
    assert body.isascii()
    assert all(len(line) <= 76 for line in found)
    assert not any(line.startswith((b".", b"From ")) for line in found)
    assert quopri.decodestring(body.replace(b"\r\n", b"\n")) == wanted.replace(b"\r\n", b"\n")
    end = body + b"--end\r\n"  # what follows a part is never an empty line, which relaxed would drop
    assert canonicalize_body(end) == end


@settings(max_examples=200, deadline=None)
@given(first=LITERAL, others=TEXTS)
@example(first="a ", others=[("", " b"), ("c", "\t ")])
@example(first="a ", others=[("", "\r\n"), ("c", "")])
@example(first=" a \t b ", others=[("c d", " \r\n  e "), ("f", "  ")])
@example(first="a", others=[("b ", " c")])
@example(first="x" * 990, others=[("y" * 8, ""), ("z", "")])
@example(first="x" * 990, others=[("y" * 8, "\r\n"), ("z" * 998, "")])
def test_eight_bit_is_the_filled_text_where_no_line_is_too_long(first: str, others: list[tuple[str, str]]) -> None:
    literals = [encode(first), *(encode(literal) for _, literal in others)]
    values = [encode(value) for value, _ in others]
    encoding = EightBit(literals, range(len(values)), b"=_forbidden")
    wanted = literals[0] + b"".join(value + literal for value, literal in zip(values, literals[1:], strict=True))
    assert fill(encoding, values) == wanted
    canonical: list[bytes] = []
    encoding.append_canonical(values, canonical)
    assert b"".join(canonical) + b"\r\n--end\r\n" == canonicalize_body(wanted + b"\r\n--end\r\n")
    if encoding.is_possible:
        assert encoding.fits(values) == (max(map(len, wanted.split(b"\r\n"))) <= LONGEST_LINE)
    else:
        assert b"\0" in wanted or max(map(len, wanted.split(b"\r\n"))) > LONGEST_LINE


@pytest.mark.parametrize("literals", [[b"a\0b"], [b"x" * 999], [b"x" * 500, b"y" * 499], [b"--=_forbidden"]])
def test_eight_bit_is_impossible_for_some_texts(literals: list[bytes]) -> None:
    assert not EightBit(literals, range(len(literals) - 1), b"=_forbidden").is_possible


def test_no_value_can_end_an_eight_bit_part() -> None:
    encoding = EightBit([b"\r\n", b"\r\n"], [0], b"=_forbidden")
    assert encoding.fits([b"--=_allowed"])
    assert not encoding.fits([b"--=_forbidden_0"])


def test_a_long_constant_is_encoded_once_for_each_of_three_places() -> None:
    encoding = Base64([b"", b"z" * 60_000], [0])
    bodies = [fill(encoding, [b"x" * n]) for n in range(1, 30)]
    assert base64.b64decode(bodies[6]) == b"x" * 7 + b"z" * 60_000
    constants = {body.partition(b"\r\n")[2] for body in bodies}
    assert len(constants) == 3


def test_plain_words_stay_readable_in_quoted_printable() -> None:
    encoding = QuotedPrintable([b"Dear ", b",\r\nbuy less, buy better. \r\n"], [0])
    assert fill(encoding, [b"Mary Field"]) == b"Dear=20Mary Field,\r\nbuy less, buy better.=20\r\n"
