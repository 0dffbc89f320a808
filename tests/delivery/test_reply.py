"""Replies: the same whatever pieces their octets come in, and nothing else is one."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.delivery.reply import LONGEST, Reply, ReplyError, ReplyReader

CODES = st.integers(200, 599)
TEXTS = st.binary(max_size=40).map(lambda text: text.replace(b"\n", b"").replace(b"\r", b""))


@st.composite
def written(draw: st.DrawFn) -> tuple[bytes, Reply]:
    """A reply as a relay writes it, and as it is read."""
    code, lines = draw(CODES), draw(st.lists(TEXTS, min_size=1, max_size=4))
    end = draw(st.sampled_from([b"\r\n", b"\n"]))
    octets = b"".join(
        b"%03d%s%s%s" % (code, b" " if n == len(lines) - 1 else b"-", line, end) for n, line in enumerate(lines)
    )
    return octets, Reply(code, b" ".join(lines))


def read(*pieces: bytes) -> list[tuple[int, str]]:
    reader = ReplyReader()
    return [(reply.code, reply.text) for piece in pieces for reply in reader.read(piece)]


@given(st.lists(written(), min_size=1, max_size=4), st.data())
def test_replies_are_the_same_in_whatever_pieces_they_come(
    all_written: list[tuple[bytes, Reply]], data: st.DataObject
) -> None:
    octets = b"".join(octets for octets, _ in all_written)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(octets)), max_size=8)))
    pieces = [octets[start:end] for start, end in zip([0, *cuts], [*cuts, len(octets)], strict=True)]
    assert read(*pieces) == [(reply.code, reply.text) for _, reply in all_written]


@given(written())
def test_a_reply_is_not_read_before_its_end(one: tuple[bytes, Reply]) -> None:
    octets, reply = one
    assert read(octets[:-1]) == []
    assert read(octets) == [(reply.code, reply.text)]


@pytest.mark.parametrize(
    ("octets", "reply"),
    [
        (b"250\r\n", (250, "")),
        (b"250\n", (250, "")),
        (b"250 \r\n", (250, "")),
        (b"250-a\r\n250-b\r\n250 c\r\n", (250, "a b c")),
        (b"250-a\r\n250\r\n", (250, "a ")),
        (b"550 5.1.1 bo\xeete\r\n", (550, "5.1.1 bo\udceete")),
        (b"000 what\r\n", (0, "what")),
    ],
)
def test_a_replys_text_is_all_it_says(octets: bytes, reply: tuple[int, str]) -> None:
    assert read(octets) == [reply]


@pytest.mark.parametrize(
    "octets",
    [
        b"\r\n", b"\n", b"25\r\n", b"2500 ok\r\n", b" 250 ok\r\n", b"+50 ok\r\n", b"2 0 ok\r\n", b"\xd9\xa2 50 x\r\n",
        b"HTTP/1.1 400 Bad Request\r\n", b"\x16\x03\x01\x02\n", b"250_ok\r\n", b"250-one\r\nbut then\r\n",
        b"\x00\x00\x00 \n",
    ],
)  # fmt: skip
def test_what_is_no_reply_is_an_error(octets: bytes) -> None:
    with pytest.raises(ReplyError):
        read(octets)


@given(st.binary(max_size=60))
def test_whatever_comes_is_replies_or_an_error(octets: bytes) -> None:
    reader, replies = ReplyReader(), 0
    with suppress(ReplyError):
        for reply in reader.read(octets):
            assert 0 <= reply.code <= 999 and "\n" not in reply.text
            replies += 1
    assert replies <= octets.count(b"\n")


def test_what_came_before_nonsense_is_read_first() -> None:
    replies = ReplyReader().read(b"250 2.0.0 taken\r\n<html>\r\n250 and more\r\n")
    assert next(replies).text == "2.0.0 taken"
    with pytest.raises(ReplyError):
        next(replies)


@pytest.mark.parametrize("line", [b"", b"250-" + b"x" * 100 + b"\r\n"], ids=["one line", "many lines"])
def test_a_reply_without_an_end_is_an_error_and_fills_no_memory(line: bytes) -> None:
    reader = ReplyReader()
    line = line or b"x" * 1000
    with pytest.raises(ReplyError, match="without an end"):
        for _ in range(LONGEST // (len(line) - 2) + 2):
            list(reader.read(line))


def test_many_replies_of_many_lines_are_no_long_one() -> None:
    reader = ReplyReader()
    for _ in range(40):
        (reply,) = reader.read(b"250-" + b"x" * 4_000 + b"\r\n250 ok\r\n")
        assert reply.code == 250
