"""SMTP smuggling (CVE-2023-51764 and its kin): one message stays one, going out and coming in."""

from __future__ import annotations

import asyncio
import random
import re
from pathlib import Path

import pytest
from hostile import LINES
from hypothesis import given, settings
from hypothesis import strategies as st

from faulty_relay import faulty_relay
from patience import HUNG
from pressrun.delivery.connection import Connection, Envelope, stuff_dots
from pressrun.delivery.message import MessageTemplate
from pressrun.rehearsal.box import Box, read_box
from pressrun.rehearsal.faults import Faults
from pressrun.rehearsal.receiver import Receiver, receive
from pressrun.sink import read_maildir, sink
from small_edition import TOKENS, make_edition, make_recipient

ENDS = (
    b"\n.\n",
    b"\n.\r\n",
    b"\r\n.\n",
    b"\r.\r\n",
    b"\r.\r",
    b"\n.\r",
    b"\r\n.\r",
    b"\r\n\x00.\r\n",
    b"\r\n.\x00\r\n",
)
"""What some server or other has taken for the end of a message (RFC 5321 §4.1.1.4 knows only CR LF . CR LF)."""

SECOND = b"MAIL FROM:<boss@example.org>\r\nRCPT TO:<b@example.com>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n"
PIECES = [*(end.decode() for end in ENDS), *LINES, ".", "..", "\r\n", "\n", "\r", "x"]


async def may_leave() -> bool:
    return True


def check_wire(octets: bytes) -> None:
    """What DATA carries: CR and LF only together, no line a lone dot, no line too long (RFC 5321 §2.3.8, §4.5.2)."""
    assert octets.count(b"\r") == octets.count(b"\n") == octets.count(b"\r\n")
    lines = octets.split(b"\r\n")
    assert lines[-1] == b"" and b"." not in lines
    assert not [line for line in lines if line.startswith(b".") and not line.startswith(b"..")]
    assert max(map(len, lines)) <= 998 + 1


@settings(max_examples=150)
@given(
    name=st.lists(st.sampled_from(PIECES), max_size=6).map("".join),
    text=st.lists(st.sampled_from(PIECES), max_size=6).map("".join),
    eight_bit=st.booleans(),
)
def test_nothing_in_a_message_ends_it_early(name: str, text: str, eight_bit: bool) -> None:
    kept = text.encode("utf-8", "replace").decode()
    edition = make_edition(
        html=f"<p>{kept}</p>\n.\n{TOKENS['name']}\n", text=f"{kept}\n.\n{TOKENS['name']}\n", eight_bit=True
    )
    octets = MessageTemplate(edition, eight_bit=eight_bit).fill(make_recipient(name=name))
    check_wire(stuff_dots(octets))


@given(octets=st.lists(st.sampled_from([*ENDS, b"a", b".", b"\r\n"]), max_size=12).map(b"".join))
def test_whatever_is_stuffed_holds_no_end_in_it(octets: bytes) -> None:
    stuffed = stuff_dots(octets.replace(b"\r", b"").replace(b"\n", b"\r\n"))
    assert b"\r\n.\r\n" not in b"\r\n" + stuffed
    assert not stuffed or stuffed.endswith(b"\r\n")


async def test_a_relay_gets_one_message_whatever_a_name_holds() -> None:
    edition = make_edition(subject=f"For {TOKENS['name']}")
    async with faulty_relay() as relay:
        connection = Connection(relay.relay, HUNG, HUNG)
        await connection.open()
        for number, value in enumerate(PIECES):
            octets = stuff_dots(MessageTemplate(edition).fill(make_recipient(name=f"x{value}{SECOND.decode()}")))
            await connection.deliver(Envelope("n@example.com", f"r{number}@example.com"), octets, may_leave)
        await connection.close()
    assert [one.recipient for one in relay.accepted] == [f"r{number}@example.com" for number in range(len(PIECES))]
    assert {one.sender for one in relay.accepted} == {"n@example.com"}


async def converse(port: int, end: bytes) -> bytes:
    """Say a message with a false end and commands behind it; gives all that was answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for said in (b"EHLO x.example.com\r\n", b"MAIL FROM:<a@example.com>\r\n", b"RCPT TO:<b@example.com>\r\n"):
        writer.write(said)
    writer.write(b"DATA\r\n")
    answered = b""
    async with asyncio.timeout(HUNG):
        while b"354" not in answered:
            answered += await reader.read(4096)
        writer.write(b"Subject: true\r\n\r\nfirst" + end + SECOND + b"QUIT\r\n")
        while chunk := await reader.read(4096):
            answered += chunk
    writer.close()
    return answered


@pytest.mark.parametrize("end", ENDS)
async def test_the_embedded_receiver_ends_a_message_at_the_right_dot_only(tmp_path: Path, end: bytes) -> None:
    async with sink(tmp_path / "mail") as port:
        await converse(port, end)
    (kept,) = read_maildir(tmp_path / "mail")
    assert b"Return-Path: <a@example.com>" in kept and b"Subject: smuggled" in kept.partition(b"first")[2]


@pytest.mark.parametrize("end", ENDS)
async def test_so_does_the_receiver_of_a_rehearsal(tmp_path: Path, end: bytes) -> None:
    box = Box(tmp_path / "box")
    async with receive(Receiver(box, Faults(), random.Random(1))) as port:
        await converse(port, end)
    box.close()
    (kept,) = read_box(tmp_path / "box")
    assert b"smuggled" in kept.content.partition(b"first")[2]


@pytest.mark.parametrize("value", ["a@example.com>\r\nX: y", "a\x1b[2J@example.com", "a@example.com\x00"])
async def test_an_envelope_can_not_write_into_a_kept_message(tmp_path: Path, value: str) -> None:
    """Trace headers are the receiver's own: what a client names itself stays in its line."""
    async with sink(tmp_path / "mail") as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"EHLO x.example.com\r\nMAIL FROM:<{value}>\r\nRCPT TO:<{value}>\r\nDATA\r\n".encode())
        writer.write(b"Subject: x\r\n\r\nx\r\n.\r\nQUIT\r\n")
        async with asyncio.timeout(HUNG):
            await reader.read()
        writer.close()
    for kept in read_maildir(tmp_path / "mail"):
        head = kept.partition(b"\r\n\r\n")[0]
        assert not re.search(rb"^X:", head, re.MULTILINE)
