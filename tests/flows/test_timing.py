from __future__ import annotations

import datetime as dt
import importlib
from types import ModuleType
from zoneinfo import ZoneInfo

import pytest

from pressrun.schedule.due import Judgement, Verdict
from pressrun.schedule.window import Window

ZONE = ZoneInfo("Europe/Vienna")
NOW = dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC)  # 09:00 in Vienna, a Monday
ALWAYS = Window(ZONE)
FROM_TEN = Window(ZONE, ((10 * 3600, 86_400),))
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def timing(prefect_set_up: None) -> ModuleType:
    """The module: it decides from values alone."""
    return importlib.import_module("flows.timing")


def judged(verdict: Verdict, at: dt.datetime | None = None) -> Judgement:
    return Judgement(verdict, at, "for a reason", "due then")


@pytest.mark.parametrize(
    ("verdict", "begun", "gate"),
    [
        (Verdict.DUE, False, "go"),
        (Verdict.WAITING, False, "wait"),
        (Verdict.WAITING, True, "go"),  # for deferred rows: whoever joined since need not wait for them
        (Verdict.OUTSIDE, False, "wait"),
        (Verdict.OUTSIDE, True, "wait"),
        (Verdict.LATE_HELD, False, "hold"),
        (Verdict.LATE_ASKS, False, "ask"),
        (Verdict.UNAPPROVED, False, "ask"),
        (Verdict.REJECTED, False, "ask"),  # somebody publishes it again
        (Verdict.RUNNING, True, "go"),
        (Verdict.RETRY, True, "go"),
        (Verdict.FINISHED, True, "go"),
    ],
)
def test_what_send_due_looks_after_goes_as_it_is_judged(
    timing: ModuleType, verdict: Verdict, begun: bool, gate: str
) -> None:
    timed = timing.weigh(judged(verdict, NOW + HOUR), "due then", NOW, ALWAYS, NOW, begun=begun)
    assert timed.gate == gate
    assert timed.is_watched == (gate == "wait")
    assert timed.occasion == ("due then" if verdict is Verdict.DUE else "")


def test_what_nobody_looks_after_goes_at_once(timing: ModuleType) -> None:
    assert timing.weigh(None, "", None, ALWAYS, NOW, begun=False).gate == "go"


def test_what_nobody_looks_after_waits_for_its_time_all_the_same(timing: ModuleType) -> None:
    timed = timing.weigh(None, "", NOW + HOUR, FROM_TEN, NOW, begun=False)
    assert (timed.gate, timed.at, timed.is_watched) == ("wait", NOW + HOUR, False)
    assert timed.reason == "goes out at 2026-03-02 10:00"


@pytest.mark.parametrize("judgement", [None, judged(Verdict.FINISHED)])
def test_nothing_goes_outside_of_the_window(timing: ModuleType, judgement: Judgement | None) -> None:
    timed = timing.weigh(judgement, "", None, FROM_TEN, NOW, begun=False)
    assert (timed.gate, timed.at) == ("wait", NOW + HOUR)
    assert timed.reason == "outside of the send window, which opens at 2026-03-02 10:00"


def test_what_has_begun_does_not_wait_for_its_time_again(timing: ModuleType) -> None:
    assert timing.weigh(None, "", NOW + HOUR, ALWAYS, NOW, begun=True).gate == "go"
