from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import cast

import pytest

from pressrun.preview.board import Board, Showing, keep_current
from pressrun.preview.fault import Fault
from pressrun.preview.proof import Attempt, Proof

ROOT = Path("/workspace")
FIRST, SECOND = (cast(Proof, name) for name in ("first", "second"))
FAULT = Fault("bad", "mend it", "a.md", 1, 1)


def test_with_a_fault_the_last_sound_proof_stays() -> None:
    showing = Showing().after(Attempt(FIRST)).after(Attempt(None, (FAULT,)))
    assert (showing.version, showing.made, showing.proof, showing.faults) == (2, 1, FIRST, (FAULT,))
    mended = showing.after(Attempt(SECOND))
    assert (mended.version, mended.made, mended.proof, mended.faults) == (3, 2, SECOND, ())


async def test_who_waits_is_told_what_is_shown_and_what_comes() -> None:
    board = Board()
    board.show(Attempt(FIRST))
    news = board.newer()
    assert (await anext(news)).proof == FIRST
    coming = asyncio.ensure_future(anext(news))
    await asyncio.sleep(0)
    assert not coming.done()
    board.show(Attempt(SECOND))
    assert (await coming).proof == SECOND


async def test_what_is_overtaken_is_left_out() -> None:
    board = Board()
    news = board.newer()
    await anext(news)
    board.show(Attempt(FIRST))
    board.show(Attempt(SECOND))
    assert (await anext(news)).version == 2


async def test_a_closed_board_lets_everybody_go() -> None:
    board = Board()

    async def wait() -> int:
        return len([showing async for showing in board.newer()])

    waiting = [asyncio.create_task(wait()) for _ in range(3)]
    await asyncio.sleep(0)
    board.close()
    assert await asyncio.gather(*waiting) == [1, 1, 1]


async def each(count: int) -> AsyncIterator[int]:
    for n in range(count):
        yield n


def attempts(*outcomes: Attempt | BaseException) -> Callable[[], Attempt]:
    left = iter(outcomes)

    def make() -> Attempt:
        outcome = next(left)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    return make


class PanicError(BaseException):
    """As a library written in Rust raises it."""


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("x"), PermissionError(13, "denied", "/workspace/a"), PanicError("x")]
)
async def test_whatever_fails_is_shown_and_ends_nothing(error: BaseException) -> None:
    board = Board()
    await keep_current(board, each(2), attempts(Attempt(FIRST), error), ROOT)
    assert (board.now.proof, board.now.version, len(board.now.faults)) == (FIRST, 2, 1)
    await keep_current(board, each(1), attempts(Attempt(SECOND)), ROOT)
    assert (board.now.proof, board.now.faults) == (SECOND, ())
