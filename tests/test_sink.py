from __future__ import annotations

import asyncio
from email import message_from_bytes, policy
from pathlib import Path

import aiosmtplib
import pytest

from pressrun.errors import UsageError
from pressrun.sink import SIZE_LIMIT, Kept, read_maildir, sink

MESSAGE = "From: a@example.com\r\nSubject: 简报\r\n\r\n.dot\r\n正文\r\n..\r\n".encode()


async def give(port: int, *recipients: str, message: bytes = MESSAGE) -> None:
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as client:
        await client.sendmail("a@example.com", list(recipients), message, mail_options=["SMTPUTF8"])


async def test_a_message_is_kept_octet_by_octet_below_its_trace(tmp_path: Path) -> None:
    async with sink(tmp_path / "box") as port:
        await give(port, "b@example.com")
    (kept,) = read_maildir(tmp_path / "box")
    trace, _, content = kept.partition(b"From: ")
    assert trace == b"Return-Path: <a@example.com>\r\nDelivered-To: b@example.com\r\n"
    assert b"From: " + content == MESSAGE


async def test_each_recipient_gets_one(tmp_path: Path) -> None:
    kept: list[Kept] = []
    async with sink(tmp_path / "box", kept=kept.append) as port:
        await give(port, "b@example.com", "林晓@example.com")
    to = [message_from_bytes(raw, policy=policy.default)["Delivered-To"] for raw in read_maildir(tmp_path / "box")]
    assert len(to) == 2
    assert [(one.recipient, one.subject, one.octets) for one in kept] == [
        ("b@example.com", "简报", len(MESSAGE)),
        ("林晓@example.com", "简报", len(MESSAGE)),
    ]


async def test_a_message_that_cannot_be_kept_is_to_be_tried_again(tmp_path: Path) -> None:
    async with sink(tmp_path / "box") as port:
        (tmp_path / "box" / "tmp").rmdir()
        with pytest.raises(aiosmtplib.SMTPDataError) as refused:
            await give(port, "b@example.com")
    assert refused.value.code == 451


async def test_what_was_kept_before_stays(tmp_path: Path) -> None:
    for _ in range(2):
        async with sink(tmp_path / "box") as port:
            await give(port, "b@example.com")
    assert len(read_maildir(tmp_path / "box")) == 2


async def test_a_message_cut_off_before_its_end_is_not_kept(tmp_path: Path) -> None:
    async with sink(tmp_path / "box") as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HELO x\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\nSubject: half")
        for _ in range(5):
            await reader.readline()
        writer.close()
        await writer.wait_closed()
    assert read_maildir(tmp_path / "box") == []


async def test_a_message_over_the_limit_is_refused(tmp_path: Path) -> None:
    async with (
        sink(tmp_path / "box") as port,
        aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as client,
    ):
        await client.ehlo()
        assert client.esmtp_extensions["size"] == str(SIZE_LIMIT)
        code, _ = await client.execute_command(b"MAIL", b"FROM:<a@example.com>", f"SIZE={SIZE_LIMIT + 1}".encode())
        assert code == 552


async def test_a_message_that_is_no_mail_is_kept_all_the_same(tmp_path: Path) -> None:
    octets = b"\xff\x00 no header at all\r\n"
    async with sink(tmp_path / "box") as port:
        await give(port, "b@example.com", message=octets)
    (kept,) = read_maildir(tmp_path / "box")
    assert kept.endswith(octets)


async def test_it_ends_while_a_client_stays_connected(tmp_path: Path) -> None:
    async with sink(tmp_path / "box") as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert (await reader.readline()).startswith(b"220 ")
    assert await asyncio.wait_for(reader.read(), 5) == b""
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    writer.close()


async def test_a_taken_port_is_wrong_usage(tmp_path: Path) -> None:
    async with sink(tmp_path / "box") as port:
        with pytest.raises(UsageError, match=f"127.0.0.1:{port}"):
            async with sink(tmp_path / "other", port=port):
                pass


def test_no_maildir_holds_no_messages(tmp_path: Path) -> None:
    assert read_maildir(tmp_path / "nowhere") == []
