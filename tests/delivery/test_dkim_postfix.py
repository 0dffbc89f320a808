"""Signatures hold on messages that went through a real Postfix, for dkimpy and for OpenDKIM."""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import Sequence

import pytest

from faulty_relay import faulty_relay
from pressrun.delivery.message import MessageTemplate
from pressrun.render.edition import Edition, File
from private_postfix import private_postfix
from signed_message import BODY, CONSTANT, VARYING, ask_dkimpy, ask_opendkim, both_keys, compose
from small_edition import make_edition, make_recipient

pytestmark = pytest.mark.postfix

PASSED = {"rsa-sha256": "pass", "ed25519-sha256": "pass"}
LONG = "a subject of many words that is longer than a line may be, " * 4
PICTURE = File(name="cover.png", media_type="image/png", content=bytes(range(256)) * 20, content_id="cover@example.com")
REPORT = File(name="报告.pdf", media_type="application/pdf", content=b"%PDF-1.7\n" + bytes(3_000))


def fill(edition: Edition, eight_bit: bool = False, **changes: object) -> bytes:
    template = MessageTemplate(edition, eight_bit=eight_bit, signing=both_keys())
    return template.fill(make_recipient(**changes))


def messages() -> dict[str, bytes]:
    """Messages with what may go wrong on the way, by what it is."""
    spaced = b"".join(line.replace(b": ", b":  \t", 1) for line in VARYING.splitlines(keepends=True))
    helping = b"List-Help: <https://spp.example.com/help>,\r\n\t \t(" + b"word " * 150 + b")  \r\n"
    dots = "".join(f"{'.' * n}\n. {n}\n" for n in range(5)) + "no end"
    return {
        "as it is": fill(make_edition()),
        "8bit": fill(make_edition(eight_bit=True), eight_bit=True),
        "a long subject": fill(make_edition(subject=LONG.strip())),
        "a long Chinese subject": fill(make_edition(subject="可持续公共采购 " * 30 + "完")),
        "a long name": fill(make_edition(), name="林晓 O'Neil, “the \\ reader”" * 8),
        "dots": fill(make_edition(text=dots, html=f"<pre>{dots}</pre>")),
        "pictures and attachments": fill(make_edition(inline=(PICTURE,), attachments=(REPORT,))),
        "odd whitespace": compose(both_keys(), spaced + helping, CONSTANT),
        "an empty body": compose(both_keys(), body=b""),
        "empty lines at the end": compose(both_keys(), body=BODY + b" \t\r\n\r\n" * 40),
        "words of one line": compose(both_keys(), body=b"\t".join([b"word "] * 150) + b"\r\n"),
    }


def submit(port: int, found: Sequence[bytes]) -> None:
    """Hand messages to the Postfix at `port`, message n for readern@example.com."""
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as smtp:
        for n, message in enumerate(found):
            smtp.sendmail("bulletin@spp.example.com", [f"reader{n}@example.com"], message, ["BODY=8BITMIME"])


async def relay(found: Sequence[bytes], extensions: tuple[bytes, ...] = (b"8BITMIME",)) -> list[bytes]:
    """What came out of a Postfix that hands on to a receiver with these extensions."""

    def go() -> None:
        with private_postfix(("127.0.0.1", receiver.port)) as postfix:
            submit(postfix.port, found)
            postfix.wait_until_empty()

    async with faulty_relay(extensions=extensions) as receiver:
        await asyncio.to_thread(go)
    came = {one.recipient: one.content for one in receiver.accepted}
    return [came[f"reader{n}@example.com"] for n in range(len(found))]


async def test_what_went_through_postfix_is_verified_by_dkimpy_and_opendkim() -> None:
    signed = messages()
    for (what, message), came in zip(signed.items(), await relay([*signed.values()]), strict=True):
        assert came.startswith(b"Received: ") and came != message, what
        assert ask_dkimpy(came, both_keys()) == [True, True], what
        assert ask_opendkim(came, both_keys()) == PASSED, what


async def test_a_7bit_message_holds_where_the_next_relay_takes_no_8bit_and_an_8bit_one_does_not() -> None:
    seven, eight = fill(make_edition()), fill(make_edition(eight_bit=True), eight_bit=True)
    came_seven, came_eight = await relay([seven, eight], extensions=())
    assert ask_dkimpy(came_seven, both_keys()) == [True, True]
    assert ask_dkimpy(came_eight, both_keys()) == [False, False]  # as docs/signing.md warns: Postfix encodes it anew


async def test_what_is_changed_after_postfix_fails() -> None:
    (came,) = await relay([fill(make_edition())])
    changed = came.replace(b"lin@example.com", b"lim@example.com", 1) if b"To: " in came else came
    assert changed != came
    for forged in (changed, b"Subject: buy\r\n" + came, came + b"buy\r\n"):
        assert ask_dkimpy(forged, both_keys()) == [False, False]
        assert ask_opendkim(forged, both_keys()) == dict.fromkeys(PASSED, "fail")
