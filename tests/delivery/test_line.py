"""The open line: replies in the order in which they came, and every way in which it may be lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from pressrun.delivery.line import Line, LostError, TimeOutError

LONG = 5.0
SHORT = 0.02


@dataclass
class Far:
    """The relay's end."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


@asynccontextmanager
async def opened() -> AsyncIterator[tuple[Line, Far]]:
    """A line and its other end."""
    ends: asyncio.Future[Far] = asyncio.get_running_loop().create_future()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends.set_result(Far(reader, writer))

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, "127.0.0.1", port)
    line, far = Line(transport), await ends
    try:
        yield line, far
    finally:
        line.abort()
        far.writer.close()
        server.close()


async def codes(line: Line, count: int) -> list[int]:
    return [(await line.reply(LONG)).code for _ in range(count)]


async def test_replies_wait_in_order_to_be_asked_for() -> None:
    async with opened() as (line, far):
        far.writer.write(b"250 a\r\n250 b\r\n35")
        assert await codes(line, 2) == [250, 250]
        assert not line.has_replies
        waiting = asyncio.create_task(line.reply(LONG))
        await asyncio.sleep(0)
        far.writer.write(b"4 go on\r\n")
        assert (await waiting).code == 354


async def test_what_is_given_goes_out_in_order() -> None:
    async with opened() as (line, far):
        line.write(b"MAIL\r\n")
        line.write(b"RCPT\r\n")
        assert await far.reader.readexactly(12) == b"MAIL\r\nRCPT\r\n"
        assert line.unsent == 0


async def test_what_came_before_the_loss_is_given_first() -> None:
    async with opened() as (line, far):
        far.writer.write(b"250 taken\r\n421 closing\r\n")
        far.writer.close()
        assert await codes(line, 2) == [250, 421]
        with pytest.raises(LostError, match="connection lost"):
            await line.reply(LONG)
        assert not line.is_open


async def test_what_came_before_nonsense_is_given_first_and_the_line_is_cut() -> None:
    async with opened() as (line, far):
        far.writer.write(b"250 taken\r\n<html>\r\n250 more\r\n")
        assert await codes(line, 1) == [250]
        with pytest.raises(LostError, match="no reply: <html>"):
            await line.reply(LONG)
        assert await far.reader.read() == b""


async def test_a_line_that_is_lost_while_one_waits_ends_the_wait() -> None:
    async with opened() as (line, far):
        waiting = asyncio.create_task(line.reply(LONG))
        await asyncio.sleep(0)
        far.writer.transport.abort()
        with pytest.raises(LostError):
            await waiting


async def test_a_line_that_is_cut_ends_the_wait_and_stays_cut() -> None:
    async with opened() as (line, far):
        waiting = asyncio.create_task(line.reply(LONG))
        await asyncio.sleep(0)
        line.abort()
        with pytest.raises(LostError, match="cut"):
            await waiting
        with pytest.raises(LostError, match="cut"):
            await line.reply(LONG)
        assert not line.is_open and await far.reader.read() == b""


async def test_silence_ends_the_line_and_tells_that_all_had_left() -> None:
    async with opened() as (line, _):
        line.write(b"x" * 1000)
        with pytest.raises(TimeOutError) as raised:
            await line.reply(SHORT)
        assert raised.value.unsent == 0
        assert not line.is_open


async def test_silence_of_a_relay_that_does_not_read_tells_what_had_not_left() -> None:
    async with opened() as (line, far):
        far.writer.transport.pause_reading()  # type: ignore[attr-defined]
        line.write(b"x" * 20_000_000)
        with pytest.raises(TimeOutError) as raised:
            await line.reply(SHORT)
        assert 1_000_000 < raised.value.unsent <= 20_000_000


async def test_each_reply_has_its_own_time() -> None:
    """One timer serves all waits: neither an earlier one's end nor a later one's may count for another."""
    async with opened() as (line, far):
        for seconds in (LONG, SHORT * 3, LONG):
            waiting = asyncio.create_task(line.reply(seconds))
            await asyncio.sleep(SHORT)
            far.writer.write(b"250 ok\r\n")
            assert (await waiting).code == 250
        await asyncio.sleep(SHORT * 3)  # nobody waits: no time is over
        assert line.is_open
        with pytest.raises(TimeOutError):
            await line.reply(SHORT)


async def test_one_who_gave_up_waiting_leaves_the_reply_to_the_next() -> None:
    async with opened() as (line, far):
        waiting = asyncio.create_task(line.reply(LONG))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        far.writer.write(b"250 ok\r\n")
        assert await codes(line, 1) == [250]


async def test_a_line_that_was_closed_before_it_was_taken_over_is_lost() -> None:
    async with opened() as (line, _):
        transport = line._transport
        transport.abort()
        with pytest.raises(LostError):
            await Line(transport).reply(LONG)
