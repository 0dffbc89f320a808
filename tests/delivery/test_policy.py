"""The policy is what the settings say, and the surroundings are the real world's unless told."""

from __future__ import annotations

import asyncio
import datetime as dt
import os

import pytest

from pressrun.delivery.breaker import Thresholds
from pressrun.delivery.policy import InDoubt, Policy, Surroundings, policy_from
from pressrun.settings import Settings


def test_a_policy_made_by_hand_is_what_the_settings_say_where_nobody_set_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in tuple(os.environ):
        if name.startswith("PRESSRUN_"):
            monkeypatch.delenv(name)
    assert policy_from(Settings()) == Policy()


def test_every_setting_has_its_part() -> None:
    settings = Settings(
        connections=3, smtp_timeout=4, final_reply_timeout=5, lease_seconds=6, expire_days=7,
        in_doubt="retry", breaker_after=8, breaker_refused=0.9, breaker_in_doubt=0.1, breaker_policy=0.11,
    )  # fmt: skip
    breaker = Thresholds(after=8, refused=0.9, in_doubt=0.1, policy=0.11)
    expected = Policy(3, 4, 5, dt.timedelta(seconds=6), dt.timedelta(days=7), InDoubt.RETRY, breaker)
    assert policy_from(settings) == expected


async def test_the_real_world_has_an_aware_clock_and_a_timer_that_does_not_step_back() -> None:
    world = Surroundings()
    assert world.clock().utcoffset() == dt.timedelta()
    before = world.timer()
    await world.sleep(0)
    await world.tick(0)
    assert world.timer() >= before
    assert world.sleep is asyncio.sleep
    assert Surroundings().chance is not world.chance


def test_a_policy_cannot_be_changed_while_it_is_followed() -> None:
    with pytest.raises(AttributeError):
        Policy().connections = 9  # type: ignore[misc]
