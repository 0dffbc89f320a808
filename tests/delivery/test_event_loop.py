"""The loop a command runs in: uvloop's where there is one, and what is run ends as it ends."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator

import pytest

from pressrun.delivery.event_loop import run


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """The garbage collector is put back as it was: other tests run in this process."""
    threshold = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)


async def loop_of() -> asyncio.AbstractEventLoop:
    await asyncio.sleep(0)
    return asyncio.get_running_loop()


def test_it_is_uvloops_where_that_is_installed() -> None:
    uvloop = pytest.importorskip("uvloop")
    assert isinstance(run(loop_of()), uvloop.Loop)


def test_without_uvloop_it_is_asyncios(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "uvloop", None)
    loop = run(loop_of())
    assert type(loop).__module__.startswith("asyncio")


def test_what_it_raises_is_raised_and_the_loop_is_closed() -> None:
    loops = []

    async def fail() -> None:
        loops.append(asyncio.get_running_loop())
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(fail())
    assert loops[0].is_closed()
