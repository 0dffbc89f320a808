from __future__ import annotations

import importlib
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.delivery.account import Account, Domain
from pressrun.delivery.outcome import OPEN_STATES, State

SENT, QUEUED, DEFERRED, FAILED = State.SENT, State.QUEUED, State.DEFERRED, State.FAILED


@pytest.fixture(scope="module")
def progress(prefect_set_up: None) -> ModuleType:
    """The module; what is tested of it decides from values alone."""
    return importlib.import_module("flows.progress")


@pytest.fixture
def accounts(prefect_set_up: None) -> ModuleType:
    return importlib.import_module("flows.accounts")


def test_the_rate_is_taken_over_the_last_minute(progress: ModuleType) -> None:
    pace = progress.Pace()
    assert pace.rate == 0
    for moment, settled in ((0, 0), (30, 30), (60, 60), (90, 660), (120, 1260)):
        pace.note(moment, settled)
    assert pace.rate == 20


def test_a_count_that_falls_makes_no_negative_rate(progress: ModuleType) -> None:
    pace = progress.Pace()
    pace.note(0, 100)
    pace.note(10, 50)  # an operator queued rows again
    assert pace.rate == 0


@pytest.mark.parametrize(
    ("counts", "rate", "said"),
    [
        ({SENT: 8_123, QUEUED: 4_308}, 412.4, "8,123 of 12,431 settled, 412 a second, about 10 seconds left"),
        ({SENT: 1, QUEUED: 100}, 0.25, "1 of 101 settled, 0.2 a second, about 7 minutes left"),
        ({SENT: 5, FAILED: 1}, 3.0, "6 of 6 settled, 3.0 a second"),
        ({SENT: 5, DEFERRED: 2}, 0.0, "5 of 7 settled, 2 wait for a later try"),
    ],
)
def test_progress_is_told_in_a_line(progress: ModuleType, counts: dict[State, int], rate: float, said: str) -> None:
    assert progress.tell_progress(progress.Progress(counts, rate)) == said


@given(counts=st.dictionaries(st.sampled_from(list(State)), st.integers(0, 10**7)))
def test_a_hundred_percent_is_only_what_is_all_settled(progress: ModuleType, counts: dict[State, int]) -> None:
    percent = progress.Progress(counts).percent
    is_open = any(counts.get(state) for state in OPEN_STATES)
    assert 0 <= percent <= 100
    assert (percent == 100) == (sum(counts.values()) > 0 and not is_open)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "1 second"), (89, "89 seconds"), (120, "2 minutes"), (7_300, "2 hours"), (12_000, "3 hours 20 minutes")],
)
def test_a_duration_is_told_as_a_person_says_it(progress: ModuleType, seconds: float, said: str) -> None:
    assert progress.tell_duration(seconds) == said


def test_outcomes_are_tabulated_by_state_and_domain(accounts: ModuleType) -> None:
    account = Account(
        "spp/2026-02",
        lists={"spp": {SENT: 9, State.IN_DOUBT: 1}},
        domains=(Domain("example.com", {SENT: 7}, 0, None),),
        others={SENT: 2, State.IN_DOUBT: 1},
        other_domains=3,
    )
    assert accounts.tabulate(account) == [
        {"domain": "all", "planned": 10, "sent": 9, "in doubt": 1},
        {"domain": "example.com", "planned": 7, "sent": 7, "in doubt": 0},
        {"domain": "3 others", "planned": 3, "sent": 2, "in doubt": 1},
    ]


def test_outcomes_are_described_in_a_line(accounts: ModuleType) -> None:
    counts = {SENT: 12_428, FAILED: 2, State.IN_DOUBT: 1}
    assert accounts.describe(counts, "and more") == "12,428 of 12,431 sent, 2 failed, 1 in doubt, and more"
    assert accounts.describe({}) == "0 of 0 sent"
