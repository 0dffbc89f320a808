"""The wait before another try: doubling, bounded, never all at once."""

from __future__ import annotations

import datetime as dt
import random

from hypothesis import given
from hypothesis import strategies as st

from pressrun.delivery.backoff import next_try
from small_edition import NOW

MINUTE = dt.timedelta(minutes=1)


@given(attempts=st.integers(0, 10_000), seed=st.integers())
def test_the_wait_stays_between_four_and_seventy_two_minutes(attempts: int, seed: int) -> None:
    assert 4 * MINUTE <= next_try(NOW, attempts, random.Random(seed)) - NOW <= 72 * MINUTE


def test_the_wait_doubles_up_to_an_hour() -> None:
    class Middle(random.Random):
        def uniform(self, a: float, b: float) -> float:
            return (a + b) / 2

    waits = [next_try(NOW, attempts, Middle()) - NOW for attempts in range(1, 7)]
    assert waits == [5 * MINUTE, 10 * MINUTE, 20 * MINUTE, 40 * MINUTE, 60 * MINUTE, 60 * MINUTE]


def test_rows_deferred_together_come_back_apart() -> None:
    chance = random.Random(1)
    assert len({next_try(NOW, 1, chance) for _ in range(100)}) == 100
