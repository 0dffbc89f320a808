from __future__ import annotations

import asyncio
import logging

import pytest

from pressrun.errors import StoreError
from pressrun.public.background import LONGEST, WELL, in_background, keep_on


async def test_work_that_fails_begins_again_after_pauses_that_grow(caplog: pytest.LogCaptureFixture) -> None:
    pauses: list[float] = []
    begun: list[int] = []

    async def work() -> None:
        begun.append(1)
        raise StoreError("the store is gone", "bring it back") if len(begun) % 2 else KeyError("lin@example.com")

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 9:
            raise asyncio.CancelledError

    with caplog.at_level(logging.ERROR), pytest.raises(asyncio.CancelledError):
        await keep_on("posting", work, sleep)
    assert pauses == [1, 2, 4, 8, 16, 32, LONGEST, LONGEST, LONGEST]
    assert len(begun) == 9
    assert "posting failed with StoreError: the store is gone" in caplog.text
    assert "KeyError" in caplog.text and "lin@" not in caplog.text  # others' errors may quote what people wrote


async def test_pauses_begin_anew_after_the_work_ran_well_for_a_while() -> None:
    pauses: list[float] = []
    lasted = [0.0, 0.0, 0.0, WELL - 1, WELL, 0.0, WELL * 1_000]
    now = 0.0

    async def work() -> None:
        nonlocal now
        now += lasted[len(pauses)]
        raise StoreError("the store is gone", "bring it back")

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        pauses.append(seconds)
        if len(pauses) == len(lasted):
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await keep_on("posting", work, sleep, lambda: now)
    assert pauses == [1, 2, 4, 8, 1, 2, 1]


async def test_work_ends_with_the_block() -> None:
    ended = asyncio.Event()
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)  # as giving a connection back takes
            ended.set()

    async with in_background("waiting", work):
        await begun.wait()
    assert ended.is_set()
