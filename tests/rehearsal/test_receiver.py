from __future__ import annotations

import asyncio
import errno
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiosmtplib
import pytest

from pressrun.rehearsal.box import Box, Received, read_box
from pressrun.rehearsal.faults import Faults
from pressrun.rehearsal.receiver import Receiver, receive

MESSAGE = b"Subject: a\r\n\r\n.dot\r\n..\r\nend\r\n"
STUFFED = b"Subject: a\r\n\r\n..dot\r\n...\r\nend\r\n"
GROUP = b"MAIL FROM:<a@example.com>\r\nRCPT TO:<%b>\r\nDATA\r\n"


class Place:
    """A receiver that listens, and its box."""

    def __init__(self, receiver: Receiver, port: int, file: Path) -> None:
        self.receiver, self.port, self.file = receiver, port, file

    @property
    def kept(self) -> list[Received]:
        return list(read_box(self.file))

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        assert (await reader.readline()).startswith(b"220 ")
        return reader, writer

    async def give(self, recipient: str = "b@example.com") -> None:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=self.port, start_tls=False) as client:
            await client.sendmail("a@example.com", [recipient], MESSAGE, mail_options=["SMTPUTF8"])


@asynccontextmanager
async def listening(folder: Path, faults: Faults | None = None, box: type[Box] = Box) -> AsyncIterator[Place]:
    opened = box(folder / "messages")
    receiver = Receiver(opened, faults or Faults(), random.Random(1))
    async with asyncio.timeout(20), receive(receiver) as port:
        yield Place(receiver, port, folder / "messages")
    opened.close()


async def test_a_message_is_kept_octet_by_octet(tmp_path: Path) -> None:
    async with listening(tmp_path) as place:
        await place.give()
        await place.give("林晓@example.com")
        assert [one.recipient for one in place.kept] == ["b@example.com", "林晓@example.com"]
        assert {one.content for one in place.kept} == {MESSAGE}
        assert place.receiver.kept == 2


async def test_it_offers_what_the_engine_makes_use_of(tmp_path: Path) -> None:
    async with (
        listening(tmp_path) as place,
        aiosmtplib.SMTP(hostname="127.0.0.1", port=place.port, start_tls=False) as client,
    ):
        await client.ehlo()
        assert {"pipelining", "8bitmime", "smtputf8", "size", "enhancedstatuscodes"} <= client.esmtp_extensions.keys()


async def test_pipelined_commands_are_answered_in_order_however_they_are_cut(tmp_path: Path) -> None:
    whole = (
        b"EHLO x\r\n" + GROUP % b"b@example.com" + STUFFED + b".\r\n" + GROUP % b"c@example.com" + STUFFED + b".\r\n"
    )
    async with listening(tmp_path) as place:
        for size in (1, 3, 7, len(whole)):
            reader, writer = await place.connect()
            for at in range(0, len(whole), size):
                writer.write(whole[at : at + size])
                await asyncio.sleep(0)
            writer.write(b"QUIT\r\n")
            codes = [line[:4] for line in (await reader.read()).splitlines()]
            assert codes == [b"250-"] * 5 + [b"250 "] * 3 + [b"354 ", b"250 "] + [b"250 "] * 2 + [
                b"354 ",
                b"250 ",
                b"221 ",
            ]
            writer.close()
        assert {one.content for one in place.kept} == {MESSAGE}
        assert len(place.kept) == 8


async def test_an_empty_message_ends_at_once(tmp_path: Path) -> None:
    async with listening(tmp_path) as place:
        reader, writer = await place.connect()
        writer.write(GROUP % b"b@example.com" + b".\r\nQUIT\r\n")
        assert (await reader.read()).endswith(b"250 2.0.0 kept\r\n221 2.0.0 bye\r\n")
        assert [one.content for one in place.kept] == [b""]
        writer.close()


@pytest.mark.parametrize(("faults", "code"), [(Faults(temporary=1), 451), (Faults(permanent=1), 550)])
async def test_who_is_refused_gives_no_message(tmp_path: Path, faults: Faults, code: int) -> None:
    async with listening(tmp_path, faults) as place:
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
            await place.give()
        assert refused.value.recipients[0].code == code
        reader, writer = await place.connect()
        writer.write(GROUP % b"b@example.com" + b"QUIT\r\n")
        assert b"\r\n503 " in await reader.read()
        writer.close()
        assert place.kept == []
        assert sum(place.receiver.struck.values()) == 2


async def test_connections_are_cut_before_the_message_or_after_it_was_kept(tmp_path: Path) -> None:
    async with listening(tmp_path, Faults(dropped=1)) as place:
        for _ in range(20):
            with pytest.raises(aiosmtplib.SMTPServerDisconnected):
                await place.give()
        struck = place.receiver.struck
        assert struck["cut before"] + struck["cut after"] == 20
        assert len(place.kept) == struck["cut after"] > 0
        assert struck["cut before"] > 0


async def test_a_slow_domain_is_answered_late_and_in_order(tmp_path: Path) -> None:
    async with listening(tmp_path, Faults(slow=1, slow_seconds=0.05)) as place:
        reader, writer = await place.connect()
        writer.write((GROUP % b"b@example.com" + STUFFED + b".\r\n") * 2 + b"QUIT\r\n")
        codes = [line[:3] for line in (await reader.read()).splitlines()]
        assert codes == [b"250", b"250", b"354", b"250"] * 2 + [b"221"]
        assert place.receiver.struck["slow"] == 2
        writer.close()


async def test_the_message_to_halt_at_is_kept_and_never_answered(tmp_path: Path) -> None:
    async with listening(tmp_path) as place:
        halted = asyncio.Event()
        place.receiver.halt_at, place.receiver.halted = 2, halted.set
        await place.give()
        giving = asyncio.create_task(place.give("c@example.com"))
        await halted.wait()
        await place.give("d@example.com")
        assert not giving.done()
        assert [one.recipient for one in place.kept] == ["b@example.com", "c@example.com", "d@example.com"]
        giving.cancel()


async def test_what_has_no_room_is_refused_for_now(tmp_path: Path) -> None:
    class Full(Box):
        def add(self, recipient: str, content: bytes) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    async with listening(tmp_path, box=Full) as place:
        with pytest.raises(aiosmtplib.SMTPDataError) as refused:
            await place.give()
        assert refused.value.code == 452
        assert (place.receiver.struck["no room"], place.receiver.kept) == (1, 0)


async def test_a_message_needs_a_recipient_and_a_command_is_one_it_knows(tmp_path: Path) -> None:
    async with listening(tmp_path) as place:
        reader, writer = await place.connect()
        writer.write(b"DATA\r\nVRFY a\r\nRSET\r\nHELO x\r\nQUIT\r\n")
        assert [line[:3] for line in (await reader.read()).splitlines()] == [b"503", b"500", b"250", b"250", b"221"]
        writer.close()
