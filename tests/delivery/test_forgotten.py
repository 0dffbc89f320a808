"""Somebody asks to be forgotten while their issue is on its way: no dot of theirs leaves after that."""

from __future__ import annotations

import asyncio

import pytest

from gated_relay import gated_relay
from pressrun.address import parse_address
from pressrun.delivery.relay import parse_relays
from pressrun.store.database import Database
from pressrun.store.forget import forget
from small_edition import KEY, NOW, addresses
from small_world import HUNG, prepare_for, run, states

READERS = addresses(6)


@pytest.mark.parametrize("place", range(1, 6))
async def test_who_is_forgotten_within_a_send_gets_nothing_of_it(database: Database, place: int) -> None:
    """All rows are claimed, the first message waits for its answer: whoever comes after it can still be held back."""
    await prepare_for(database, READERS)
    gone = READERS[place]
    async with gated_relay() as relay, asyncio.timeout(HUNG):
        sending = asyncio.create_task(
            run(database, *parse_relays(relay.url), connections=1, timeout=HUNG, final_reply_timeout=HUNG)
        )
        await relay.wait_for(1)
        done = await forget(database, KEY, parse_address(gone), NOW)
        relay.let(len(READERS))
        await sending
    assert (done.scrubbed, done.closed, done.leaving) == (1, 1, 0)
    assert relay.taken == [one for one in READERS if one != gone]
    assert await states(database) == {"sent": 5, "suppressed": 1}


async def test_one_whose_dot_has_left_is_told_of_and_accounted_for(database: Database) -> None:
    await prepare_for(database, READERS[:2])
    async with gated_relay() as relay, asyncio.timeout(HUNG):
        sending = asyncio.create_task(
            run(database, *parse_relays(relay.url), connections=1, timeout=HUNG, final_reply_timeout=HUNG)
        )
        await relay.wait_for(1)
        done = await forget(database, KEY, parse_address(READERS[0]), NOW)
        relay.let(2)
        await sending
    assert (done.closed, done.leaving) == (0, 1)
    assert await states(database) == {"sent": 2}
