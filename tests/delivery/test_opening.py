"""Opening: it works or is told in one error, and whoever is cancelled meanwhile ends."""

from __future__ import annotations

import asyncio

import pytest

from faulty_relay import CLOSE, STALL, Script, Step, Then, faulty_relay, say
from pressrun.delivery.opening import open_client
from pressrun.errors import RelayError

TIMEOUT = 0.15


async def test_whoever_is_cancelled_while_it_opens_ends_at_once_at_whatever_moment() -> None:
    """Up to Python 3.11 asyncio.wait_for lost those who were cancelled in the turn in which they got through."""
    async with faulty_relay([{Step.CONNECT: STALL}] * 100) as relay:
        for turns in range(100):
            task = asyncio.create_task(open_client(relay.relay, 30))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            done, _ = await asyncio.wait([task], timeout=10)
            assert done, f"cancelled after {turns} turns"
            assert task.cancelled()


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ({Step.CONNECT: say(b"554 5.7.1 go away", Then.CLOSE)}, "go away"),
        ({Step.CONNECT: say(b"451 4.3.2 later", Then.CLOSE)}, "later"),
        ({Step.CONNECT: say(b"421 4.7.0 too many", Then.CLOSE)}, "too many"),
        ({Step.CONNECT: CLOSE}, ""),
        ({Step.CONNECT: STALL}, "imed out"),
        ({Step.CONNECT: say(b"HTTP/1.1 400 Bad Request")}, ""),
        ({Step.EHLO: CLOSE}, ""),
        ({Step.EHLO: STALL}, "imed out"),
        ({Step.EHLO: say(b"421 4.3.2 closing", Then.CLOSE)}, ""),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else value,
)
async def test_a_connection_that_does_not_open_is_a_relay_error(script: Script, said: str) -> None:
    async with faulty_relay([script]) as relay:
        with pytest.raises(RelayError) as raised:
            await open_client(relay.relay, TIMEOUT)
    assert said in raised.value.message
    assert f"127.0.0.1:{relay.port}" in raised.value.message


async def test_a_port_where_nobody_listens_is_a_relay_error() -> None:
    async with faulty_relay() as relay:
        pass
    with pytest.raises(RelayError):
        await open_client(relay.relay, TIMEOUT)
